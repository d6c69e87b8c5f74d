"""The whole program in a test: a home, a database, and the command line called in this process."""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from pathlib import Path

from orchestration.cli import main as cli
from orchestration.postgres.database import Database
from reports.editions import list_editions

PUBLISHED_TABLES = (
    "agenda_status",
    "passive_contact_status",
    "totalizer",
    "totalizer_history",
    "sending_alarm",
    "call_list",
    "call_waiting",
    "call_done",
    "phone_call",
    "passive_waiting",
    "day_activity",
    "no_show_return",
    "dispatch_due",
)


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended: its exit code and all that it printed."""

    exit_code: int
    output: str

    @property
    def last_line(self) -> str:
        """The line that says how it ended and what to do."""
        return self.output.strip().splitlines()[-1]


@dataclass(frozen=True, slots=True)
class Program:
    """The command line over one home and one database."""

    home: Path
    database: Database

    def call(self, *arguments: str | Path, **settings: str) -> Said:
        """Call a command as a shell would; `settings` are further ATENDIMENTO_ variables."""
        named = {"HOME": str(self.home), "DATABASE_URL": self.database.url, **settings}
        with environment({f"ATENDIMENTO_{key}": value for key, value in named.items()}):
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                try:
                    exit_code = cli.main([str(argument) for argument in arguments])
                except SystemExit as stop:  # argparse
                    exit_code = int(stop.code or 0)
        return Said(exit_code, printed.getvalue())

    def published(self) -> dict[str, tuple[int, int]]:
        """Each published table's number of rows and a checksum that no order changes."""
        with self.database.connect() as conn:
            return {
                table: conn.execute(
                    f"select count(*), coalesce(sum(hashtextextended(t::text, 0)), 0)"
                    f" from marts.{table} as t"
                ).fetchone()  # type: ignore[misc]
                for table in PUBLISHED_TABLES
            }

    def beside(self, name: str) -> str:
        """What a page beside the editions says."""
        html = (self.home / "published" / name).read_text(encoding="utf-8")
        bare = re.sub(r"<(style|script)>.*?</\1>", "", html, flags=re.DOTALL)
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", bare)).split())

    def editions(self) -> dict[str, bytes]:
        """Every file of every edition, by its path in the publish folder."""
        published = self.home / "published"
        return {
            path.relative_to(published).as_posix(): path.read_bytes()
            for edition in list_editions(published)
            for path in sorted((published / edition.name).rglob("*"))
            if path.is_file()
        }

    def pages(self) -> dict[str, bytes]:
        """Every file of the current edition, by its path in it."""
        current = self.home / "published" / "current"
        return {
            path.relative_to(current).as_posix(): path.read_bytes()
            for path in sorted(current.rglob("*"))
            if path.is_file()
        }


@contextlib.contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """The environment with these ATENDIMENTO_ variables and no other; put back at the end."""
    before = dict(os.environ)
    for name in before:
        if name.startswith("ATENDIMENTO_"):
            del os.environ[name]
    os.environ.update(variables)
    umask = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(umask)
        os.environ.clear()
        os.environ.update(before)
