"""Verifies the hash chain of the access log."""

from __future__ import annotations

from typing import NamedTuple

import psycopg

# After retention removed the oldest entries, the first one left follows the hash in one of the
# entries about that. Which one is not said: a restore may bring older entries back.
_VERIFY = """
with start as (
    select bytea '' as hash
    union all
    select decode(details ->> 'hash', 'hex') from access.access_log
    where action = 'entries_expired' and details ->> 'hash' ~ '^[0-9a-f]{64}$'
),

entry as (
    select
        log.log_id,
        log.hash,
        case
            when log.log_id > min(log.log_id) over ()
                then access.log_entry_hash(lag(log.hash) over (order by log.log_id), log) = log.hash
            else exists (
                select from start where access.log_entry_hash(start.hash, log) = log.hash
            )
        end as follows
    from access.access_log as log
),

chain as (
    select
        count(*) as entries,
        min(log_id) filter (where not follows) as broken_at,
        coalesce(max(log_id), 0) as last_id
    from entry
)

select
    chain.entries,
    chain.broken_at,
    chain.last_id,
    encode(head.hash, 'hex') as head_hash,
    head.log_id as head_id,
    coalesce((select hash from entry where log_id = chain.last_id), '') = head.hash as is_head
from chain
cross join access.log_head as head
"""


class LogChain(NamedTuple):
    """What the access log holds, and what is wrong with it, if anything."""

    entries: int
    last_id: int
    last_hash: str
    fault: str | None


def verify(conn: psycopg.Connection) -> LogChain:
    """Verify that no entry was changed or removed, but by its retention.

    Args:
        conn: A connection of the database's owner.

    Returns:
        The number of entries, the newest, and the first fault.
    """
    row = conn.execute(_VERIFY).fetchone()
    if row is None:
        return LogChain(0, 0, "", "access.log_head is empty: the log can no longer be verified")
    entries, broken_at, last_id, head_hash, head_id, is_head = row
    fault = None
    if broken_at is not None:
        fault = (
            f"entry {broken_at} does not follow from the one before it: entries were changed or "
            "removed; compare with a backup"
        )
    elif not is_head or last_id != head_id:
        fault = (
            f"the last entry is {last_id}, and {head_id} was written: the newest entries were "
            "removed; compare with a backup"
        )
    return LogChain(entries, last_id, head_hash, fault)
