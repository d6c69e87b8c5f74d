"""Reads which checks of a run did not pass, as they are told to a person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg


@dataclass(frozen=True, slots=True)
class FailedCheck:
    """A check that did not pass; `count` is of rows, tables or companies."""

    suite: str
    name: str
    blocking: bool
    count: int
    details: dict[str, Any]

    @property
    def parked(self) -> str:
        """The file, column and ids of parked rows (R2); empty for any other check."""
        return "; ".join(
            f"{row['file_name']}: {row['rows_parked']:,} of {row['rows_read']:,} rows wait for "
            f"{row['missing_ids']}"
            for row in self.details.get("rows", ())
            if "missing_ids" in row
        )

    def __str__(self) -> str:
        crashed = "could not be computed" if "crashed" in self.details else ""
        return f"{self.suite}.{self.name} ({crashed or self.parked or self.count})"


def failed_checks(conn: psycopg.Connection, run_id: str) -> Iterator[FailedCheck]:
    """Yield the checks of a run that did not pass, in the order of their names."""
    for row in conn.execute(
        "select suite, check_name, blocking, unexpected_count, details from ops.check_result"
        " where run_id = %s and not passed"
        ' order by suite collate "C", check_name collate "C"',
        [run_id],
    ):
        yield FailedCheck(*row)
