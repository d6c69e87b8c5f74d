"""Two sets of published tables held against each other, whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from tests.oracle.local_time import utc

Row = Mapping[str, object]

# Section 4: the columns of each published table; the key is what identifies a row in a message.
COLUMNS: dict[str, str] = {
    "agenda_status": "agenda_id company_id contact_date campaign_id event_type_id team_id agent_id "
    "client_id vehicle_id origin is_open whatsapp_status whatsapp_cause last_sent_at is_no_show "
    "no_show_kind no_show_at cycle_start response loss_reason_id replied_at days_without_reply "
    "booking_id booked_for other_detail call_reason call_detail call_state as_of",
    "passive_contact_status": "contact_id company_id contact_date client_id is_ambiguous bucket "
    "agenda_id booking_id as_of",
    "totalizer": "company_id contact_date campaign_id event_type_id team_id agent_id totalizer "
    "bucket bucket_detail agenda_count as_of",
    "totalizer_history": "snapshot_date company_id totalizer bucket agenda_count as_of",
    "sending_alarm": "company_id cause agenda_count client_count oldest_since as_of",
    "call_list": "agenda_id company_id agent_id agenda_agent_id client_id card position priority "
    "call_reason call_detail since phone phone_kind own_calls call_back_at attempts "
    "last_attempt_at last_outcome hints as_of",
    "call_waiting": "agenda_id company_id agent_id wait_reason callable_at as_of",
    "call_done": "agenda_id company_id agent_id call_state outcome called_at loss_reason_id "
    "own_calls refused_at refused_by as_of",
    "phone_call": "attempt_id agenda_id company_id client_id user_id called_at call_date outcome "
    "call_back_at loss_reason_id as_of",
    "passive_waiting": "contact_id company_id contacted_at contact_date bucket client_id phone "
    "calls_refused as_of",
    "day_activity": "company_id activity_date agent_id messages_sent replies bookings_leadzap "
    "bookings_other arrivals no_shows calls clients_called calls_booked as_of",
    "no_show_return": "booking_id agenda_id company_id no_show_at as_of",
    "dispatch_due": "agenda_id company_id purpose as_of",
    # Beside those of section 4.
    "client": "client_id is_opted_out consent_origin consent_at",
    "dispatch": "company_id agenda_id dispatch_id purpose queued_at outcome sent_at delivered_at "
    "read_at failed_at error_code cause as_of",
    "reply": "company_id agenda_id reply_id dispatch_id option_id label action loss_reason_id "
    "replied_at as_of",
    "booking": "company_id agenda_id booking_id channel created_at scheduled_for confirmed_at "
    "arrived_at cancelled_at no_show_kind no_show_at as_of",
    "funnel": "company_id contact_date campaign_id event_type_id team_id agent_id funnel step "
    "agenda_count as_of",
    "totalizer_row": "company_id totalizer row_id agenda_id contact_date campaign_id event_type_id "
    "team_id agent_id client_id bucket bucket_detail as_of",
}
_KEYS: dict[str, str] = {
    "agenda_status": "agenda_id",
    "passive_contact_status": "contact_id",
    "totalizer": "company_id contact_date campaign_id event_type_id team_id agent_id totalizer "
    "bucket bucket_detail",
    "totalizer_history": "snapshot_date company_id totalizer bucket",
    "sending_alarm": "company_id cause",
    "call_list": "agenda_id",
    "no_show_return": "agenda_id",
    "dispatch_due": "agenda_id",
    "call_waiting": "agenda_id wait_reason",
    "call_done": "agenda_id",
    "phone_call": "attempt_id",
    "passive_waiting": "contact_id",
    "day_activity": "company_id activity_date agent_id",
    "client": "client_id",
    "dispatch": "dispatch_id",
    "reply": "reply_id",
    "booking": "booking_id",
    "funnel": "company_id contact_date campaign_id event_type_id team_id agent_id funnel step",
    "totalizer_row": "totalizer row_id",
}


def columns_of(table: str) -> tuple[str, ...]:
    """The columns of a published table, in the order of section 4."""
    return tuple(COLUMNS[table].split())


def differences(
    expected: Mapping[str, Sequence[Row]], got: Mapping[str, Sequence[Row]], limit: int = 20
) -> list[str]:
    """A line for every cell, row or count that differs, at most `limit`; none when equal.

    Only the tables in `got` are compared; each as a multiset of its rows, in the columns of
    section 4.
    """
    lines = [line for table in got for line in _differences_of(table, expected[table], got[table])]
    if len(lines) > limit:
        lines = [*lines[:limit], f"… and {len(lines) - limit} more"]
    return lines


def _differences_of(table: str, expected: Sequence[Row], got: Sequence[Row]) -> list[str]:
    want, have = _counted(table, expected), _counted(table, got)
    if want == have:
        return []
    missing, extra = want - have, have - want
    wanted, found = _by_key(table, missing), _by_key(table, extra)
    lines = []
    for key in sorted({**wanted, **found}, key=repr):
        here, there = wanted.get(key, []), found.get(key, [])
        if len(here) == len(there) == 1:
            lines += [
                f"{table} {_told(key)}: {column} should be {_shown(column, one)}, "
                f"is {_shown(column, other)}"
                for column, one, other in zip(columns_of(table), here[0], there[0], strict=True)
                if one != other
            ]
        else:
            lines += [f"{table} {_told(key)}: {len(here)} rows missing, {len(there)} too many"]
    return lines


def _counted(table: str, rows: Sequence[Row]) -> Counter[tuple[object, ...]]:
    return Counter(tuple(_plain(row[name]) for name in columns_of(table)) for row in rows)


def _plain(value: object) -> object:
    if isinstance(value, list):
        return tuple(value)
    return utc(value) if isinstance(value, datetime) else value


def _by_key(
    table: str, rows: Counter[tuple[object, ...]]
) -> dict[tuple[object, ...], list[tuple[object, ...]]]:
    places = [columns_of(table).index(name) for name in _KEYS[table].split()]
    by_key: dict[tuple[object, ...], list[tuple[object, ...]]] = {}
    for row in rows.elements():
        by_key.setdefault(tuple(row[place] for place in places), []).append(row)
    return by_key


def _told(key: tuple[object, ...]) -> str:
    return " / ".join(str(part) for part in key)


def _shown(column: str, value: object) -> str:
    """The value; of a phone number no more than its shape."""
    if column == "phone" and value is not None:
        return f"a number of {len(str(value))} signs"
    return str(value) if isinstance(value, datetime) else repr(value)
