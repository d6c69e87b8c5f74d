with agenda as (

    select * from {{ ref('stg_agenda') }}

),

clock as (

    select * from {{ ref('int_company__clock') }}

),

outcome as (

    select * from {{ ref('int_dispatch__outcome') }}

),

reply as (

    select * from {{ ref('int_reply__action') }}

),

booking as (

    select * from {{ ref('stg_booking') }}

),

no_show as (

    select * from {{ ref('int_booking__no_show') }}

),

call_attempt as (

    select * from {{ ref('stg_call_attempt') }}

),

happened as (

    select
        company_id,
        agenda_id,
        sent_at as happened_at,
        'message' as kind
    from outcome
    where sent_at is not null
    union all
    select
        company_id,
        agenda_id,
        replied_at as happened_at,
        'reply' as kind
    from reply
    union all
    select
        company_id,
        agenda_id,
        created_at as happened_at,
        case channel when 'leadzap' then 'booking_leadzap' else 'booking_other' end as kind
    from booking
    union all
    select
        company_id,
        agenda_id,
        arrived_at as happened_at,
        'arrival' as kind
    from booking
    where arrived_at is not null
    union all
    select
        company_id,
        agenda_id,
        no_show_at as happened_at,
        'no_show' as kind
    from no_show

),

of_agendas as (

    select
        agenda.company_id,
        cast({{ local_time('happened.happened_at', 'clock.timezone') }} as date) as activity_date,
        agenda.agent_id,
        happened.kind
    from happened
    inner join agenda using (company_id, agenda_id)
    inner join clock using (company_id)
    -- Narrows down to the days below before any date is computed.
    where happened.happened_at > {{ as_of() }} - interval '62 days'

),

-- The attempts of one user at one time are one call.
phone_call as (

    select
        agenda.company_id,
        call_attempt.user_id as agent_id,
        call_attempt.called_at,
        bool_or(call_attempt.outcome = 'booked') as is_booked,
        cast({{ local_time('call_attempt.called_at', 'clock.timezone') }} as date) as activity_date
    from call_attempt
    inner join agenda using (company_id, agenda_id)
    inner join clock using (company_id)
    group by agenda.company_id, call_attempt.user_id, call_attempt.called_at, clock.timezone

),

called_client as (

    select
        agenda.company_id,
        cast({{ local_time('call_attempt.called_at', 'clock.timezone') }} as date) as activity_date,
        call_attempt.user_id as agent_id,
        count(distinct agenda.client_id) as clients_called
    from call_attempt
    inner join agenda using (company_id, agenda_id)
    inner join clock using (company_id)
    group by 1, 2, 3

),

counted as (

    select
        company_id,
        activity_date,
        agent_id,
        count(*) filter (where kind = 'message') as messages_sent,
        count(*) filter (where kind = 'reply') as replies,
        count(*) filter (where kind = 'booking_leadzap') as bookings_leadzap,
        count(*) filter (where kind = 'booking_other') as bookings_other,
        count(*) filter (where kind = 'arrival') as arrivals,
        count(*) filter (where kind = 'no_show') as no_shows,
        0 as calls,
        0 as clients_called,
        0 as calls_booked
    from of_agendas
    group by company_id, activity_date, agent_id
    union all
    select
        company_id,
        activity_date,
        agent_id,
        0 as messages_sent,
        0 as replies,
        0 as bookings_leadzap,
        0 as bookings_other,
        0 as arrivals,
        0 as no_shows,
        count(*) as calls,
        0 as clients_called,
        count(*) filter (where is_booked) as calls_booked
    from phone_call
    group by company_id, activity_date, agent_id
    union all
    select
        company_id,
        activity_date,
        agent_id,
        0 as messages_sent,
        0 as replies,
        0 as bookings_leadzap,
        0 as bookings_other,
        0 as arrivals,
        0 as no_shows,
        0 as calls,
        clients_called,
        0 as calls_booked
    from called_client

)

select
    company_id,
    counted.activity_date,
    counted.agent_id,
    {%- for measure in [
        'messages_sent', 'replies', 'bookings_leadzap', 'bookings_other', 'arrivals', 'no_shows',
        'calls', 'clients_called', 'calls_booked',
    ] %}
    cast(sum(counted.{{ measure }}) as bigint) as {{ measure }}{{ ',' if not loop.last }}
    {%- endfor %}
from counted
inner join clock using (company_id)
where counted.activity_date between clock.local_date - 59 and clock.local_date
group by company_id, counted.activity_date, counted.agent_id
