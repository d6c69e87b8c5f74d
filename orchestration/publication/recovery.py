"""Tables and pages are switched together; here is put right what a death between the two left.

The link to the pages is switched as the last act of the transaction that swaps the tables. Two
moments are left: the process dies after the link and before the commit, or the server dies in the
commit and the process does not learn how it ended. The ledger is written by that transaction, so it
tells in both.
"""

from __future__ import annotations

import time
from pathlib import Path

from orchestration.errors import DatabaseError
from orchestration.postgres.database import Database
from orchestration.progress import LOGGER
from reports import editions

_PATIENCE_SECONDS = 30.0
_TURN_SECONDS = 0.5


def was_committed(
    database: Database, run_id: str, patience: float = _PATIENCE_SECONDS
) -> bool | None:
    """Whether the run's publication was committed; None when the database does not come back."""
    last = time.monotonic() + patience
    while True:
        try:
            with database.connect() as conn:
                found = conn.execute("select from ops.publication where run_id = %s", [run_id])
                return found.rowcount > 0
        except DatabaseError:
            if time.monotonic() >= last:
                return None
            time.sleep(_TURN_SECONDS)


def repair_current_link(database: Database, published: Path) -> None:
    """Lead readers to the pages of what is published, when they were led elsewhere."""
    with database.connect() as conn:
        row = conn.execute(
            "select edition from ops.publication order by publication_id desc limit 1"
        ).fetchone()
    if not row:
        return
    shown = editions.current_edition(published)
    if (published / row[0]).is_dir() and (shown is None or shown.name != row[0]):
        editions.activate_edition(published, row[0])
        LOGGER.info("The pages did not belong to the published tables; now they do: %s", row[0])
