with agenda_status as (

    {{ previous_rows('agenda_status', only={'company_id': 'text'}) }}

)

select
    company_id,
    count(*) as agendas
from agenda_status
group by company_id
