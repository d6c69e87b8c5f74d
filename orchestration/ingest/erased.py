"""Erased clients (LGPD): which columns are personal, and blanking what comes of them again.

Belongs here: the one list of personal columns of the source contract, and the blanking of a
delivery before it is compared or stored. Does not: erasing what is stored
(`orchestration/erase.py`). A source that always tells all tells an erased client in every delivery.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

from orchestration.ingest.arriving import Arrived
from orchestration.ingest.contract import SourceTable

NAME = "(apagado)"  # a name may not be empty, and this one is shown
BLANKS: dict[str, dict[str, str | None]] = {
    "client": {
        "name": NAME,
        "ddd": None,
        "mobile": None,
        "landline": None,
        "email": None,
        "accepts_messages": "false",
    },
    "vehicle": {"plate": None},
    "dispatch": {"error_message": None},
    "passive_contact": {"whatsapp_number": None},
    "call_attempt": {"note": None},
}
_OF_AGENDA = (
    "select agenda_id from raw.agenda where client_id in (select client_id from access.tombstone)"
)
# By which column of each table a row is known as an erased client's.
WHOSE: dict[str, tuple[str, str]] = {
    "client": ("client_id", "select client_id from access.tombstone"),
    "vehicle": ("client_id", "select client_id from access.tombstone"),
    "dispatch": ("agenda_id", _OF_AGENDA),
    "passive_contact": ("contact_id", "select contact_id from access.erased_contact"),
    "call_attempt": ("agenda_id", _OF_AGENDA),
}


def any_client(conn: psycopg.Connection) -> bool:
    """Whether a client was ever erased; most databases have none, and are spared the rest."""
    there = conn.execute("select to_regclass('access.tombstone') is not null").fetchone()
    return (
        there == (True,)
        and conn.execute("select from access.tombstone limit 1").fetchone() is not None
    )


def blank_arrived(conn: psycopg.Connection, arrived: Arrived) -> None:
    """Blank what a delivery tells again of erased clients, typed rows and the text of all rows."""
    table = arrived.table
    if table.name not in BLANKS or not any_client(conn):
        return
    columns = {column.name: sql.Identifier(column.name) for column in table.columns}
    _blank(conn, table, arrived.typed, columns)
    if arrived.text is None:
        return
    header = {name: sql.Identifier(f"f{at}") for at, name in enumerate(arrived.source.header)}
    _blank(conn, table, arrived.text, header)
    if WHOSE[table.name][0] == "client_id":
        conn.execute(
            sql.SQL("update {} set whole = {} where {}").format(
                arrived.text, sql.Literal(NAME), mentions_erased(sql.Identifier("whole"))
            )
        )


def mentions_erased(text: sql.Composable) -> sql.Composed:
    """Whether a text that fits no header has an erased client's id in it, as a word of its own."""
    return sql.SQL(
        "exists (select from access.tombstone as t where {} ~ ('(^|\\W)'"
        " || regexp_replace(t.client_id, '([^A-Za-z0-9])', '\\\\\\1', 'g') || '(\\W|$)'))"
    ).format(text)


def _blank(
    conn: psycopg.Connection,
    table: SourceTable,
    relation: sql.Identifier,
    columns: dict[str, sql.Identifier],
) -> None:
    key, ids = WHOSE[table.name]
    blanks = [
        sql.SQL("{} = {}").format(columns[name], sql.Literal(value))
        for name, value in BLANKS[table.name].items()
        if name in columns
    ]
    if key in columns and blanks:
        conn.execute(
            sql.SQL("update {} set {} where {} in ({})").format(
                relation,
                sql.SQL(", ").join(blanks),
                columns[key],
                sql.SQL(ids),  # type: ignore[arg-type]  # a text of this module
            )
        )
