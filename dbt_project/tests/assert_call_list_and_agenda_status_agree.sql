-- R9: the call list holds active, open agendas whose contact date has come, and agrees with the
-- status of each; `replied` is phoned only where no message can follow.
with agenda_status as (

    select * from {{ ref('agenda_status') }}

),

call_list as (

    select * from {{ ref('call_list') }}

),

company as (

    select * from {{ ref('company') }}

)

select
    agenda_status.company_id,
    agenda_status.agenda_id
from agenda_status
inner join company using (company_id)
left join call_list using (company_id, agenda_id)
where
    agenda_status.call_reason is distinct from call_list.call_reason
    or agenda_status.call_detail is distinct from call_list.call_detail
    or (
        call_list.agenda_id is not null
        and (
            agenda_status.origin <> 'active'
            or not agenda_status.is_open
            or agenda_status.contact_date > company.local_date
            or agenda_status.agent_id is distinct from call_list.agent_id
            or (
                agenda_status.response <> call_list.call_reason
                and not (
                    agenda_status.response = 'replied'
                    and call_list.call_detail = 'opted_out'
                )
            )
        )
    )
