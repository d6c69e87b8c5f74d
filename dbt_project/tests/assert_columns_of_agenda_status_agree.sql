-- Section 4: which columns of an agenda imply each other.
with agenda_status as (

    select * from {{ ref('agenda_status') }}

)

select
    company_id,
    agenda_id
from agenda_status
where
    (whatsapp_status = 'sent') <> (last_sent_at is not null)
    or (whatsapp_status <> 'sent' and whatsapp_status <> reason_without_sent)
    or (whatsapp_cause is not null and reason_without_sent <> 'other')
    or is_no_show <> (no_show_kind is not null)
    or is_no_show <> (no_show_at is not null)
    or (is_no_show and (not is_open or cycle_start < no_show_at or booking_id is null))
    or (loss_reason_id is not null and response <> 'refused')
    or (response = 'no_reply') <> (days_without_reply is not null)
    or (response in ('refused', 'call_requested', 'replied') and replied_at is null)
    or (response in ('no_reply', 'awaiting_reply', 'not_sent') and replied_at is not null)
    or (response in ('booked', 'booked_elsewhere') and (booking_id is null or is_no_show))
    or (booking_id is null) <> (booked_for is null)
    or (booking_id is null) <> (visit_state is null)
    or (response = 'replied') <> (replied_bucket is not null)
    or (origin = 'active' and is_open and whatsapp_status = 'other') <> (other_detail is not null)
