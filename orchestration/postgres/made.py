"""Tables of our own are made by statements that say `if not exists`, each executed once.

Even in vain such a statement waits for whoever uses the table: for an index, for those who write;
for a column, for those who read. Asked at every start, each command would stand still for as long
as a backup dumps or a delivery is loaded. So what was executed is remembered.
"""

from __future__ import annotations

import hashlib

import psycopg

_LOCK = 7_301_845_125  # any number; of two programs that start at once one makes, the other waits

_MEMORY = """
create schema if not exists ops;
create table if not exists ops.made (part text primary key, digest text not null);
comment on table ops.made is 'Which statements have made what is there, by part of the program.';
"""


def create_once(conn: psycopg.Connection, part: str, statements: str) -> None:
    """Execute a part's statements, unless these very ones were executed here before."""
    digest = hashlib.sha256(statements.encode()).hexdigest()
    if _is_made(conn, part, digest):
        return
    with conn.transaction():
        conn.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        if _is_made(conn, part, digest):
            return
        conn.execute(_MEMORY)
        conn.execute(statements.encode())
        conn.execute(
            "insert into ops.made values (%s, %s)"
            " on conflict (part) do update set digest = excluded.digest",
            [part, digest],
        )


def _is_made(conn: psycopg.Connection, part: str, digest: str) -> bool:
    if conn.execute("select to_regclass('ops.made')").fetchone() == (None,):
        return False
    made = conn.execute("select digest from ops.made where part = %s", [part]).fetchone()
    return made == (digest,)
