"""The fingerprint of the published tables: equal for the same source and the same as-of.

Left out is what is not made of the source and the instant alone: `totalizer_history` grows from day
to day, and `totalizer_movement` depends on the edition before.
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
    "no_show_return",
    "dispatch_due",
)

# A sum does not ask for an order, and the rows of a table are different from each other.
_OF_TABLE = """
select count(*), coalesce(sum(hashtextextended({table}::text, 0)::numeric), 0)
from {table}
"""


def compute_fingerprint(conn: psycopg.Connection) -> str:
    """The first 16 hexadecimal digits of the hash of all rows of `TABLES`, in any order."""
    whole = sha256()
    # How a row is written as text must not depend on the session.
    conn.execute("set local timezone to 'UTC'")
    conn.execute("set local datestyle to 'ISO'")
    for table in TABLES:
        count, total = conn.execute(
            sql.SQL(_OF_TABLE).format(table=sql.Identifier(table))
        ).fetchone() or (0, 0)
        whole.update(f"{table} {count} {total}\n".encode())
    return whole.hexdigest()[:16]
