"""A whole run in a network namespace without any interface but loopback, from nothing to pages.

Look-ups of names and connections are noted by an audit hook in every Python process of the run:
Dagster, dbt, the check worker. libpq, which is not Python, is given the path of a socket.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from deliveries import write
from kept_state import BEFORE, FIRST

from orchestration.postgres import embedded

_NOTES = """
import os, sys

def note(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr",
                 "socket.getnameinfo", "socket.connect", "socket.sendto"):
        address = arguments[1] if event in ("socket.connect", "socket.sendto") else arguments[0]
        if not isinstance(address, (str, bytes)) or not event.endswith(("connect", "sendto")):
            with open(os.environ["NOTES"], "a") as file:
                file.write(f"{event} {address}\\n")

sys.addaudithook(note)
with open(os.environ["NOTES"], "a") as file:
    file.write("python\\n")
"""


@pytest.fixture
def home() -> Iterator[Path]:
    # A short path: a Unix socket's name is at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="atendimento-test-"))
    yield folder
    embedded.remove_server(folder / "home" / "postgres")
    shutil.rmtree(folder)


def unshare() -> list[str]:
    """The command that runs another without a network; skips the test when there is none."""
    for command in (["unshare", "--net"], ["unshare", "--map-root-user", "--net"]):
        if (
            shutil.which("unshare")
            and subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0
        ):
            return command
    pytest.skip("no network namespace can be made here (unshare)")


def test_a_whole_run_needs_no_network_and_asks_for_no_name(home: Path) -> None:
    inside = unshare()
    interfaces = subprocess.run(
        [*inside, "cat", "/proc/net/dev"], capture_output=True, text=True, check=True
    ).stdout
    names = [line.partition(":")[0].strip() for line in interfaces.splitlines() if ":" in line]
    assert names == ["lo"]
    (home / "sitecustomize.py").write_text(_NOTES, encoding="utf-8")
    notes = home / "notes"
    write(home / "delivery", FIRST)
    root = Path(__file__).resolve().parents[2]
    began = time.monotonic()
    said = subprocess.run(
        [
            *inside, sys.executable, "-m", "orchestration.cli",
            "run", "--source", str(home / "delivery"), "--as-of", BEFORE,
        ],
        cwd=root,
        env={
            **{key: value for key, value in os.environ.items() if "ATENDIMENTO" not in key},
            "ATENDIMENTO_HOME": str(home / "home"),
            "PYTHONPATH": os.pathsep.join([str(home), str(root)]),
            "NOTES": str(notes),
        },
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    noted = notes.read_text(encoding="utf-8").splitlines()
    processes = noted.count("python")
    attempts = [note for note in noted if note != "python"]
    print(
        f"\nonly {', '.join(names)}: exit code {said.returncode} after "
        f"{time.monotonic() - began:.0f} s, {processes} Python processes, "
        f"{len(attempts)} look-ups or connections: {attempts}"
    )
    assert said.returncode == 0, said.stdout + said.stderr
    assert processes >= 2
    assert attempts == []
    assert (home / "home" / "published" / "current" / "index.html").stat().st_size > 0
