"""The reading itself, on cases computed by hand from the specification."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from orchestration.ingest.contract import SOURCE_TABLES
from tests.oracle import rows as source
from tests.oracle.comparison import COLUMNS, columns_of
from tests.oracle.failure_causes import KNOWN_ERRORS
from tests.oracle.local_time import local_midnight, whole_days
from tests.oracle.phones import client_phone_key, numbers_to_phone, phone_key, valid_phone
from tests.oracle.reading import publish
from tests.oracle.rows import (
    Agenda,
    Booking,
    CallAttempt,
    Campaign,
    ChatbotOption,
    Client,
    Company,
    Dispatch,
    EventType,
    PassiveContact,
    Reply,
    SourceRows,
    Vehicle,
)

AS_OF = datetime(2026, 11, 20, 12, tzinfo=UTC)  # 09:00 in São Paulo
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
LONG_AGO = AS_OF - 90 * DAY
MIDNIGHT = datetime(2026, 11, 20, 3, tzinfo=UTC)


def at(**ago: float) -> datetime:
    """An instant before as_of."""
    return AS_OF - timedelta(**ago)


@pytest.fixture
def rows() -> SourceRows:
    """One company with its defaults (2 days, 2 hours, 12 hours) and one reachable client."""
    actions = ("book", "refuse", "call_me", "opt_out", "opt_in", "other")
    return SourceRows(
        company=[Company("c", "Empresa")],
        campaign=[Campaign("k", "Campanha", True)],
        event_type=[EventType("e", "k", "Revisão")],
        chatbot_option=[ChatbotOption(action, None, action, action) for action in actions],
        client=[Client("p", LONG_AGO, "Pessoa", "11", "98123-4567", "1132345678", None, True)],
    )


def agenda(agenda_id: str = "a", day: date = date(2026, 11, 20)) -> Agenda:
    return Agenda(
        agenda_id, LONG_AGO, "c", "p", None, "e", None, None, "active", day, LONG_AGO, None
    )


def dispatch(dispatch_id: str, queued_at: datetime, **times: datetime | str) -> Dispatch:
    return Dispatch(dispatch_id, LONG_AGO, "a", "first_contact", queued_at, **times)  # type: ignore[arg-type]


def booking(booking_id: str, **times: datetime | str) -> Booking:
    given: dict[str, object] = {
        "channel": "leadzap",
        "created_at": at(days=5),
        "scheduled_for": at(hours=3),
        "confirmed_at": at(days=4),
        **times,
    }
    return Booking(booking_id, LONG_AGO, "a", **given)  # type: ignore[arg-type]


def reply(reply_id: str, option: str, replied_at: datetime, dispatch_id: str = "d") -> Reply:
    return Reply(reply_id, LONG_AGO, dispatch_id, option, replied_at)


def status_of(rows: SourceRows, agenda_id: str = "a") -> dict[str, object]:
    """The row of agenda_status of one agenda."""
    (row,) = [
        row
        for row in publish(rows, AS_OF, KNOWN_ERRORS)["agenda_status"]
        if row["agenda_id"] == agenda_id
    ]
    return row


def test_rows_have_the_fields_of_the_contract() -> None:
    assert [table.name for table in SOURCE_TABLES] == [one.name for one in fields(SourceRows)]
    for table in SOURCE_TABLES:
        row_class = getattr(source, "".join(map(str.title, table.name.split("_"))))
        assert [one.name for one in fields(row_class)] == [one.name for one in table.columns]


def test_published_rows_have_the_columns_of_the_specification(rows: SourceRows) -> None:
    rows.agenda = [agenda()]
    rows.passive_contact = [PassiveContact("x", LONG_AGO, "c", None, "other", LONG_AGO)]
    published = publish(rows, AS_OF, KNOWN_ERRORS)
    assert published.keys() == COLUMNS.keys()
    for table, of_table in published.items():
        for row in of_table:
            assert tuple(row) == columns_of(table)


def test_r3_the_newest_version_by_as_of_else_the_earliest_known(rows: SourceRows) -> None:
    day = [date(2026, 11, number) for number in range(1, 6)]
    rows.agenda = [
        replace(agenda("known", day[0]), updated_at=at(seconds=1)),
        replace(agenda("known", day[1]), updated_at=AS_OF),
        replace(agenda("known", day[2]), updated_at=AS_OF + SECOND),
        replace(agenda("early", day[3]), updated_at=AS_OF + SECOND),
        replace(agenda("early", day[4]), updated_at=AS_OF + 2 * SECOND),
        replace(agenda("born later"), created_at=AS_OF + timedelta(microseconds=1)),
    ]
    published = publish(rows, AS_OF, KNOWN_ERRORS)["agenda_status"]
    assert {row["agenda_id"]: row["contact_date"] for row in published} == {
        "known": day[1],
        "early": day[3],
    }


@pytest.mark.parametrize(
    ("zone", "day", "first"),
    [
        ("America/Sao_Paulo", date(2026, 11, 20), datetime(2026, 11, 20, 3, tzinfo=UTC)),
        # 00:00 became 01:00: the day began at 01:00 -02:00.
        ("America/Sao_Paulo", date(2018, 11, 4), datetime(2018, 11, 4, 3, tzinfo=UTC)),
        # 01:00 became 00:00: midnight came twice, first in summer time.
        ("America/Havana", date(2026, 11, 1), datetime(2026, 11, 1, 4, tzinfo=UTC)),
        # 00:01 became 23:01 of the day before: the day began, and began again.
        ("America/St_Johns", date(2010, 11, 7), datetime(2010, 11, 7, 2, 30, tzinfo=UTC)),
        ("Pacific/Kiritimati", date(2026, 1, 1), datetime(2025, 12, 31, 10, tzinfo=UTC)),
    ],
)
def test_local_midnight_is_the_first_instant_of_the_date(
    zone: str, day: date, first: datetime
) -> None:
    assert local_midnight(day, zone) == first


def test_r3_whole_days_are_elapsed_hours_also_where_clocks_change() -> None:
    # New York, clock forward on 8 March: 47 hours pass between two noons two days apart.
    sent = datetime(2026, 3, 7, 12, tzinfo=ZoneInfo("America/New_York"))
    noon = datetime(2026, 3, 9, 12, tzinfo=ZoneInfo("America/New_York"))
    assert whole_days(sent, noon) == 1
    assert whole_days(sent, noon + HOUR) == 2


@pytest.mark.parametrize(
    ("ddd", "mobile", "key"),
    [
        ("11", "98123-4567", "1181234567"),
        ("(11)", "8123.4567", "1181234567"),
        ("20", "92345-6789", "20923456789"),  # goes on with 2: no ninth digit to drop
        ("11", "3234 5678", "1132345678"),
        ("011", "81234567", None),
        ("11", "8123456", None),
        ("11", "8123456x", None),
        ("1¹", "81234567", None),
        (None, "81234567", None),
        ("11", None, None),
    ],
)
def test_r4_r10_keys_of_clients(ddd: str | None, mobile: str | None, key: str | None) -> None:
    assert client_phone_key(ddd, mobile) == key
    assert valid_phone(ddd, mobile) == (key is not None)


@pytest.mark.parametrize(
    ("number", "key"),
    [
        ("5511981234567", "1181234567"),
        ("+55 (11) 8123-4567", "1181234567"),
        ("11981234567", "1181234567"),
        ("5532345678", "5532345678"),  # 10 digits: 55 is the DDD
        ("55981234567", "5581234567"),  # 11 digits: so it is here
        ("551198123456", "1198123456"),
        ("5411981234567", None),
        ("81234567", None),
        ("BR.11981234567", None),  # a user id
        (None, None),
    ],
)
def test_r10_keys_of_whatsapp_numbers(number: str | None, key: str | None) -> None:
    assert phone_key(number) == key


def test_r15_the_numbers_to_phone() -> None:
    mobile = ("11981234567", "mobile")
    assert numbers_to_phone("(11)", "98123-4567", None) == [mobile]
    assert numbers_to_phone("(11)", "98123-4567", "11 98123 4567") == [mobile]
    assert numbers_to_phone("11", "981234567", "(11) 3234-5678") == [
        mobile,
        ("1132345678", "landline"),
    ]
    assert numbers_to_phone("011", "98123-4567", "1132345678") == [("1132345678", "landline")]
    assert numbers_to_phone(None, None, "3234-5678") == []
    assert numbers_to_phone(None, None, "1132345678 r.2") == []


def test_r5_delivered_after_failure_is_sent_at_the_earliest_time(rows: SourceRows) -> None:
    rows.agenda = [agenda()]
    rows.dispatch = [
        dispatch(
            "d", at(hours=9), failed_at=at(hours=8), delivered_at=at(hours=6), sent_at=at(hours=7)
        )
    ]
    assert status_of(rows)["whatsapp_status"] == "sent"
    assert status_of(rows)["last_sent_at"] == at(hours=7)
    rows.dispatch = [replace(rows.dispatch[0], delivered_at=AS_OF + SECOND, error_code="200")]
    assert status_of(rows)["whatsapp_status"] == "other"
    assert status_of(rows)["whatsapp_cause"] == "account"


def test_r6_consent_is_the_clients_in_any_company(rows: SourceRows) -> None:
    rows.company.append(Company("c2", "Outra"))
    rows.agenda = [agenda(), replace(agenda("b"), company_id="c2")]
    rows.dispatch = [replace(dispatch("d", at(days=9)), agenda_id="b")]
    rows.reply = [reply("r1", "opt_in", at(days=1)), reply("r2", "opt_out", at(days=1))]
    assert status_of(rows)["whatsapp_status"] == "opted_out"
    rows.reply.append(reply("r3", "opt_in", at(days=1)))
    assert status_of(rows)["whatsapp_status"] == "other"
    rows.reply.append(reply("r4", "opt_out", AS_OF + SECOND))
    assert status_of(rows)["whatsapp_status"] == "other"


def test_r7_a_booking_cancelled_at_its_deadline_is_a_no_show(rows: SourceRows) -> None:
    rows.agenda = [agenda()]
    deadline = at(hours=1)
    rows.booking = [booking("b", cancelled_at=deadline)]
    published = publish(rows, AS_OF, KNOWN_ERRORS)
    (row,) = published["agenda_status"]
    assert (row["no_show_kind"], row["no_show_at"], row["cycle_start"]) == (
        *("automatic", deadline),
        deadline,
    )
    assert published["no_show_return"] == []  # it is cancelled already
    rows.booking = [booking("b", cancelled_at=deadline - SECOND)]
    assert status_of(rows)["is_no_show"] is False
    rows.booking = [booking("b", cancelled_at=deadline - SECOND, no_show_at=at(minutes=5))]
    assert status_of(rows)["no_show_kind"] == "manual"


def test_r7_the_cycle_restarts_at_the_greatest_no_show_of_all_bookings(rows: SourceRows) -> None:
    rows.agenda = [agenda()]
    rows.booking = [
        booking("old", scheduled_for=at(days=3)),
        booking("new", created_at=at(hours=2), scheduled_for=AS_OF + DAY),
    ]
    rows.dispatch = [dispatch("d", at(days=4), sent_at=at(days=4))]
    row = status_of(rows)
    assert (row["is_no_show"], row["response"]) == (False, "booked")
    assert row["cycle_start"] == at(days=3) + 2 * HOUR
    rows.booking[1] = replace(rows.booking[1], cancelled_at=at(hours=1))
    row = status_of(rows)
    assert (row["response"], row["whatsapp_status"], row["whatsapp_cause"]) == (
        *("not_sent", "sent"),
        "not_queued",
    )


def test_r8_no_reply_to_the_second(rows: SourceRows) -> None:
    rows.agenda = [agenda()]
    rows.dispatch = [dispatch("d", at(days=9), sent_at=at(days=2))]
    row = status_of(rows)
    assert (row["response"], row["days_without_reply"]) == ("no_reply", 2)
    rows.dispatch = [dispatch("d", at(days=9), sent_at=at(days=2) + SECOND)]
    row = status_of(rows)
    assert (row["response"], row["days_without_reply"]) == ("awaiting_reply", None)


def test_r9_the_list_in_its_order(rows: SourceRows) -> None:
    rows.company = [replace(rows.company[0], dispatch_grace_hours=Decimal(9))]
    yesterday, tomorrow = date(2026, 11, 19), date(2026, 11, 21)
    rows.agenda = [
        agenda("b"),
        agenda("B"),
        agenda("y", yesterday),
        agenda("t", tomorrow),
        agenda(),
    ]
    rows.dispatch = [dispatch("d", at(days=9), sent_at=at(days=3))]
    rows.reply = [reply("r", "call_me", at(days=2))]
    rows.call_attempt = [
        CallAttempt("t0", LONG_AGO, "a", "u", at(hours=1), "void"),
        CallAttempt("t1", LONG_AGO, "a", "u", at(days=1), "busy"),
        CallAttempt("t2", LONG_AGO, "a", "u", at(days=1), "no_answer"),
        CallAttempt("t3", LONG_AGO, "a", "u", AS_OF + SECOND, "booked"),
    ]
    published = publish(rows, AS_OF, KNOWN_ERRORS)
    listed = sorted(published["call_list"], key=lambda row: str(row["position"]))
    assert [row["agenda_id"] for row in listed] == ["a", "y", "B", "b"]
    assert [row["since"] for row in listed] == [at(days=2), MIDNIGHT - DAY, MIDNIGHT, MIDNIGHT]
    assert {row["card"] for row in listed} == {1}  # one client
    first = listed[0]
    assert (first["attempts"], first["last_outcome"], first["phone"], first["own_calls"]) == (
        *(2, "no_answer"),
        *("11981234567", 2),
    )
    # 09:00 is nine hours after midnight: a second earlier only yesterday's is due.
    earlier = publish(rows, AS_OF - SECOND, KNOWN_ERRORS)["call_list"]
    assert {row["agenda_id"] for row in earlier} == {"a", "y"}
    assert published["sending_alarm"] == [
        {
            "company_id": "c",
            "cause": cause,
            "agenda_count": count,
            "client_count": clients,
            "oldest_since": since,
            "as_of": AS_OF,
        }
        for cause, count, clients, since in (("not_queued", 3, 1, MIDNIGHT - DAY),)
    ]


def test_r9_a_reply_of_someone_opted_out_is_phoned_as_not_sent(rows: SourceRows) -> None:
    rows.agenda = [agenda()]
    rows.dispatch = [dispatch("d", at(days=9), sent_at=at(days=9))]
    rows.reply = [reply("r", "opt_out", at(days=2))]
    row = status_of(rows)
    assert (row["response"], row["whatsapp_status"]) == ("replied", "sent")
    assert (row["call_reason"], row["call_detail"]) == ("not_sent", "opted_out")


def test_r10_the_ninth_digit_and_who_is_taken(rows: SourceRows) -> None:
    rows.client.append(replace(rows.client[0], client_id="q", mobile="81234567"))
    rows.vehicle = [Vehicle("v", LONG_AGO, "q", None, None, True)]
    rows.agenda = [replace(agenda(), created_at=AS_OF + SECOND)]
    rows.booking = [booking("b", cancelled_at=at(days=1))]
    rows.passive_contact = [
        PassiveContact("x", LONG_AGO, "c", "5511981234567", "book", AS_OF, "a", "b")
    ]
    (row,) = publish(rows, AS_OF, KNOWN_ERRORS)["passive_contact_status"]
    assert (row["client_id"], row["is_ambiguous"]) == ("q", True)
    assert (row["bucket"], row["booking_id"], row["agenda_id"]) == ("booking_registered", "b", None)


def test_r12_nothing_sent_today(rows: SourceRows) -> None:
    rows.company = [replace(rows.company[0], dispatch_grace_hours=Decimal(9))]
    rows.agenda = [agenda("a"), agenda("b"), replace(agenda("no client"), client_id=None)]
    rows.dispatch = [dispatch("d", at(days=1))]
    alarms = publish(rows, AS_OF, KNOWN_ERRORS)["sending_alarm"]
    assert {row["cause"]: row["agenda_count"] for row in alarms} == {
        "queued": 1,
        "not_queued": 1,
        "nothing_sent": 2,
    }
    assert publish(rows, AS_OF - SECOND, KNOWN_ERRORS)["sending_alarm"] == []


def test_r13_what_is_due(rows: SourceRows) -> None:
    rows.agenda = [agenda()]

    def due() -> list[object]:
        return [row["purpose"] for row in publish(rows, AS_OF, KNOWN_ERRORS)["dispatch_due"]]

    assert due() == ["first_contact"]
    failures = [
        dispatch(f"d{hours}", at(hours=hours), failed_at=at(hours=hours), error_code="131000")
        for hours in (4, 3, 2)
    ]
    rows.dispatch = failures[:2]
    assert due() == ["first_contact"]
    rows.dispatch = failures
    assert due() == []
    rows.booking = [booking("b", no_show_at=at(hours=3))]
    assert due() == ["no_show"]  # the failure of four hours ago is of the cycle before
    rows.dispatch = [*failures, dispatch("z", at(days=8))]
    assert due() == []  # one is pending


def test_r3_a_passive_contact_corrected_to_another_company_is_one_row(rows: SourceRows) -> None:
    rows.company.append(Company("c2", "Outra"))
    first = PassiveContact("x", LONG_AGO, "c", None, "other", LONG_AGO)
    rows.passive_contact = [first, replace(first, updated_at=AS_OF, company_id="c2")]
    (row,) = publish(rows, AS_OF, KNOWN_ERRORS)["passive_contact_status"]
    assert row["company_id"] == "c2"
    (row,) = publish(rows, AS_OF - SECOND, KNOWN_ERRORS)["passive_contact_status"]
    assert row["company_id"] == "c"
