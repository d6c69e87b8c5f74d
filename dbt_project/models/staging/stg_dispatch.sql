with in_force as (

    {{ in_force(source('raw', 'dispatch'), key='company_id, dispatch_id') }}

),

whatsapp_status as (

    select * from {{ source('raw', 'whatsapp_status') }}

),

-- Of two times for one status the earlier wins; of two failures the code of the earlier one, or the
-- lesser code at equal times.
reported as (

    select
        dispatch_id,
        min(occurred_at) filter (where status = 'sent') as sent_at,
        min(occurred_at) filter (where status = 'delivered') as delivered_at,
        min(occurred_at) filter (where status = 'read') as read_at,
        min(occurred_at) filter (where status = 'failed') as failed_at,
        (
            array_agg(error_code order by occurred_at, error_code collate "C")
            filter (where status = 'failed')
        )[1] as error_code
    from whatsapp_status
    where occurred_at <= {{ as_of() }}
    group by dispatch_id

)

select
    in_force.company_id,
    in_force.dispatch_id,
    in_force.agenda_id,
    in_force.purpose,
    {{ happened('in_force.queued_at') }} as queued_at,
    least({{ happened('in_force.sent_at') }}, reported.sent_at) as sent_at,
    least({{ happened('in_force.delivered_at') }}, reported.delivered_at) as delivered_at,
    least({{ happened('in_force.read_at') }}, reported.read_at) as read_at,
    least({{ happened('in_force.failed_at') }}, reported.failed_at) as failed_at,
    case
        when
            in_force.error_code is null
            or reported.failed_at <= coalesce(in_force.failed_at, 'infinity')
            then coalesce(reported.error_code, in_force.error_code)
        else in_force.error_code
    end as error_code
from in_force
-- An event has no company: WhatsApp reports only the message.
left join reported on in_force.dispatch_id = reported.dispatch_id
