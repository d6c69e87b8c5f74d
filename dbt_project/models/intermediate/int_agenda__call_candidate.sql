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

cycle as (

    select * from {{ ref('int_agenda__cycle') }}

),

latest_booking as (

    select * from {{ ref('int_agenda__latest_booking') }}

),

consent as (

    select * from {{ ref('int_client__consent') }}

),

candidate as (

    select
        agenda.company_id,
        agenda.agenda_id,
        agenda.agent_id,
        agenda.client_id,
        company.timezone,
        response.response,
        response.cycle_sent_at,
        {{ local_midnight('agenda.contact_date', 'company.timezone') }} as contact_midnight,
        cycle.cycle_start,
        company.dispatch_grace_hours * interval '1 hour' as grace,
        response.cycle_sent_at + company.no_reply_days * interval '24 hours' as silence_ends_at,
        case response.response
            when 'replied' then 'not_sent'
            when 'awaiting_reply' then 'no_reply'
            else response.response
        end as call_reason,
        case
            when response.response in ('not_sent', 'replied')
                then whatsapp_status.reason_without_sent
        end as call_detail,
        case
            when response.response in ('call_requested', 'replied') then response.replied_at
        end as reply_at,
        case
            when
                response.response in ('not_sent', 'replied')
                and whatsapp_status.reason_without_sent = 'opted_out'
                then consent.consent_at
        end as opted_out_at,
        -- A booking to which the client did not come starts a cycle instead.
        case
            when latest_booking.no_show_kind is null then latest_booking.cancelled_at
        end as booking_cancelled_at,
        agenda.created_at
    from agenda
    inner join company using (company_id)
    inner join clock using (company_id)
    inner join whatsapp_status using (company_id, agenda_id)
    inner join response using (company_id, agenda_id)
    left join cycle using (company_id, agenda_id)
    left join latest_booking using (company_id, agenda_id)
    left join consent on agenda.client_id = consent.client_id
    where {{ call_obstacle() }} is null

),

timed as (

    select
        *,
        case
            when call_reason = 'no_reply'
                then silence_ends_at
            when call_detail = 'other' then greatest(contact_midnight, cycle_start) + grace
        end as callable_at
    from candidate

),

waiting as (

    select
        *,
        case
            when response = 'awaiting_reply' then 'awaiting_reply'
            when call_detail = 'other' and callable_at > {{ as_of() }} then 'dispatch_grace'
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
    case call_reason
        when 'call_requested' then 1
        when 'no_reply' then 2
        else 3
    end as priority,
    case
        when call_reason = 'call_requested' then reply_at
        when call_reason = 'no_reply' then cycle_sent_at
        when wait_reason is not null then greatest(contact_midnight, cycle_start)
        else contact_midnight
    end as since,
    callable_at,
    -- Never later than as_of: where clocks go back, the silence may end twice.
    case
        when wait_reason is null
            then least(
                greatest(
                    contact_midnight,
                    cycle_start,
                    created_at,
                    reply_at,
                    callable_at,
                    opted_out_at,
                    booking_cancelled_at
                ),
                {{ as_of() }}
            )
    end as listed_at
from waiting
