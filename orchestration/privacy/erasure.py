"""`atendimento erase CLIENT`: a client's personal data leave every version, table and page (LGPD).

The client stays under their id, as one who accepts no messages; so do the counts of
`totalizer_history`, in which nobody is told apart. Delivery folders are their sender's, and are
left alone.

Whatever stops it, the same command again does what is left: of the numbers hashes are kept, and the
names of tables whose files are to be rewritten. Publishing comes last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from orchestration.backup import incomplete_restore
from orchestration.backup.create import FORMER_SUFFIX
from orchestration.errors import DatabaseError, UserError
from orchestration.ingest import ledger
from orchestration.ingest.errors import DeliveryRefused
from orchestration.ingest.load import LoadSettings, drop_staging, load_delivery
from orchestration.ingest.redaction import erased_numbers, erasure_record, stored_rows
from orchestration.ingest.redaction.erased_numbers import ErasedNumbers
from orchestration.ingest.whatsapp import spool
from orchestration.ingest.whatsapp.redaction import event_files, redact_files
from orchestration.launch import daily_run
from orchestration.postgres.database import Database
from orchestration.runs.as_of import format_instant
from orchestration.runs.bootstrap import open_database, run_lock
from orchestration.runs.unattended import KEEPS_HISTORY
from orchestration.settings import Settings
from reports import editions


class NotErased(UserError):
    """Nothing was erased; the message says why."""


class EraseIncomplete(UserError):
    """The rows are erased, something else is not; the message says what, and what to do."""


@dataclass(frozen=True, slots=True)
class ErasureReceipt:
    """What was erased, without any of it: how many rows of which table, how many files.

    `left`: a sentence for each place that still holds the client, or may, with what to do.
    """

    client_id: str
    erased_at: datetime
    rows: dict[str, int]
    editions: int
    files: int
    left: tuple[str, ...]

    def lines(self, timezone: str) -> Iterator[str]:
        """The receipt as it is printed, its time in that time zone."""
        yield f"Client {self.client_id}, erased at {format_instant(self.erased_at, timezone)}"
        for table, count in self.rows.items():
            yield f"  {table}: {count:,} rows"
        yield f"  older and partial editions of the pages: {self.editions:,} removed"
        yield f"  files of received WhatsApp events: {self.files:,} rewritten"
        yield "Backups and the server's log of changes keep what they hold until they run out."
        yield "Message ids of WhatsApp stay as keys; they may hold the number in coded form."
        yield from self.left


def erase_client(settings: Settings, client_id: str) -> ErasureReceipt:
    """Erase a client, then publish anew as of the last instant. The same client again is fine.

    Raises UnknownClient, NotErased, RunInProgress, DatabaseError and DeliveryRefused with nothing
    erased, EraseIncomplete when something is left.
    """
    database = open_database(settings)
    try:
        return _erase(settings, database, client_id)
    except psycopg.Error as error:
        # Its own words may repeat rows.
        said = f"SQLSTATE {error.sqlstate}" if error.sqlstate else "the connection was lost"
        raise EraseIncomplete(
            f"The database stopped the erasure: {said}. The client {client_id} is not wholly "
            "erased. Look at the database's log, then run the same command again: it does what is "
            "left."
        ) from None


def _erase(settings: Settings, database: Database, client_id: str) -> ErasureReceipt:
    with run_lock(database):
        with database.connect(application="atendimento erase") as conn:
            stored_rows.assert_known(conn, client_id)
            unread = _load_waiting(settings, database, conn)
            rows = stored_rows.erase_stored(conn, settings.home, client_id)
            _keep_ids(settings, conn)
            conn.commit()
            numbers = erased_numbers.read_erased_numbers(conn, settings.home, client_id).whenever()
        files = _rewrite(settings, numbers, client_id)
        stored_rows.vacuum_erased_tables(database)
        _remove_half_restored(settings, database, client_id)
        published = _last_instant(database)
        if published is None:
            removed = _remove_built(settings, database, client_id)
    if published is not None:
        removed = _publish_anew(settings, database, client_id, published)
    left = (*unread, *_named_as_left(settings, database))
    return ErasureReceipt(client_id, datetime.now(UTC), rows, removed, files, left)


def _load_waiting(
    settings: Settings, database: Database, conn: psycopg.Connection
) -> tuple[str, ...]:
    """What was received and not loaded yet: what it tells of others and of messages stays. What a
    killed load left goes. The sentence about files that stay, if some do.
    """
    folder = settings.whatsapp_spool
    is_due = spool.has_waiting_files(folder) and ledger.any_loaded(conn)
    conn.commit()  # a load asks for locks of its own
    if is_due:
        load_delivery(database, None, LoadSettings(whatsapp_spool=folder, home=settings.home))
    else:
        drop_staging(database)
    try:
        count = f"{len(spool.closed_files(folder)):,}"
    except OSError:
        count = "all"
    if count == "0":
        return ()
    return (
        f"Files of received WhatsApp events in {folder} that could not be read or put away may "
        f"still hold the client ({count}): see that they can be, or remove them, then run the same "
        "command again.",
    )


def _keep_ids(settings: Settings, conn: psycopg.Connection) -> None:
    try:
        erasure_record.write_file(settings.home, erasure_record.read_database(conn))
    except (OSError, ValueError):
        raise NotErased(
            f"{settings.home}/erased.json, which names the erased clients beside the database, "
            "could not be read or written. Nothing was erased. Check the folder's space and "
            "rights, mend the file from another copy if it is damaged, then run the same command "
            "again."
        ) from None


def _rewrite(settings: Settings, numbers: ErasedNumbers, client_id: str) -> int:
    loaded = settings.whatsapp_spool / spool.LOADED
    try:
        return redact_files(event_files(loaded), numbers)
    except (OSError, DeliveryRefused):
        raise _incomplete(
            client_id,
            f"the files of received WhatsApp events in {loaded} could not be rewritten. They, and "
            "what is published, still hold the client. Check the folder's space and rights",
        ) from None


def _remove_half_restored(settings: Settings, database: Database, client_id: str) -> None:
    try:
        incomplete_restore.remove_incomplete_restore(settings, database)
    except OSError:
        raise _incomplete(
            client_id,
            f"{incomplete_restore.events_folder(settings)}, left by a restore that was stopped, "
            "could not be removed. It, and what is published, may still hold the client. Check the "
            "folder's rights",
        ) from None


def _remove_built(settings: Settings, database: Database, client_id: str) -> int:
    """What was built and written while nothing was ever published: how many editions."""
    with database.connect(application="atendimento erase") as conn:
        conn.execute(
            "drop schema if exists staging, intermediate, marts_next, measurements cascade"
        )
    try:
        return editions.remove_all_editions(settings.published)
    except editions.PublishError:
        raise _incomplete(
            client_id,
            f"an edition in {settings.published}, which was never published, could not be removed "
            "and still shows the client. Check the folder's rights",
        ) from None


def _publish_anew(
    settings: Settings, database: Database, client_id: str, published: datetime
) -> int:
    """The tables and pages anew, and only these: how many editions were removed."""
    try:
        result, _ = daily_run.execute_daily_job(settings, "", published, tags=KEEPS_HISTORY)
    except DatabaseError:
        raise _incomplete(
            client_id,
            "no new edition was published, since the database cannot be reached any more. The "
            "published tables and pages still show the client. See that it answers",
        ) from None
    if result.exit_code:
        raise _incomplete(
            client_id,
            f"no new edition was published: {result.reason}\nThe published tables and pages still "
            "show the client. Put right what stopped publication",
        )
    try:
        with database.connect() as conn:
            conn.execute("drop schema if exists marts_previous cascade")
        return len(
            editions.prune_editions(settings.published, newest=0, days=0, now=datetime.now(UTC))
        )
    except editions.PublishError:
        raise _incomplete(
            client_id,
            f"an older edition in {settings.published} could not be removed. The new edition is "
            "published; the older one still shows the client. Check the folder's rights",
        ) from None


def _incomplete(client_id: str, what: str) -> EraseIncomplete:
    return EraseIncomplete(
        f"The client {client_id} is erased from all versions, but {what}, then run the same "
        "command again: it does what is left."
    )


def _last_instant(database: Database) -> datetime | None:
    with database.connect() as conn:
        row = conn.execute(
            "select as_of from ops.publication order by publication_id desc limit 1"
        ).fetchone()
    return row[0] if row else None


def _named_as_left(settings: Settings, database: Database) -> Iterator[str]:
    with database.connect() as conn:
        for ending, what in (
            (FORMER_SUFFIX, "as it was before the last restore, still holds"),
            (
                incomplete_restore.RESTORING_SUFFIX,
                "which a restore that was stopped has left, may still hold",
            ),
        ):
            if name := incomplete_restore.database_with_suffix(conn, ending):
                yield f'The database {name}, {what} the client: drop it (`drop database "{name}"`).'
    first = settings.published / editions.BEFORE_0_2_0
    if first.exists():
        yield f"{first}, with the pages of version 0.1.0, may still show the client: delete it."
