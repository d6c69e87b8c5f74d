-- Read by its row policy (macros/row_policies.sql).
-- depends_on: {{ ref('agenda_status') }}
-- depends_on: {{ ref('passive_contact_status') }}
with client as (

    select * from {{ ref('stg_client') }}

),

consent as (

    select * from {{ ref('int_client__consent') }}

)

select
    client.client_id,
    client.name,
    client.ddd,
    client.mobile,
    client.landline,
    client.email,
    consent.accepts_messages,
    consent.is_opted_out,
    consent.consent_origin,
    consent.consent_at
from client
inner join consent using (client_id)
