with waiting as (

    select * from {{ ref('int_passive_contact__waiting') }}

),

passive_contact_status as (

    select * from {{ ref('passive_contact_status') }}

)

select
    waiting.company_id,
    waiting.contact_id,
    passive_contact_status.contacted_at,
    passive_contact_status.contact_date,
    passive_contact_status.bucket,
    passive_contact_status.client_id,
    waiting.phone,
    waiting.calls_refused,
    {{ as_of() }} as as_of
from waiting
inner join passive_contact_status using (company_id, contact_id)
