"""Replies that WhatsApp told, as versions beside those that the CRM delivers."""

from __future__ import annotations

import psycopg
from psycopg import sql

from orchestration.ingest.contract import REPLY, SourceTable
from orchestration.ingest.errors import UNKNOWN_REFERENCE
from orchestration.ingest.merge import analyze_raw_table

_STORE = """
insert into raw.whatsapp_reply (reply_id, occurred_at, dispatch_id, option_id, delivery_id)
select distinct key, at, about, what, {}::bigint
from load_staging.whatsapp_event where family = 'reply'
on conflict do nothing
returning
    exists (select from raw.dispatch as d where d.dispatch_id = whatsapp_reply.dispatch_id)
    and exists (select from raw.chatbot_option as o where o.option_id = whatsapp_reply.option_id)
"""
_TAKE_OFF = """
with taken as (
    update raw.whatsapp_reply set laid = false where laid and reply_id in ({keys})
    returning reply_id, occurred_at
)
delete from raw.reply as r using taken
where r.reply_id = taken.reply_id and r.updated_at = taken.occurred_at
"""
# Should WhatsApp ever tell one reply in two ways, no order of arrival decides: of two dispatches
# the one told of first stands, of two options at one time the lesser.
_LAY_ON = """
with fit as (
    select
        e.*, owner.company_id,
        first_value(e.dispatch_id) over (
            partition by e.reply_id order by e.occurred_at, e.dispatch_id
        ) as first_dispatch_id
    from raw.whatsapp_reply as e
    join (
        select distinct d.dispatch_id, d.company_id from raw.dispatch as d
        where d.dispatch_id in (select w.dispatch_id from raw.whatsapp_reply as w where not w.laid)
    ) as owner using (dispatch_id)
    where not e.laid
        and exists (select from raw.chatbot_option as o where o.option_id = e.option_id)
        and not exists (
            select from raw.reply as r
            where r.reply_id = e.reply_id and r.dispatch_id <> e.dispatch_id
        )
),

stands as (
    select distinct on (reply_id, occurred_at) * from fit
    where dispatch_id = first_dispatch_id and not exists (
        select from raw.reply as r
        where r.reply_id = fit.reply_id and r.updated_at = fit.occurred_at
    )
    order by reply_id, occurred_at, option_id
),

laid as (
    insert into raw.reply (
        company_id, reply_id, updated_at, dispatch_id, option_id, replied_at, delivery_id
    )
    select company_id, reply_id, occurred_at, dispatch_id, option_id, occurred_at, delivery_id
    from stands
)

update raw.whatsapp_reply as e set laid = true from stands
where e.reply_id = stands.reply_id and e.occurred_at = stands.occurred_at
    and e.dispatch_id = stands.dispatch_id and e.option_id = stands.option_id
"""


def store(conn: psycopg.Connection, delivery: int) -> list[bool]:
    """Store the replies among the events; of each new one, whether what it names is there."""
    return [row[0] for row in conn.execute(sql.SQL(_STORE).format(delivery)).fetchall()]


def take_off_arriving(
    conn: psycopg.Connection, table: SourceTable, typed: sql.Identifier | None
) -> None:
    """Before replies are merged: what WhatsApp said of those of which the CRM has a version."""
    if table is not REPLY:
        return
    keys = sql.SQL(
        "select row_as_delivered ->> 'reply_id' from raw.rejected_row "
        "where table_name = {} and reason = {}"
    ).format(REPLY.name, UNKNOWN_REFERENCE)
    if typed is not None:
        keys += sql.SQL(" union all select reply_id from {}").format(typed)
    conn.execute(sql.SQL(_TAKE_OFF).format(keys=keys))


def lay_on(conn: psycopg.Connection) -> None:
    """Make versions of what can be one; of a reply with news, of all that is known of it."""
    news = sql.SQL("select n.reply_id from raw.whatsapp_reply as n where not n.laid")
    conn.execute(sql.SQL(_TAKE_OFF).format(keys=news))
    if conn.execute(_LAY_ON).rowcount:
        conn.execute("analyze raw.whatsapp_reply")
        analyze_raw_table(conn, REPLY)
