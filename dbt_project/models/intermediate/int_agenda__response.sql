with agenda as (

    select * from {{ ref('stg_agenda') }}

),

company as (

    select * from {{ ref('stg_company') }}

),

latest_booking as (

    select * from {{ ref('int_agenda__latest_booking') }}

),

latest_reply as (

    select * from {{ ref('int_agenda__latest_reply') }}

),

messages as (

    select * from {{ ref('int_agenda__messages') }}

),

evidence as (

    select
        agenda.company_id,
        agenda.agenda_id,
        company.no_reply_days,
        latest_booking.channel,
        latest_booking.is_live,
        latest_reply.replied_at,
        latest_reply.action,
        latest_reply.loss_reason_id,
        messages.cycle_sent_at,
        {{ as_of() }} - messages.cycle_sent_at as silence
    from agenda
    inner join company using (company_id)
    left join latest_booking using (company_id, agenda_id)
    left join latest_reply using (company_id, agenda_id)
    left join messages using (company_id, agenda_id)

),

decided as (

    select
        company_id,
        agenda_id,
        loss_reason_id,
        replied_at,
        cycle_sent_at,
        silence,
        action,
        case
            when is_live and channel = 'leadzap' then 'booked'
            when is_live then 'booked_elsewhere'
            when action = 'refuse' then 'refused'
            when action = 'call_me' then 'call_requested'
            when action is not null then 'replied'
            when silence >= no_reply_days * interval '24 hours' then 'no_reply'
            when silence is not null then 'awaiting_reply'
            else 'not_sent'
        end as response
    from evidence

),

counted as (

    select
        company_id,
        agenda_id,
        response,
        replied_at,
        cycle_sent_at,
        case when response = 'refused' then loss_reason_id end as loss_reason_id,
        case
            when response = 'replied' and action = 'book' then 'unfinished_booking'
            when response = 'replied' then 'other'
        end as replied_bucket,
        case
            when response = 'no_reply'
                then cast(floor(extract(epoch from silence) / 86400) as integer)
        end as days_without_reply
    from decided

)

select
    company_id,
    agenda_id,
    response,
    loss_reason_id,
    replied_at,
    cycle_sent_at,
    days_without_reply,
    replied_bucket,
    case
        when days_without_reply >= 3 then '3+'
        else cast(days_without_reply as text)
    end as no_reply_bucket
from counted
