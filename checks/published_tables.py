"""The published tables and their columns, as a reader may count on them (domain.md, section 4).

The checks hold their own list, apart from the contracts in dbt, so that a column dropped there by
mistake is seen. More columns are welcome.
"""

from __future__ import annotations


def _columns(names: str) -> tuple[str, ...]:
    return tuple(names.split())


COLUMNS: dict[str, tuple[str, ...]] = {
    "agenda_status": _columns(
        "agenda_id company_id contact_date campaign_id event_type_id team_id agent_id client_id"
        " vehicle_id origin is_open whatsapp_status whatsapp_cause last_sent_at is_no_show"
        " no_show_kind no_show_at cycle_start response loss_reason_id replied_at"
        " days_without_reply booking_id booked_for visit_state other_detail call_reason call_detail"
        " call_state created_at closed_at as_of"
    ),
    "passive_contact_status": _columns(
        "contact_id company_id contact_date client_id is_ambiguous bucket agenda_id booking_id"
        " as_of"
    ),
    "totalizer": _columns(
        "company_id contact_date campaign_id event_type_id team_id agent_id totalizer bucket"
        " bucket_detail agenda_count as_of"
    ),
    "totalizer_history": _columns("snapshot_date company_id totalizer bucket agenda_count as_of"),
    "sending_alarm": _columns("company_id cause agenda_count client_count oldest_since as_of"),
    "call_list": _columns(
        "agenda_id company_id agent_id agenda_agent_id client_id card position priority call_reason"
        " call_detail since phone phone_kind own_calls call_back_at attempts last_attempt_at"
        " last_outcome hints listed_at days_untried as_of"
    ),
    "no_show_return": _columns("booking_id agenda_id company_id no_show_at as_of"),
    "dispatch_due": _columns("agenda_id company_id purpose as_of"),
    # Published beside them, for the pages.
    "company": _columns(
        "company_id name timezone no_reply_days no_show_hours dispatch_grace_hours local_date as_of"
    ),
    "app_user": _columns("user_id login full_name role company_id active"),
    "user_company": _columns("user_id company_id"),
    "team": _columns("team_id company_id name is_service_desk"),
    "campaign": _columns("campaign_id name active"),
    "event_type": _columns("event_type_id campaign_id name"),
    "loss_reason": _columns("loss_reason_id name"),
    "client": _columns(
        "client_id name ddd mobile landline email accepts_messages is_opted_out consent_origin"
        " consent_at"
    ),
    "vehicle": _columns("vehicle_id client_id plate model active"),
    "source_freshness": _columns("table_name data_until as_of"),
    "call_waiting": _columns(
        "company_id agenda_id agent_id position wait_reason since callable_at as_of"
    ),
    "dispatch": _columns(
        "company_id agenda_id dispatch_id purpose queued_at outcome sent_at delivered_at read_at"
        " failed_at error_code cause as_of"
    ),
    "reply": _columns(
        "company_id agenda_id reply_id dispatch_id option_id label action loss_reason_id replied_at"
        " as_of"
    ),
    "booking": _columns(
        "company_id agenda_id booking_id channel created_at scheduled_for confirmed_at arrived_at"
        " cancelled_at no_show_kind no_show_at as_of"
    ),
    "phone_call": _columns(
        "attempt_id agenda_id company_id client_id user_id called_at call_date outcome call_back_at"
        " loss_reason_id note as_of"
    ),
    "call_done": _columns(
        "agenda_id company_id agent_id call_state outcome called_at loss_reason_id own_calls"
        " refused_at refused_by as_of"
    ),
    "passive_waiting": _columns(
        "contact_id company_id contacted_at contact_date bucket client_id phone calls_refused as_of"
    ),
    "day_activity": _columns(
        "company_id activity_date agent_id messages_sent replies bookings_leadzap bookings_other"
        " arrivals no_shows calls clients_called calls_booked as_of"
    ),
    "funnel": _columns(
        "company_id contact_date campaign_id event_type_id team_id agent_id funnel step"
        " agenda_count as_of"
    ),
    "totalizer_row": _columns(
        "company_id totalizer row_id agenda_id contact_date campaign_id event_type_id team_id"
        " agent_id client_id bucket bucket_detail as_of"
    ),
    "totalizer_movement": _columns(
        "company_id totalizer row_id agenda_id contact_date agent_id client_id direction bucket"
        " event previous_as_of as_of"
    ),
}

# Not among them: the three that are empty when all is well (`sending_alarm`, `no_show_return`,
# `dispatch_due`), the history, which is written at publication, and what follows a raw table.
USUALLY_NOT_EMPTY = ("agenda_status", "passive_contact_status", "totalizer", "call_list")
