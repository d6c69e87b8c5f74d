"""Findings into `ops.check_result`, run by run. Belongs here: that one statement.

Does not: making the table, nor opening the connection. The connection is psycopg's, named by
what is used of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from checks.spec import Finding

_STORE = """
insert into ops.check_result
    (run_id, as_of, suite, check_name, blocking, passed, unexpected_count, details)
values (%s, %s, %s, %s, %s, %s, %s, %s)
on conflict (run_id, suite, check_name) do update set
    as_of = excluded.as_of,
    blocking = excluded.blocking,
    passed = excluded.passed,
    unexpected_count = excluded.unexpected_count,
    details = excluded.details,
    checked_at = clock_timestamp()
"""


class Cursor(Protocol):
    """As much of a cursor as is used here."""

    def executemany(self, query: Any, params_seq: Iterable[Sequence[Any]], /) -> None:
        """Run the statement once for each row."""


class Connection(Protocol):
    """As much of a connection as is used here."""

    def transaction(self) -> AbstractContextManager[Any]:
        """Commit at the end of the block, or roll back."""

    def cursor(self) -> AbstractContextManager[Any]:
        """A cursor for the block."""


def store(conn: Connection, run_id: str, as_of: datetime, findings: Iterable[Finding]) -> None:
    """Keep what a run's checks found, all or nothing; the same run again replaces its own."""
    rows = [
        (
            run_id,
            as_of,
            finding.suite,
            finding.check,
            finding.blocking,
            finding.passed,
            finding.unexpected_count,
            json.dumps(finding.details),
        )
        for finding in findings
    ]
    with conn.transaction(), conn.cursor() as cursor:
        cursor.executemany(_STORE, rows)
