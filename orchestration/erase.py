"""`atendimento erase CLIENT`: a client's personal data leave every version, table and page (LGPD).

Belongs here: what is stored. Does not: what later deliveries tell again (`ingest/erased.py`). The
client stays under their id, as one who accepts no messages; so do the counts of
`totalizer_history`, in which nobody is told apart. Delivery folders are their sender's, and are
left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql

from orchestration import daily_run, erased_ids
from orchestration.database import Database
from orchestration.erase_events import erase_events, has_number, rewrite_files
from orchestration.ingest import tables
from orchestration.ingest.contract import source_table
from orchestration.ingest.erased import BLANKS, NAME, WHOSE, mentions_erased
from orchestration.ingest.whatsapp import spool, store
from orchestration.ingest.whatsapp.numbers import key_of_client, key_of_number
from orchestration.outcome import Ended
from orchestration.runtime import open_database, run_lock
from orchestration.settings import Settings
from reports import editions


class UnknownClient(Exception):
    """No such client; nothing was changed."""


class EraseIncomplete(Exception):
    """The rows are erased, the published state is not renewed; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was erased, without any of it: how many rows of which table, how many files."""

    client_id: str
    erased_at: datetime
    rows: dict[str, int]
    editions: int
    files: int

    def lines(self) -> Iterator[str]:
        """The receipt as it is printed."""
        yield f"Client {self.client_id}, erased at {self.erased_at.isoformat(timespec='seconds')}"
        for table, count in self.rows.items():
            yield f"  {table}: {count:,} rows"
        yield f"  older editions of the pages: {self.editions:,} removed"
        yield f"  files of received WhatsApp events: {self.files:,} rewritten"
        yield "Backups and the server's log of changes keep what they hold until they run out."


def erase(settings: Settings, client_id: str) -> Receipt:
    """Erase a client, then publish anew as of the last instant. The same client again is fine.

    Raises UnknownClient, RunInProgress, DatabaseError, and EraseIncomplete when the new edition
    was not published.
    """
    database = open_database(settings)
    with run_lock(database), database.connect(application="atendimento erase") as conn:
        tables.prepare(conn)
        store.prepare(conn)
        with conn.transaction():
            numbers, rows = erase_stored(conn, client_id)
            erased_ids.keep(settings.home, erased_ids.stored(conn))
    published = _last_instant(database)
    removed = 0
    if published is not None:
        day = published.astimezone(ZoneInfo(settings.group_timezone)).date()
        with _history_as_it_is(database, day):
            ended, _ = daily_run.execute(settings, "", published)
        if ended.exit_code:
            raise _incomplete(client_id, ended)
        removed = _forget_editions(settings, database)
    files = rewrite_files(settings.whatsapp_spool / spool.LOADED, numbers)
    compact(database, rows)
    return Receipt(client_id, datetime.now(UTC), rows, removed, files)


def erase_stored(conn: psycopg.Connection, client_id: str) -> tuple[list[str], dict[str, int]]:
    """Erase a client from all that was loaded, in the transaction under way: the keys (R10) of
    their phones, and how many rows of which table. Raises UnknownClient.
    """
    numbers = _numbers(conn, client_id)
    return numbers, _erase_rows(conn, client_id, numbers)


def _incomplete(client_id: str, ended: Ended) -> EraseIncomplete:
    return EraseIncomplete(
        f"The client {client_id} is erased from all versions, but no new edition was published: "
        f"{ended.reason}\nThe published tables and pages still show the client. Put right what "
        "stopped publication, then run the same command again."
    )


def _numbers(conn: psycopg.Connection, client_id: str) -> list[str]:
    """The keys (R10) of the client's phones, in any version, that no other client shares."""
    known = conn.execute(
        "select from raw.client where client_id = %(id)s"
        " union all select from access.tombstone where client_id = %(id)s",
        {"id": client_id},
    )
    if known.fetchone() is None:
        raise UnknownClient(f"There is no client {client_id}. Nothing was changed.")
    rows = conn.execute(
        sql.SQL(
            """
            with keyed as (
                select client_id, {key} as number from raw.client as r
                union all
                select client_id, {delivered} as number from raw.client_delivered as d
            )
            select number from keyed where number is not null
            group by number having bool_and(client_id = {client})
            """
        ).format(
            key=key_of_client("r"), delivered=key_of_client("d"), client=sql.Literal(client_id)
        )
    )
    return [number for (number,) in rows]


def _erase_rows(conn: psycopg.Connection, client_id: str, numbers: list[str]) -> dict[str, int]:
    conn.execute(
        "insert into access.tombstone (client_id) values (%s) on conflict do nothing", [client_id]
    )
    conn.execute(
        sql.SQL(
            "insert into access.erased_contact select contact_id from raw.passive_contact"
            " where {number} = any(%(numbers)s)"
            " union select row_as_delivered ->> 'contact_id' from raw.rejected_row"
            " where table_name = 'passive_contact' and row_as_delivered ? 'contact_id'"
            " and {rejected} = any(%(numbers)s) on conflict do nothing"
        ).format(
            number=key_of_number(sql.Identifier("whatsapp_number")),
            rejected=key_of_number(sql.SQL("(row_as_delivered ->> 'whatsapp_number')")),
        ),
        {"numbers": numbers},
    )
    counts = {}
    for name, blanks in BLANKS.items():
        key, ids = WHOSE[name]
        table = source_table(name)
        for relation in tables.as_delivered_in(table):
            done = conn.execute(
                sql.SQL("update {} set {} where {} in ({}) and ({}) is distinct from ({})").format(
                    relation,
                    sql.SQL(", ").join(
                        sql.SQL("{} = {}").format(sql.Identifier(column), sql.Literal(value))
                        for column, value in blanks.items()
                    ),
                    sql.Identifier(key),
                    sql.SQL(ids),  # type: ignore[arg-type]  # a text of `ingest/erased.py`
                    sql.SQL("row({})").format(tables.names(blanks)),
                    sql.SQL("row({})").format(
                        sql.SQL(", ").join(
                            sql.SQL("cast({} as {})").format(
                                sql.Literal(value),
                                sql.SQL(table.column(column).sql_type),  # type: ignore[arg-type]
                            )
                            for column, value in blanks.items()
                        )
                    ),
                )
            )
            counts[relation.as_string(conn).replace('"', "")] = done.rowcount
    counts["raw.rejected_row"] = _erase_rejected(conn, numbers)
    counts |= erase_events(conn, numbers)
    return counts


def _erase_rejected(conn: psycopg.Connection, numbers: list[str]) -> int:
    """Rows set aside keep their place and reason; of an erased client's, the ids alone stay."""
    erased = 0
    for name, blanks in BLANKS.items():
        key, ids = WHOSE[name]
        empty = sql.SQL("jsonb_object(array[{}]::text[])").format(
            sql.SQL(", ").join(
                sql.SQL("{}, {}").format(sql.Literal(column), sql.Literal(value))
                for column, value in blanks.items()
            )
        )
        erased += conn.execute(
            sql.SQL(
                "update raw.rejected_row set row_as_delivered = row_as_delivered || {empty}"
                " where table_name = {table} and jsonb_typeof(row_as_delivered) = 'object'"
                " and row_as_delivered ->> {key} in ({ids})"
            ).format(
                empty=empty,
                table=sql.Literal(name),
                key=sql.Literal(key),
                ids=sql.SQL(ids),  # type: ignore[arg-type]  # a text of `ingest/erased.py`
            )
        ).rowcount
    text = sql.SQL("(row_as_delivered #>> '{{}}')").format()
    return (
        erased
        + conn.execute(
            sql.SQL(
                "update raw.rejected_row set row_as_delivered = to_jsonb({name}::text)"
                " where jsonb_typeof(row_as_delivered) = 'string' and {text} <> {name}"
                " and ({mentions} or {number})"
            ).format(
                name=sql.Literal(NAME),
                text=text,
                mentions=mentions_erased(text),
                number=has_number(text, numbers),
            )
        ).rowcount
    )


def _last_instant(database: Database) -> datetime | None:
    with database.connect() as conn:
        row = conn.execute(
            "select as_of from ops.publication order by publication_id desc limit 1"
        ).fetchone()
    return row[0] if row else None


@contextmanager
def _history_as_it_is(database: Database, day: date) -> Iterator[None]:
    """What was counted that day stays counted: a publication writes its day's set anew."""
    with database.connect(application="atendimento erase") as conn:
        conn.execute(
            "create temp table kept as select * from history.totalizer_history"
            " where snapshot_date = %s",
            [day],
        )
        conn.commit()
        yield
        conn.execute("delete from history.totalizer_history where snapshot_date = %s", [day])
        conn.execute("insert into history.totalizer_history select * from kept")


def _forget_editions(settings: Settings, database: Database) -> int:
    """Only the tables and pages just published stay."""
    with database.connect() as conn:
        conn.execute("drop schema if exists marts_previous cascade")
    removed = editions.prune(settings.published, newest=1, days=0, now=datetime.now(UTC))
    return len(removed)


def compact(database: Database, rows: dict[str, int]) -> None:
    """Rewrite the tables that were changed: what is deleted stays in their files otherwise, and
    values stand in the planner's statistics.
    """
    with database.connect() as conn:
        conn.autocommit = True
        for table, count in rows.items():
            if count:
                conn.execute(
                    sql.SQL("vacuum (full, analyze) {}").format(sql.Identifier(*table.split(".")))
                )
