"""Versions as they are with the WhatsApp events known by then: of dispatches and of clients.

Belongs here: one idea. A delivered version knows what the CRM knew; WhatsApp's events say more,
earlier or later, in any order. So a row of `raw` that has events is kept as it was delivered in
`raw.<table>_delivered`, and `raw.<table>` holds, at each moment at which something was delivered
or happened, that row with the events up to then. It is made of the set of both and of nothing
else: any order, repetition and batching gives the same rows, and nothing hides anything.

Before delivered rows are compared (R1) they are put back (`take_off`); at the end of the load the
events are laid over them again (`lay_on`). Does not belong here: storing events (`store.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg import sql

from orchestration.ingest.conflicts import same_row
from orchestration.ingest.contract import CLIENT, DISPATCH, SourceTable
from orchestration.ingest.errors import UNKNOWN_REFERENCE
from orchestration.ingest.raw_tables import analyze_keys, delivered, raw_table
from orchestration.ingest.whatsapp.phone_keys import key_of_client, key_of_number
from orchestration.ingest.whatsapp.rows import client_rows, dispatch_rows

_LAID = sql.Identifier("pg_temp", "laid")


@dataclass(frozen=True, slots=True)
class Overlay:
    """How the events of one table are laid over it.

    `touched`: the rows (by key, company first) that have events. `rows`: the statement that makes
    them, from what was delivered and what happened. `of_events`: the keys that events just
    received are about.
    """

    table: SourceTable
    key: tuple[str, ...]
    touched: sql.Composed
    of_events: sql.Composed
    rows: sql.Composed

    @property
    def delivered(self) -> sql.Identifier:
        """The rows as delivered."""
        return delivered(self.table)


def _same(key: tuple[str, ...], left: str, right: str) -> sql.Composed:
    return sql.SQL(" and ").join(
        sql.SQL("{} = {}").format(sql.Identifier(left, name), sql.Identifier(right, name))
        for name in key
    )


DISPATCHES = Overlay(
    DISPATCH,
    ("company_id", "dispatch_id"),
    sql.SQL(
        "select distinct company_id, dispatch_id from raw.dispatch as r "
        "where exists (select from raw.whatsapp_status as e where e.dispatch_id = r.dispatch_id)"
    ).format(),
    sql.SQL("select key from load_staging.whatsapp_event where family = 'status'").format(),
    dispatch_rows(delivered(DISPATCH), _LAID),
)
CLIENTS = Overlay(
    CLIENT,
    ("client_id",),
    sql.SQL(
        "select distinct client_id from raw.client as r "
        "where {} in (select number_key from raw.whatsapp_preference)"
    ).format(key_of_client("r")),
    sql.SQL(
        "select client_id from raw.client_delivered as r where {} in ("
        "select {} from load_staging.whatsapp_event as e where family = 'preference')"
    ).format(key_of_client("r"), key_of_number(sql.Identifier("e", "key"))),
    client_rows(delivered(CLIENT), _LAID),
)
OVERLAYS = (CLIENTS, DISPATCHES)


def take_off_arriving(
    conn: psycopg.Connection, table: SourceTable, typed: sql.Identifier | None
) -> None:
    """Before a table is merged: the rows of which another version may come, as delivered.

    Not those of which only known versions come, nearly all in a source that always tells all.
    """
    for overlay in OVERLAYS:
        if overlay.table is table:
            key = sql.Identifier(table.key[0])
            compared = sql.SQL(
                "select row_as_delivered ->> {} from raw.rejected_row "
                "where table_name = {} and reason = {}"
            ).format(
                sql.Literal(table.key[0]), sql.Literal(table.name), sql.Literal(UNKNOWN_REFERENCE)
            )
            if typed is not None:
                compared += sql.SQL(
                    " union all select a.{} from {} as a "
                    "where not exists (select from {} as r where {})"
                ).format(key, typed, overlay.delivered, same_row(table, "a", "r"))
            _take_off(conn, overlay, compared)


def take_off_events(conn: psycopg.Connection) -> None:
    """Once events are stored: the rows that they are about, to lay all events on anew."""
    for overlay in OVERLAYS:
        _take_off(conn, overlay, overlay.of_events)


def lay_on(conn: psycopg.Connection) -> None:
    """Lay the events over every row that has some and is as it was delivered."""
    for overlay in OVERLAYS:
        same = _same(overlay.key, "r", "d")
        found = conn.execute(
            sql.SQL(
                "create temp table laid as select * from ({}) as r "
                "where not exists (select from {} as d where {})"
            ).format(overlay.touched, overlay.delivered, same)
        )
        if found.rowcount:
            same = _same(overlay.key, "r", "laid")
            for statement in (
                "analyze {laid}",
                "insert into {delivered} select r.* from {raw} as r, {laid} as laid where {same}",
                "delete from {raw} as r using {laid} as laid where {same}",
            ):
                conn.execute(
                    sql.SQL(statement).format(
                        laid=_LAID,
                        delivered=overlay.delivered,
                        raw=raw_table(overlay.table),
                        same=same,
                    )
                )
            analyze_keys(conn, overlay.table, overlay.delivered)
            conn.execute(overlay.rows)
            conn.execute(sql.SQL("analyze {}").format(raw_table(overlay.table)))
        conn.execute(sql.SQL("drop table {}").format(_LAID))


def _take_off(conn: psycopg.Connection, overlay: Overlay, keys: sql.Composed) -> None:
    """`keys`: a query of ids."""
    conn.execute(
        sql.SQL(
            "create temp table taken on commit drop as select distinct {columns} from {delivered} "
            "where {key} in ({keys})"
        ).format(
            columns=sql.SQL(", ").join(map(sql.Identifier, overlay.key)),
            delivered=overlay.delivered,
            key=sql.Identifier(overlay.table.key[0]),
            keys=keys,
        )
    )
    same = _same(overlay.key, "r", "taken")
    for statement in (
        "analyze taken",
        "delete from {raw} as r using taken where {same}",
        "insert into {raw} select r.* from {delivered} as r, taken where {same}",
        "delete from {delivered} as r using taken where {same}",
        "drop table taken",
    ):
        conn.execute(
            sql.SQL(statement).format(
                raw=raw_table(overlay.table), delivered=overlay.delivered, same=same
            )
        )
