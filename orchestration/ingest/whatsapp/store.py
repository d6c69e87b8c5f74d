"""Loads WhatsApp events and stores each once.

The models join them to the delivered rows as of `as_of` (`stg_dispatch`, `stg_reply`,
`int_client__consent`); delivered rows are not changed.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
returning kind
"""
# What the last part of a kind means, where it is not the API's own word.
_MEANINGS = {
    "unreadable": "not JSON",
    "no_webhook": "no body of a webhook",
    "without_context": "a click that belongs to no message",
    "without_number": "of a user id, which is no phone number",
    "without_time": "without a time",
}
_NO_BODY = ("unreadable", "no_webhook")
_SHOWN_KINDS = 10


@dataclass(slots=True)
class EventsRead:
    """The events read, those of erased clients among them, and files not understood at all."""

    events: int = 0
    left_out: int = 0
    not_understood: list[str] = field(default_factory=list)


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
) -> tuple[list[TableLoad], list[str]]:
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
        delivered), rejected (kept aside as unhandled) and known, empty when there are no files; and
        notices about what was not understood.

    Raises:
        DeliveryRefused: A file of the delivery cannot be read.
    """
    loads: list[TableLoad] = []
    notices: list[str] = []
    started = time.monotonic()
    if files := [*delivered, *taken.files]:
        with load_connection(database, "atendimento load reader") as reading:
            read = _read(reading, files, taken, erased)
            if erased:
                blank_staged_events(conn)
            load, unhandled = _store(conn, _told(files), read, delivery, started)
            loads = [load]
            notices = [*_notices_of_files(read), *_notices_of_kinds(load, unhandled)]
    if erased:
        blank_statuses(conn)
    return loads, notices


def _read(
    reading: psycopg.Connection,
    files: Sequence[Path],
    taken: spool.ClaimedFiles,
    erased: ErasedNumbers | None,
) -> EventsRead:
    read = EventsRead()
    reading.execute(_STAGING)
    command = (
        "copy load_staging.whatsapp_event "
        "(family, key, what, at, about, error_code, error_message, payload) from stdin"
    )
    with reading.cursor() as cursor, cursor.copy(command) as copy:
        for path in files:
            are_bodies: set[bool] = set()
            try:
                for event in _events(path):
                    read.events += 1
                    are_bodies.add(event.family != "unhandled" or event.what not in _NO_BODY)
                    told = without_erased(event, erased) if erased else event
                    if told:
                        copy.write_row(told.row)
                    else:
                        read.left_out += 1
            except OSError as error:
                if path not in taken.files:
                    raise refused(
                        f"{path.name}: the WhatsApp events cannot be read: {error.strerror}.",
                        "Check the file and its permissions.",
                    ) from None
                taken.leave(path, error)
            if are_bodies == {False}:
                read.not_understood.append(path.name)
    reading.execute("analyze load_staging.whatsapp_event")
    return read


def _events(path: Path) -> Iterator[WhatsAppEvent]:
    try:
        for line in spool.read_lines(path):
            yield from events_of(line)
    except spool.TruncatedFile:
        yield from events_of(b"the rest of a gzip file that is cut off")


def _store(
    conn: psycopg.Connection, name: str, read: EventsRead, delivery: int, started: float
) -> tuple[TableLoad, Counter[str]]:
    (known,) = conn.execute(_KNOWN).fetchone() or (0,)
    number = sql.Literal(delivery)
    there = [
        is_there
        for statement in (_STATUSES, _REPLIES)
        for (is_there,) in conn.execute(sql.SQL(statement).format(number))
    ]
    preferences = conn.execute(sql.SQL(_PREFERENCES).format(number))
    unhandled = Counter(kind for (kind,) in conn.execute(sql.SQL(_UNHANDLED).format(number)))
    new, rejected = sum(there) + preferences.rowcount, unhandled.total()
    parked = len(there) - sum(there)
    conn.execute(
        "analyze raw.whatsapp_status; analyze raw.whatsapp_reply; analyze raw.whatsapp_preference"
    )
    known += read.left_out
    seconds = time.monotonic() - started
    load = TableLoad(NAME, name, read.events, new, known, rejected, parked, 0, seconds)
    return load, unhandled


def _notices_of_files(read: EventsRead) -> Iterator[str]:
    for name in read.not_understood:
        yield (
            f"{name}: nothing of these WhatsApp events was understood; one body of WhatsApp's "
            "webhook is expected on each line."
        )


def _notices_of_kinds(load: TableLoad, unhandled: Mapping[str, int]) -> Iterator[str]:
    """What was kept aside now, by kind; not what an earlier load kept."""
    if not unhandled:
        return
    kinds = [
        f"{count:,} {kind}" + (f" ({meaning})" if meaning else "")
        for kind, count in sorted(unhandled.items(), key=lambda item: (-item[1], item[0]))
        for meaning in [_MEANINGS.get(kind.rpartition("/")[2])]
    ]
    if len(kinds) > _SHOWN_KINDS:
        kinds[_SHOWN_KINDS:] = [f"{len(kinds) - _SHOWN_KINDS} more kinds"]
    yield (
        f"{load.file}: {load.rejected:,} of {load.read:,} WhatsApp events were not used and are "
        f"kept in raw.whatsapp_unhandled: {', '.join(kinds)}."
    )


def _told(files: Sequence[Path]) -> str:
    return files[0].name if len(files) == 1 else f"{len(files)} files of WhatsApp events"
