"""Computes the fingerprint of the published tables: equal for the same source and the same as_of.

Excludes `totalizer_history`, which grows from day to day, and `totalizer_movement`, which depends
on the previous edition.
"""

from __future__ import annotations

from hashlib import sha256

import psycopg
from psycopg import sql

TABLES = (
    "agenda_status",
    "passive_contact_status",
    "totalizer",
    "sending_alarm",
    "call_list",
    "call_waiting",
    "call_done",
    "phone_call",
    "passive_waiting",
    "day_activity",
    "no_show_return",
    "dispatch_due",
)

# A sum does not depend on the order of rows. The rows of each table are distinct.
_OF_TABLE = """
select count(*), coalesce(sum(hashtextextended({table}::text, 0)::numeric), 0)
from {table}
"""


def compute_fingerprint(conn: psycopg.Connection) -> str:
    """Return the first 16 hexadecimal digits of the hash of all rows of `TABLES`, in any order."""
    whole = sha256()
    # The text of a row must not depend on the session's settings.
    conn.execute("set local timezone to 'UTC'")
    conn.execute("set local datestyle to 'ISO'")
    for table in TABLES:
        count, total = conn.execute(
            sql.SQL(_OF_TABLE).format(table=sql.Identifier(table))
        ).fetchone() or (0, 0)
        whole.update(f"{table} {count} {total}\n".encode())
    return whole.hexdigest()[:16]
