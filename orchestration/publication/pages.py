"""Writes the pages of a run from `marts_next`, beside the edition that people read."""

from __future__ import annotations

from datetime import UTC, datetime

from orchestration.postgres.database import Database
from orchestration.progress import stage
from orchestration.runs import ledger
from orchestration.runs.bootstrap import Warehouse
from orchestration.settings import Settings
from reports import editions
from reports.editions import Edition
from reports.write import Written, write_pages


def write_edition(
    warehouse: Warehouse,
    settings: Settings,
    *,
    run_id: str,
    as_of: datetime,
    next_expected: datetime | None,
) -> tuple[str, Written]:
    """Write every page of a run into a new edition, and record it.

    Args:
        warehouse: The database, held by the run.
        settings: The publish folder and what the pages say of themselves.
        run_id: The run.
        as_of: The instant that `marts_next` was built for (R3).
        next_expected: When the next edition is due; None where no schedule makes it.

    Returns:
        The name of the edition, and what was written.

    Raises:
        PublishError: The folder cannot be written to; the current edition is as it was.
    """
    name = editions.edition_name(as_of, run_id)
    with stage("pages", run_id) as progress, warehouse.connect() as conn:
        warehouse.assert_held()
        conn.execute("set search_path to marts_next")
        conn.commit()
        written = write_pages(
            conn,
            editions.create_edition_folder(settings.published, name),
            edition=Edition(
                as_of=as_of,
                generated_at=datetime.now(UTC),
                run_id=run_id,
                timezone=settings.group_timezone,
                stale_hours=settings.stale_hours,
                stale_hours_by_company=settings.stale_hours_by_company,
                next_expected=next_expected,
            ),
            # A plain address: a session that holds a lock cannot be sent to another process.
            connect=Database(warehouse.url).connect,
            processes=settings.render_processes or None,
            on_progress=lambda pages: progress.say(f"{pages:,} pages so far"),
        )
        ledger.record_edition(
            conn, name, run_id=run_id, fingerprint=written.fingerprint, pages=written.pages
        )
        progress.say(
            f"{written.pages:,} pages, {written.files - written.pages:,} files to take away, "
            f"{written.rows:,} rows on {written.lists:,} lists",
            written.rows,
        )
    return name, written
