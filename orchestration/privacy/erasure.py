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
from psycopg import sql

from orchestration.backup import incomplete_restore
from orchestration.backup.create import FORMER_SUFFIX
from orchestration.errors import UsageError, UserError
from orchestration.ingest import ledger, raw_tables
from orchestration.ingest.contract import source_table
from orchestration.ingest.errors import DeliveryRefused
from orchestration.ingest.load import LoadSettings, drop_staging, load_delivery
from orchestration.ingest.redaction import erased_numbers, record
from orchestration.ingest.redaction.erased_numbers import ErasedNumbers
from orchestration.ingest.redaction.personal_data import (
    REDACTED_VALUES,
    phone_keys,
    record_erased_contacts,
    redact_quarantined_rows,
    redact_stored_rows,
)
from orchestration.ingest.whatsapp import spool
from orchestration.ingest.whatsapp.redaction import erase_events, event_files, redact_files
from orchestration.launch import daily_run
from orchestration.postgres.database import Database, DatabaseError
from orchestration.runs.as_of import format_instant
from orchestration.runs.bootstrap import open_database, run_lock
from orchestration.runs.unattended import KEEPS_HISTORY
from orchestration.settings import Settings
from reports import editions


class UnknownClient(UsageError):
    """No such client; nothing was changed."""


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
            _assert_known(conn, client_id)
            unread = _load_waiting(settings, database, conn)
            rows = erase_stored(conn, client_id)
            _keep_ids(settings, conn)
            conn.commit()
            numbers = erased_numbers.read_erased_numbers(conn, client_id).whenever()
        files = _rewrite(settings, numbers, client_id)
        vacuum_erased_tables(database)
        _remove_half_restored(settings, database, client_id)
        published = _last_instant(database)
        if published is None:
            removed = _remove_built(settings, database, client_id)
    if published is not None:
        removed = _publish_anew(settings, database, client_id, published)
    left = (*unread, *_named_as_left(settings, database))
    return ErasureReceipt(client_id, datetime.now(UTC), rows, removed, files, left)


def erase_stored(conn: psycopg.Connection, client_id: str) -> dict[str, int]:
    """Erase a client from all that was loaded, in the transaction under way: how many rows of which
    table. Raises UnknownClient.
    """
    _assert_known(conn, client_id)
    conn.execute(
        "insert into access.erased_client (client_id) values (%s) on conflict do nothing",
        [client_id],
    )
    erased_numbers.insert_erased_numbers(conn, client_id, _numbers(conn, client_id))
    numbers = erased_numbers.read_erased_numbers(conn, client_id).whenever()
    emails = _emails(conn, client_id)
    record_erased_contacts(conn, _contacts(conn, numbers))
    rows = {}
    for name in REDACTED_VALUES:
        table = source_table(name)
        rows[f"raw.{name}"] = redact_stored_rows(conn, table, raw_tables.raw_table(table))
    rejected = sql.Identifier("raw", "rejected_row")
    rows["raw.rejected_row"] = redact_quarantined_rows(conn, rejected, numbers, emails)
    rows |= erase_events(conn, numbers)
    # Whoever sought the client: in which of their searches cannot be told.
    searches = conn.execute("update access.session set searches = '{}' where searches <> '{}'")
    rows["access.session"] = searches.rowcount
    conn.execute(
        "insert into access.pending_vacuum select unnest(%s::text[]) on conflict do nothing",
        [[table for table, count in rows.items() if count]],
    )
    return rows


def vacuum_erased_tables(database: Database) -> None:
    """Rewrite the tables that were changed: what is deleted stays in their files otherwise, and
    values stand in the planner's statistics.
    """
    with database.connect(application="atendimento erase") as conn:
        conn.autocommit = True
        for (table,) in conn.execute("select table_name from access.pending_vacuum").fetchall():
            name = sql.Identifier(*table.split("."))
            conn.execute(sql.SQL("vacuum (full, analyze) {}").format(name))
            conn.execute("delete from access.pending_vacuum where table_name = %s", [table])


def _assert_known(conn: psycopg.Connection, client_id: str) -> None:
    known = conn.execute(
        "select from raw.client where client_id = %(id)s"
        " union all select from access.erased_client where client_id = %(id)s limit 1",
        {"id": client_id},
    )
    if not known.rowcount:
        raise UnknownClient(f"There is no client {client_id}. Nothing was changed.")


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
        load_delivery(database, None, LoadSettings(whatsapp_spool=folder))
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
        record.write_file(settings.home, record.read_database(conn))
    except (OSError, ValueError):
        raise NotErased(
            f"{settings.home}/erased.json, which names the erased clients beside the database, "
            "could not be read or written. Nothing was erased. Check the folder's space and "
            "rights, mend the file from another copy if it is damaged, then run the same command "
            "again."
        ) from None


def _numbers(conn: psycopg.Connection, client_id: str) -> set[str]:
    """The keys of the client's phones in any version, mobile or not, that no other client has; and
    of who wrote about their agendas and about nobody else's.
    """
    ours: set[str] = set()
    others: set[str] = set()
    for owner, ddd, mobile, landline in conn.execute(
        "select distinct client_id, ddd, mobile, landline from raw.client"
    ):
        (ours if owner == client_id else others).update(
            phone_keys(ddd, mobile), phone_keys(landline)
        )
    for ddd, mobile, landline in conn.execute(
        "select row_as_delivered ->> 'ddd', row_as_delivered ->> 'mobile',"
        " row_as_delivered ->> 'landline' from raw.rejected_row"
        " where table_name = 'client' and row_as_delivered ->> 'client_id' = %s",
        [client_id],
    ):
        ours.update(phone_keys(ddd, mobile), phone_keys(landline))
    about_ours: set[str] = set()
    about_others: set[str] = set()
    for owner, number in conn.execute(
        "select distinct a.client_id, c.whatsapp_number from raw.passive_contact as c"
        " inner join raw.agenda as a using (company_id, agenda_id)"
        " where a.client_id is not null and c.whatsapp_number is not null"
    ):
        (about_ours if owner == client_id else about_others).update(phone_keys(number))
    return (ours | (about_ours - about_others)) - others


def _emails(conn: psycopg.Connection, client_id: str) -> set[str]:
    """The client's e-mails in any version, in lower case, that no other client has."""
    rows = conn.execute(
        """
        with told as (
            select client_id, email from raw.client
            union all select row_as_delivered ->> 'client_id', row_as_delivered ->> 'email'
            from raw.rejected_row
            where table_name = 'client' and row_as_delivered ->> 'client_id' = %(id)s
        ),
        emails as (
            select client_id, lower(regexp_replace(email, '^\\s+|\\s+$', '', 'g')) as email
            from told where strpos(email, '@') > 0
        )
        select email from emails where client_id = %(id)s
        except select email from emails where client_id <> %(id)s
        """,
        {"id": client_id},
    )
    return {email for (email,) in rows}


def _contacts(conn: psycopg.Connection, numbers: ErasedNumbers) -> set[str]:
    """Passive contacts, good or set aside, that were made with the client's numbers."""
    rows = conn.execute(
        "select contact_id, whatsapp_number from raw.passive_contact"
        " where whatsapp_number is not null"
        " union select row_as_delivered ->> 'contact_id', row_as_delivered ->> 'whatsapp_number'"
        " from raw.rejected_row where table_name = 'passive_contact'"
        " and row_as_delivered ->> 'contact_id' <> ''"
        " and row_as_delivered ->> 'whatsapp_number' <> ''"
    )
    return {contact for contact, number in rows if numbers.in_text(number)}


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
