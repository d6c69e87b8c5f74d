-- R13: a booking is returned only after an automatic no-show; a message is due only where none was
-- sent and nothing about the client forbids it.
with agenda_status as (

    select * from {{ ref('agenda_status') }}

),

no_show_return as (

    select * from {{ ref('no_show_return') }}

),

dispatch_due as (

    select * from {{ ref('dispatch_due') }}

)

select agenda_status.agenda_id
from no_show_return
left join agenda_status using (company_id, agenda_id)
where
    agenda_status.no_show_kind is distinct from 'automatic'
    or agenda_status.booking_id <> no_show_return.booking_id
    or agenda_status.no_show_at <> no_show_return.no_show_at
union all
select agenda_status.agenda_id
from dispatch_due
left join agenda_status using (company_id, agenda_id)
where
    agenda_status.response is distinct from 'not_sent'
    or agenda_status.reason_without_sent <> 'other'
    or agenda_status.origin <> 'active'
    or not agenda_status.is_open
    or (agenda_status.cycle_start is null) <> (dispatch_due.purpose = 'first_contact')
