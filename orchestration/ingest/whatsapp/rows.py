"""What `overlay.py` puts into the raw tables: each row as it is with the events up to then."""

from __future__ import annotations

from psycopg import sql

from orchestration.ingest.raw_tables import raw_table
from orchestration.ingest.whatsapp.phone_keys import key_of_client

# The version in force at a moment, and before the first one the first (R3).
_IN_FORCE_AT = """
    select * from {delivered} as d
    where {same_row}
    order by
        d.updated_at <= moment.at desc,
        case when d.updated_at <= moment.at then d.updated_at end desc,
        d.updated_at
    limit 1
"""

# Of two failures at once the lesser code, so that no order of arrival decides.
_FIRST_FAILURE = 'occurred_at, error_code collate "C", error_message collate "C"'

_DISPATCH_ROWS = """
with moment as (
    select company_id, dispatch_id, updated_at as at
    from {delivered} join {laid} using (company_id, dispatch_id)
    union
    select laid.company_id, laid.dispatch_id, event.occurred_at
    from raw.whatsapp_status as event join {laid} as laid using (dispatch_id)
)
insert into {raw} (
    company_id, dispatch_id, updated_at, agenda_id, purpose, queued_at,
    sent_at, delivered_at, read_at, failed_at, error_code, error_message, delivery_id
)
select
    moment.company_id, moment.dispatch_id, moment.at, crm.agenda_id, crm.purpose, crm.queued_at,
    least(crm.sent_at, event.sent_at), least(crm.delivered_at, event.delivered_at),
    least(crm.read_at, event.read_at), least(crm.failed_at, event.failed_at),
    case
        when event.failed_at <= coalesce(crm.failed_at, 'infinity') or crm.error_code is null
            then coalesce(event.error_code, crm.error_code)
        else crm.error_code
    end,
    case
        when event.failed_at <= coalesce(crm.failed_at, 'infinity') or crm.error_code is null
            then coalesce(event.error_message, crm.error_message)
        else crm.error_message
    end,
    crm.delivery_id
from moment
cross join lateral ({in_force}) as crm
cross join lateral (
    select
        min(occurred_at) filter (where status = 'sent') as sent_at,
        min(occurred_at) filter (where status = 'delivered') as delivered_at,
        min(occurred_at) filter (where status = 'read') as read_at,
        min(occurred_at) filter (where status = 'failed') as failed_at,
        (array_agg(error_code order by {first_failure}) filter (where status = 'failed'))[1]
            as error_code,
        (array_agg(error_message order by {first_failure}) filter (where status = 'failed'))[1]
            as error_message
    from raw.whatsapp_status as known
    where known.dispatch_id = moment.dispatch_id and known.occurred_at <= moment.at
) as event
"""

# A preference is of a number: it holds for the versions of a client with that number. The moment
# before the first one is there for an as_of before everything, which takes the earliest row (R3).
_CLIENT_ROWS = """
with preference as (
    select client.client_id, known.occurred_at as at, known.number_key
    from {delivered} as client
    join {laid} using (client_id)
    join raw.whatsapp_preference as known on known.number_key = {client_key}
    group by 1, 2, 3
),

moment as (
    select client_id, updated_at as at, null as number_key
    from {delivered} join {laid} using (client_id)
    union all
    select client_id, at, number_key from preference
    where not exists (
        select from {delivered} as same
        where same.client_id = preference.client_id and same.updated_at = preference.at
    )
    union all
    select client_id, min(at) - interval '1 microsecond', null from preference
    group by client_id
    having min(at) < (
        select min(first.updated_at) from {delivered} as first
        where first.client_id = preference.client_id
    )
)

insert into {raw} (
    client_id, updated_at, name, ddd, mobile, landline, email, accepts_messages, delivery_id
)
select
    moment.client_id, moment.at, client.name, client.ddd, client.mobile, client.landline,
    client.email, client.accepts_messages and coalesce(latest.value, 'resume') <> 'stop',
    client.delivery_id
from moment
cross join lateral ({in_force}) as client
left join lateral (
    select known.value from raw.whatsapp_preference as known
    where known.number_key = {client_key} and known.occurred_at <= moment.at
    -- Both within one second: no message is the safer reading.
    order by known.occurred_at desc, known.value desc
    limit 1
) as latest on true
where moment.number_key is null or moment.number_key = {client_key}
"""


def dispatch_rows(delivered: sql.Identifier, laid: sql.Identifier) -> sql.Composed:
    """Insert the dispatches of `laid` with their statuses; of two times of one status the earlier.

    `delivered`: their versions as the CRM delivered them.
    """
    same = "d.company_id = moment.company_id and d.dispatch_id = moment.dispatch_id"
    return sql.SQL(_DISPATCH_ROWS).format(
        raw=raw_table("dispatch"),
        delivered=delivered,
        laid=laid,
        in_force=sql.SQL(_IN_FORCE_AT).format(delivered=delivered, same_row=sql.SQL(same)),
        first_failure=sql.SQL(_FIRST_FAILURE),
    )


def client_rows(delivered: sql.Identifier, laid: sql.Identifier) -> sql.Composed:
    """Insert the clients of `laid`; who stopped messages in WhatsApp accepts none until resumed."""
    same = sql.SQL("d.client_id = moment.client_id")
    return sql.SQL(_CLIENT_ROWS).format(
        raw=raw_table("client"),
        delivered=delivered,
        laid=laid,
        in_force=sql.SQL(_IN_FORCE_AT).format(delivered=delivered, same_row=same),
        client_key=key_of_client("client"),
    )
