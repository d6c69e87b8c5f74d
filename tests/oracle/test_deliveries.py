"""The generator of deliveries is held to what it must reach, so that it cannot go blind."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import fields

import pytest

from orchestration.ingest.contract import ENTITY_TABLES
from tests.oracle.deliveries import Delivery, random_delivery
from tests.oracle.failure_causes import KNOWN_ERRORS, UNKNOWN_ERROR
from tests.oracle.reading import publish
from tests.oracle.rows import SourceRows

CAUSES = {*KNOWN_ERRORS.values(), UNKNOWN_ERROR, "not_queued", "queued"}


@pytest.fixture(scope="module")
def drawn() -> list[Delivery]:
    """A few deliveries of the usual size."""
    return [random_delivery(seed) for seed in range(6)]


def test_a_seed_gives_the_same_delivery() -> None:
    assert random_delivery(7, 3, 5) == random_delivery(7, 3, 5)


def test_every_answer_of_the_rules_occurs(drawn: list[Delivery]) -> None:
    seen: dict[tuple[str, str], set[object]] = defaultdict(set)
    buckets: dict[object, set[object]] = defaultdict(set)
    cards: Counter[tuple[object, ...]] = Counter()
    for number, delivery in enumerate(drawn):
        for table, rows in publish(delivery.rows, delivery.as_of, KNOWN_ERRORS).items():
            for row in rows:
                for column, value in row.items():
                    seen[table, column].add(tuple(value) if isinstance(value, list) else value)
                if table == "call_list":
                    cards[row["company_id"], row["agent_id"], row["card"], number] += 1
                if table == "totalizer":
                    buckets[row["totalizer"]].add(row["bucket"])
    status = {column: seen["agenda_status", column] for column in ("response", "whatsapp_status")}
    assert status["response"] == {
        *("booked", "booked_elsewhere", "refused", "call_requested", "replied"),
        *("no_reply", "awaiting_reply", "not_sent"),
    }
    assert status["whatsapp_status"] == {"sent", "opted_out", "invalid_phone", "other"}
    assert seen["agenda_status", "whatsapp_cause"] == CAUSES | {None}
    assert seen["agenda_status", "no_show_kind"] == {"manual", "automatic", None}
    assert seen["agenda_status", "call_reason"] == {"call_requested", "no_reply", "not_sent", None}
    assert seen["agenda_status", "call_detail"] == {"opted_out", "invalid_phone", "other", None}
    assert seen["agenda_status", "call_state"] == {
        *("done", "do_not_call", "exhausted", "call_back", "resting", "client_messaged", "listed"),
        None,
    }
    assert seen["agenda_status", "other_detail"] == {
        *("future", "not_needed", "recipient", "in_grace", "failure"),
        None,
    }
    assert seen["call_waiting", "wait_reason"] == {
        *("awaiting_reply", "dispatch_grace", "call_back", "resting", "client_messaged"),
        "on_other_list",
    }
    assert seen["call_done", "refused_by"] == {"call", "flag", None}
    hints = {hint for row in seen["call_list", "hints"] for hint in row}  # type: ignore[attr-defined]
    assert hints == {"vehicle_inactive", "vehicle_booked", "vehicle_refused", "shared_number"}
    assert max(cards.values()) > 3
    assert seen["passive_waiting", "calls_refused"] == {True, False}
    assert seen["passive_contact_status", "is_ambiguous"] == {True, False}
    assert None in seen["passive_contact_status", "agenda_id"]
    assert None in seen["call_list", "phone"]
    assert {0, 1, 2, 3} <= seen["call_list", "attempts"]
    assert seen["call_list", "priority"] == {0, 1, 2, 3, 4}
    assert seen["call_list", "phone_kind"] == {"mobile", "landline", None}
    assert seen["dispatch_due", "purpose"] == {"first_contact", "no_show"}
    assert seen["no_show_return", "booking_id"]
    recipients = {"no_whatsapp", "recipient_limit", "opted_out_whatsapp"}
    assert seen["sending_alarm", "cause"] == CAUSES - recipients | {"nothing_sent"}
    assert "unspecified" in buckets["refused"]
    assert len(buckets.pop("refused")) > 1
    assert buckets == {
        "active": {"sent", "opted_out", "invalid_phone", "other"},
        "no_show": {"manual", "automatic"},
        "passive": {
            *("booking_registered", "booking_unregistered", "service_orders"),
            *("other_registered", "other_unregistered"),
        },
        "booked": {"arrived", "confirmed", "to_confirm", "unattended"},
        "replied": {"unfinished_booking", "other"},
        "call_requested": {"call_requested"},
        "no_reply": {"1", "2", "3+"},
    }


def test_every_row_is_valid(drawn: list[Delivery]) -> None:
    """R1, R2: versions are told apart, parents stay, and what is named is there."""
    for delivery in drawn:
        for table in ENTITY_TABLES:
            rows = getattr(delivery.rows, table.name)
            keys = [(getattr(row, table.key[0]), row.updated_at) for row in rows]
            assert len(keys) == len(set(keys)), table.name
            if table.parent:
                pairs = {(getattr(row, table.key[0]), getattr(row, table.parent)) for row in rows}
                assert len(pairs) == len({key for key, _ in pairs}), table.name
        _check_references(delivery.rows)


def _check_references(rows: SourceRows) -> None:
    ids = {
        one.name: {getattr(row, fields(row)[0].name) for row in getattr(rows, one.name)}
        for one in fields(SourceRows)
    }
    for table in ENTITY_TABLES:
        for column in (column for column in table.columns if column.references):
            named = {getattr(row, column.name) for row in getattr(rows, table.name)} - {None}
            assert named <= ids[column.references or ""], f"{table.name}.{column.name}"
    company_of_agenda = {row.agenda_id: row.company_id for row in rows.agenda}
    agenda_of_booking = {row.booking_id: row.agenda_id for row in rows.booking}
    for contact in rows.passive_contact:
        if contact.agenda_id:
            assert company_of_agenda[contact.agenda_id] == contact.company_id
        if contact.booking_id:
            agenda_id = agenda_of_booking[contact.booking_id]
            assert company_of_agenda[agenda_id] == contact.company_id
