"""Loads WhatsApp events and stores each once.

The models join them to the delivered rows as of `as_of` (`stg_dispatch`, `stg_reply`,
`int_client__consent`); delivered rows are not changed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
from psycopg import sql

from orchestration.ingest.errors import refused
from orchestration.ingest.ledger import TableLoad
from orchestration.ingest.parallel_staging import load_connection
from orchestration.ingest.redaction.erased_numbers import ErasedNumbers
from orchestration.ingest.whatsapp import spool
from orchestration.ingest.whatsapp.payload import WhatsAppEvent, events_of
from orchestration.ingest.whatsapp.redaction import (
    blank_staged_events,
    blank_statuses,
    without_erased,
)
from orchestration.postgres.database import Database

NAME = "whatsapp_event"  # the table name in the ledger

_STAGING = """
create unlogged table load_staging.whatsapp_event (
    number bigint generated always as identity,
    family text, key text collate "C", what text, at timestamptz, about text,
    error_code text, error_message text, payload text
)
"""
_STATUSES = """
insert into raw.whatsapp_status
select distinct key, at, what, error_code, error_message, {}::bigint
from load_staging.whatsapp_event where family = 'status'
on conflict do nothing
returning exists (select from raw.dispatch as d where d.dispatch_id = whatsapp_status.dispatch_id)
"""
_REPLIES = """
insert into raw.whatsapp_reply
select distinct key, at, about, what, {}::bigint
from load_staging.whatsapp_event where family = 'reply'
on conflict do nothing
returning
    exists (select from raw.dispatch as d where d.dispatch_id = whatsapp_reply.dispatch_id)
    and exists (select from raw.chatbot_option as o where o.option_id = whatsapp_reply.option_id)
"""
_PREFERENCES = """
insert into raw.whatsapp_preference
select distinct key, at, what, {}::bigint
from load_staging.whatsapp_event where family = 'preference'
on conflict do nothing
"""
_UNHANDLED = """
insert into raw.whatsapp_unhandled
select distinct on (key) key, what, payload, {}::bigint
from load_staging.whatsapp_event where family = 'unhandled'
on conflict do nothing
"""

# Events that are stored already, or come again among those being loaded.
_KNOWN = """
select count(*) from (
    select
        row_number() over (
            partition by family, key, at, what, about, error_code, error_message order by number
        ) > 1
        or case family
            when 'status' then exists (
                select from raw.whatsapp_status as s
                where s.dispatch_id = e.key and s.occurred_at = e.at and s.status = e.what
                    and s.error_code is not distinct from e.error_code
                    and s.error_message is not distinct from e.error_message
            )
            when 'reply' then exists (
                select from raw.whatsapp_reply as r
                where r.reply_id = e.key and r.occurred_at = e.at
                    and r.dispatch_id = e.about and r.option_id = e.what
            )
            when 'preference' then exists (
                select from raw.whatsapp_preference as p
                where p.whatsapp_number = e.key and p.occurred_at = e.at and p.value = e.what
            )
            else exists (select from raw.whatsapp_unhandled as u where u.digest = e.key)
        end as is_known
    from load_staging.whatsapp_event as e
) as judged
where is_known
"""


def load_events(
    conn: psycopg.Connection,
    database: Database,
    delivered: Sequence[Path],
    taken: spool.ClaimedFiles,
    delivery: int,
    erased: ErasedNumbers | None,
) -> list[TableLoad]:
    """Store the events of the files, each once, and redact those of erased clients.

    Args:
        conn: A connection on which the delivery's transaction is open.
        database: The database, for a second connection that stages the events.
        delivered: Event files of the delivery; an unreadable one refuses the delivery.
        taken: Files of the spool; the unread rest of an unreadable one is left to later loads.
        delivery: `ops.delivery.delivery_id` of the delivery being loaded.
        erased: The numbers of erased clients; None when no client was ever erased.

    Returns:
        Counts of events read, new (stored for an existing row), parked (stored for a row not yet
        delivered) and known; empty when there are no files.

    Raises:
        DeliveryRefused: A file of the delivery cannot be read.
    """
    loads = []
    started = time.monotonic()
    if files := [*delivered, *taken.files]:
        with load_connection(database, "atendimento load reader") as reading:
            read, left_out = _read(reading, files, taken, erased)
            if erased:
                blank_staged_events(conn)
            loads = [_store(conn, _told(files), (read, left_out), delivery, started)]
    if erased:
        blank_statuses(conn)
    return loads


def _read(
    reading: psycopg.Connection,
    files: Sequence[Path],
    taken: spool.ClaimedFiles,
    erased: ErasedNumbers | None,
) -> tuple[int, int]:
    """Stage the events; return how many were read, and how many of erased clients were left out."""
    read = left_out = 0
    reading.execute(_STAGING)
    command = (
        "copy load_staging.whatsapp_event "
        "(family, key, what, at, about, error_code, error_message, payload) from stdin"
    )
    with reading.cursor() as cursor, cursor.copy(command) as copy:
        for path in files:
            try:
                for event in _events(path):
                    read += 1
                    told = without_erased(event, erased) if erased else event
                    if told:
                        copy.write_row(told.row)
                    else:
                        left_out += 1
            except OSError as error:
                if path not in taken.files:
                    raise refused(
                        f"{path.name}: the WhatsApp events cannot be read: {error.strerror}.",
                        "Check the file and its permissions.",
                    ) from None
                taken.leave(path, error)
    reading.execute("analyze load_staging.whatsapp_event")
    return read, left_out


def _events(path: Path) -> Iterator[WhatsAppEvent]:
    try:
        for line in spool.read_lines(path):
            yield from events_of(line)
    except spool.TruncatedFile:
        yield from events_of(b"the rest of a gzip file that is cut off")


def _store(
    conn: psycopg.Connection,
    name: str,
    read_and_left_out: tuple[int, int],
    delivery: int,
    started: float,
) -> TableLoad:
    read, left_out = read_and_left_out
    (known,) = conn.execute(_KNOWN).fetchone() or (0,)
    number = sql.Literal(delivery)
    there = [
        is_there
        for statement in (_STATUSES, _REPLIES)
        for (is_there,) in conn.execute(sql.SQL(statement).format(number))
    ]
    preferences = conn.execute(sql.SQL(_PREFERENCES).format(number))
    unhandled = conn.execute(sql.SQL(_UNHANDLED).format(number))
    new = sum(there) + preferences.rowcount + unhandled.rowcount
    parked = len(there) - sum(there)
    conn.execute(
        "analyze raw.whatsapp_status; analyze raw.whatsapp_reply; analyze raw.whatsapp_preference"
    )
    known += left_out
    return TableLoad(NAME, name, read, new, known, 0, parked, 0, time.monotonic() - started)


def _told(files: Sequence[Path]) -> str:
    return files[0].name if len(files) == 1 else f"{len(files)} files of WhatsApp events"
