"""Loading WhatsApp events within a load: read, stored once each, and made into versions.

Belongs here: the tables of events and the order of things. Replies go the way of every delivered
row (contract, faults, parked); statuses and consent are laid over what was delivered
(`overlay.py`); the rest is kept aside by kind. Does not belong here: files, payloads.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from orchestration.database import Database
from orchestration.ingest.arriving import read_named
from orchestration.ingest.contract import REPLY, SourceTable
from orchestration.ingest.csv_text import Record
from orchestration.ingest.errors import UNKNOWN_REFERENCE, refused
from orchestration.ingest.ledger import TableLoad
from orchestration.ingest.readers import load_connection
from orchestration.ingest.rejected import merge_arrived
from orchestration.ingest.tables import column_names
from orchestration.ingest.versions import analyze
from orchestration.ingest.whatsapp import overlay, spool
from orchestration.ingest.whatsapp.numbers import key_of_number
from orchestration.ingest.whatsapp.payload import Event, events_of
from orchestration.made import make

NAME = "whatsapp_event"  # in the ledger, beside the tables of the contract

_TABLES = """
create table if not exists raw.whatsapp_status (
    dispatch_id text collate "C" not null,
    occurred_at timestamptz not null,
    status text not null,
    error_code text,
    error_message text,
    delivery_id bigint not null,
    unique nulls not distinct (dispatch_id, occurred_at, status, error_code, error_message)
);
comment on table raw.whatsapp_status is
    'What WhatsApp said of each message, once each, whether or not its dispatch is there yet.';

create table if not exists raw.whatsapp_preference (
    number_key text collate "C" not null,
    occurred_at timestamptz not null,
    value text not null check (value in ('stop', 'resume')),
    delivery_id bigint not null,
    primary key (number_key, occurred_at, value)
);
comment on table raw.whatsapp_preference is
    'Marketing messages stopped or resumed, by phone number (the key of R10, where it has one).';

create table if not exists raw.whatsapp_aside (
    digest text primary key,
    kind text not null,
    payload text not null,
    delivery_id bigint not null
);
comment on table raw.whatsapp_aside is
    'Events that say nothing about a dispatch, a reply or consent, as they came, by kind.';
"""
_ARRIVING = """
create unlogged table arriving.whatsapp_event (
    number bigint generated always as identity,
    family text, key text collate "C", what text, at timestamptz, about text,
    error_code text, error_message text, payload text
)
"""
_STATUSES = """
insert into raw.whatsapp_status
select distinct key, at, what, error_code, error_message, {}::bigint
from arriving.whatsapp_event where family = 'status'
on conflict do nothing
returning exists (select from raw.dispatch as d where d.dispatch_id = whatsapp_status.dispatch_id)
"""
_PREFERENCES = """
insert into raw.whatsapp_preference
select distinct coalesce({}, key), at, what, {}::bigint
from arriving.whatsapp_event where family = 'preference'
on conflict do nothing
"""
_ASIDE = """
insert into raw.whatsapp_aside
select distinct on (key) key, what, payload, {}::bigint
from arriving.whatsapp_event where family = 'aside'
on conflict do nothing
"""


@dataclass(frozen=True, slots=True)
class Replies:
    """The replies among the events, as a table of a delivery; `line` is the event's number."""

    conn: psycopg.Connection
    name: str
    table: SourceTable = REPLY
    header: tuple[str, ...] = column_names(REPLY)
    delimiter: str = ","

    def blocks(self) -> Iterator[bytes]:
        """Few and from us: they are read one by one only."""
        yield from ()

    def records(self) -> Iterator[Record]:
        """One reply after another, as they came."""
        with self.conn.transaction(), self.conn.cursor("replies") as cursor:
            cursor.execute(
                "select number, key, to_json(at) #>> '{}', about, what "
                "from arriving.whatsapp_event where family = 'reply' order by number"
            )
            for number, key, at, about, option in cursor:
                yield Record(number, (key, at, about, option, at))


def prepare(conn: psycopg.Connection) -> None:
    """Make the tables that are not there yet. Safe to call at every start."""
    with conn.transaction():
        make(conn, "whatsapp", _TABLES)
        overlay.prepare(conn)


def load(
    conn: psycopg.Connection,
    database: Database,
    delivered: Sequence[Path],
    taken: spool.Taken,
    delivery: int,
    by_reason: Counter[tuple[str, str]],
) -> list[TableLoad]:
    """Load the events of the files, then lay all that is known over what was delivered.

    `delivered`: files of the delivery, which is loaded whole or not at all. `taken`: files of the
    spool; of one that cannot be read to its end the rest is left to later loads.
    """
    loads = []
    started = time.monotonic()
    if files := [*delivered, *taken.files]:
        with load_connection(database, "atendimento load reader") as reading:
            read = _read(reading, files, taken)
            loads = [_store(conn, reading, _told(files), read, delivery, by_reason, started)]
        overlay.take_off_events(conn)
    overlay.lay_on(conn)
    return loads


def _read(reading: psycopg.Connection, files: Sequence[Path], taken: spool.Taken) -> int:
    read = 0
    reading.execute(_ARRIVING)
    command = (
        "copy arriving.whatsapp_event "
        "(family, key, what, at, about, error_code, error_message, payload) from stdin"
    )
    with reading.cursor() as cursor, cursor.copy(command) as copy:
        for path in files:
            try:
                for event in _events(path):
                    copy.write_row(event.row)
                    read += 1
            except OSError as error:
                if path not in taken.files:
                    raise refused(
                        f"{path.name}: the WhatsApp events cannot be read: {error.strerror}.",
                        "Check the file and its permissions.",
                    ) from None
                taken.leave(path, error)
    reading.execute("analyze arriving.whatsapp_event")
    return read


def _events(path: Path) -> Iterator[Event]:
    try:
        for line in spool.lines(path):
            yield from events_of(line)
    except spool.CutOff:
        yield from events_of(b"the rest of a gzip file that is cut off")


def _store(
    conn: psycopg.Connection,
    reading: psycopg.Connection,
    name: str,
    read: int,
    delivery: int,
    by_reason: Counter[tuple[str, str]],
    started: float,
) -> TableLoad:
    arrived = read_named(conn, Replies(reading, name), lambda _: None)
    merged = merge_arrived(conn, arrived, delivery)
    if merged.new:
        analyze(conn, REPLY)
    by_reason.update({(REPLY.name, reason): n for reason, n in merged.by_fault.items()})
    waits = merged.by_fault[UNKNOWN_REFERENCE]
    rejected = merged.by_fault.total() - waits

    number = sql.Literal(delivery)
    there = [row[0] for row in conn.execute(sql.SQL(_STATUSES).format(number)).fetchall()]
    consent = conn.execute(
        sql.SQL(_PREFERENCES).format(key_of_number(sql.Identifier("key")), number)
    )
    aside = conn.execute(sql.SQL(_ASIDE).format(number))
    new = merged.new + sum(there) + consent.rowcount + aside.rowcount
    parked = waits + len(there) - sum(there)
    conn.execute("analyze raw.whatsapp_status; analyze raw.whatsapp_preference")
    known = read - new - rejected - parked
    seconds = time.monotonic() - started
    return TableLoad(NAME, name, read, new, known, rejected, parked, 0, seconds)


def _told(files: Sequence[Path]) -> str:
    return files[0].name if len(files) == 1 else f"{len(files)} files of WhatsApp events"
