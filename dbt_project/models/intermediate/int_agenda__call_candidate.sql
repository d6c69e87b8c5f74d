with agenda as (

    select * from {{ ref('stg_agenda') }}

),

company as (

    select * from {{ ref('stg_company') }}

),

clock as (

    select * from {{ ref('int_company__clock') }}

),

whatsapp_status as (

    select * from {{ ref('int_agenda__whatsapp_status') }}

),

response as (

    select * from {{ ref('int_agenda__response') }}

),

dispatch_grace as (

    select * from {{ ref('int_agenda__dispatch_grace') }}

),

call_attempts as (

    select * from {{ ref('int_agenda__call_attempts') }}

),

latest_booking as (

    select * from {{ ref('int_agenda__latest_booking') }}

),

consent as (

    select * from {{ ref('int_client__consent') }}

),

known as (

    select
        agenda.company_id,
        agenda.agenda_id,
        agenda.agent_id,
        agenda.client_id,
        agenda.created_at,
        agenda.contact_date <= clock.local_date as contact_date_has_come,
        response.response,
        response.replied_at,
        response.cycle_sent_at,
        response.cycle_sent_at + company.no_reply_days * interval '24 hours' as silence_ends_at,
        whatsapp_status.reason_without_sent,
        dispatch_grace.contact_midnight,
        dispatch_grace.may_be_sent_at,
        dispatch_grace.grace_ends_at,
        -- What was promised is kept, whatever was sent meanwhile.
        case
            when
                call_attempts.last_call_back_at is not null
                and response.response in ('replied', 'awaiting_reply', 'no_reply', 'not_sent')
                then call_attempts.last_attempt_at
        end as promised_at,
        consent.consent_at,
        -- A booking to which the client did not come starts a cycle instead.
        case
            when latest_booking.no_show_kind is null then latest_booking.cancelled_at
        end as booking_cancelled_at
    from agenda
    -- Of active, open agendas only.
    inner join dispatch_grace using (company_id, agenda_id)
    inner join company using (company_id)
    inner join clock using (company_id)
    inner join whatsapp_status using (company_id, agenda_id)
    inner join response using (company_id, agenda_id)
    left join call_attempts using (company_id, agenda_id)
    left join latest_booking using (company_id, agenda_id)
    left join consent on agenda.client_id = consent.client_id

),

reasoned as (

    select
        *,
        case
            when response = 'call_requested' or promised_at is not null then 'call_requested'
            when not contact_date_has_come then null
            when response in ('no_reply', 'awaiting_reply') then 'no_reply'
            when response = 'not_sent' then 'not_sent'
            -- No message can follow.
            when response = 'replied' and reason_without_sent = 'opted_out' then 'not_sent'
        end as call_reason
    from known

),

timed as (

    select
        *,
        case when call_reason = 'not_sent' then reason_without_sent end as call_detail,
        case
            when call_reason = 'no_reply' then silence_ends_at
            when call_reason = 'not_sent' and reason_without_sent = 'other' then grace_ends_at
        end as callable_at
    from reasoned
    where call_reason is not null

),

waiting as (

    select
        *,
        case
            when callable_at <= {{ as_of() }} or callable_at is null then null
            when call_reason = 'no_reply' then 'awaiting_reply'
            else 'dispatch_grace'
        end as wait_reason
    from timed

)

select
    company_id,
    agenda_id,
    agent_id,
    client_id,
    wait_reason,
    call_reason,
    call_detail,
    case
        when promised_at is not null then promised_at
        when call_reason = 'call_requested' then replied_at
        when call_reason = 'no_reply' then cycle_sent_at
        when wait_reason is not null then may_be_sent_at
        else contact_midnight
    end as since,
    callable_at,
    case
        when wait_reason is null
            then greatest(
                created_at,
                booking_cancelled_at,
                promised_at,
                case when promised_at is null then replied_at end,
                case when call_reason <> 'call_requested' then may_be_sent_at end,
                case when call_detail = 'opted_out' then consent_at end,
                callable_at
            )
    end as listed_at
from waiting
