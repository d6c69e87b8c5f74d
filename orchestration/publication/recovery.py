"""Repairs the `current` link after a crash between the symlink switch and the commit.

The link is switched as the last step of the transaction that swaps the schemas, and that
transaction also writes `ops.publication`. So the table tells whether the swap was committed if the
process dies after the switch, or if the server dies during the commit.
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
    """Return whether the run's publication was committed.

    Args:
        database: The database.
        run_id: Id of the run.
        patience: Seconds to wait for the database to come back.

    Returns:
        True or False; None when the database does not come back in time.
    """
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
    """Point the `current` link to the edition of the last committed publication, if it exists."""
    with database.connect() as conn:
        row = conn.execute(
            "select edition from ops.publication order by publication_id desc limit 1"
        ).fetchone()
    if not row:
        return
    shown = editions.current_edition(published)
    if (published / row[0]).is_dir() and (shown is None or shown.name != row[0]):
        editions.activate_edition(published, row[0])
        LOGGER.info("The current link was repaired to match the published tables: %s", row[0])
