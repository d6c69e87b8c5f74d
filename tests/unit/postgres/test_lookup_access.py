"""The lookup page under an account of its own: its two roles, and nothing else."""

from __future__ import annotations

import os
import pwd
import tempfile
from pathlib import Path

import psycopg
import pytest

from orchestration.lookup_server import serve
from orchestration.postgres import embedded
from orchestration.postgres.database import Database
from orchestration.postgres.roles import PAGE, SIGN_IN
from orchestration.settings import Settings, SettingsError


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
def test_the_account_of_the_lookup_page_gets_in_as_its_roles_only(tmp_path: Path) -> None:
    web = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory(prefix="atendimento-test-") as folder:
        reachable = Path(folder)
        reachable.chmod(0o711)
        sockets = reachable / "sockets"
        sockets.mkdir(mode=0o755)
        sockets.chmod(0o1777)  # the server's account makes the socket
        settings = Settings(
            home=tmp_path, database_url=None, lookup_account=web.pw_name, lookup_socket_dir=sockets
        )
        lookup = embedded.LookupAccess(web.pw_name, sockets)
        try:
            database, _ = serve.prepare_lookup_server(settings)
            for role, expected in (
                (PAGE, "in"), (SIGN_IN, "in"), (embedded.OWNER, "out"), (embedded.SUPERUSER, "out"),
            ):  # fmt: skip
                assert (role, as_account(web, lookup.database(role))) == (role, expected)
            other = pwd.getpwnam("daemon")
            assert as_account(other, lookup.database(PAGE)) == "out"
            assert as_account(web, database) == "out"
            # Root is let in as every role: what the page would be served with.
            assert serve.prepared_logins(settings).page == lookup.database(PAGE)
        finally:
            embedded.remove_server(tmp_path / "postgres")


def as_account(account: pwd.struct_passwd, database: Database) -> str:
    """Whether a process of that account connects."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(account.pw_gid)
            os.setuid(account.pw_uid)
            psycopg.connect(database.url, connect_timeout=5).close()
            os._exit(0)
        except psycopg.OperationalError:
            os._exit(1)
        finally:
            os._exit(2)
    return {0: "in", 1: "out"}[os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])]


def test_without_named_logins_nothing_is_served(tmp_path: Path) -> None:
    for named in (
        {},
        {"lookup_database_url": "postgresql://page@/a"},
        {"database_url": "postgresql://owner@/a", "lookup_account": "web",
         "lookup_socket_dir": tmp_path},
    ):  # fmt: skip
        with pytest.raises(SettingsError, match="--prepared needs"):
            serve.prepared_logins(Settings(home=tmp_path / "none", **named))
    with pytest.raises(SettingsError, match="need each other"):
        serve.prepared_logins(Settings(home=tmp_path / "none", lookup_account="web"))
    assert not (tmp_path / "none").exists()
