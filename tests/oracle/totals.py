"""R11 and R12: counts over agendas and passive contacts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime

from tests.oracle.agenda_rules import Reading, grace_end
from tests.oracle.failure_causes import RECIPIENTS
from tests.oracle.local_time import local_date, local_midnight
from tests.oracle.passive_rules import PassiveReading
from tests.oracle.rows import Booking
from tests.oracle.world import World

Row = dict[str, object]
_DIMENSIONS = ("campaign_id", "event_type_id", "team_id", "agent_id")
_TOTALIZER_KEY = (
    "company_id",
    "contact_date",
    *_DIMENSIONS,
    "totalizer",
    "bucket",
    "bucket_detail",
)
_HISTORY_KEY = ("snapshot_date", "company_id", "totalizer", "bucket")


def totalizer_row(
    world: World, agendas: list[Reading], contacts: list[PassiveReading]
) -> list[Row]:
    """R11. The rows that each total counts."""
    return [
        *(
            {
                "company_id": one.agenda.company_id,
                "totalizer": name,
                "row_id": one.agenda.agenda_id,
                "agenda_id": one.agenda.agenda_id,
                "contact_date": one.agenda.contact_date,
                **_named_dimensions(world, one.agenda.agenda_id),
                "client_id": one.agenda.client_id,
                "bucket": bucket,
                "bucket_detail": other_detail(world, one) if name == "active" else None,
                "as_of": world.as_of,
            }
            for one in agendas
            for name, bucket in totalizers_of(world, one)
        ),
        *(
            {
                "company_id": one.contact.company_id,
                "totalizer": "passive",
                "row_id": one.contact.contact_id,
                "agenda_id": one.agenda_id,
                "contact_date": local_date(
                    one.contact.contacted_at, world.zone(one.contact.company_id)
                ),
                **_named_dimensions(world, one.agenda_id),
                "client_id": one.client_id,
                "bucket": one.bucket,
                "bucket_detail": None,
                "as_of": world.as_of,
            }
            for one in contacts
        ),
    ]


def totalizer(rows: list[Row]) -> list[Row]:
    """R11. How many rows each total counts by every dimension, those above zero."""
    counted = Counter((*(row[name] for name in _TOTALIZER_KEY), row["as_of"]) for row in rows)
    return [
        {**dict(zip(_TOTALIZER_KEY, key, strict=True)), "agenda_count": count, "as_of": as_of}
        for (*key, as_of), count in counted.items()
    ]


def _named_dimensions(world: World, agenda_id: str | None) -> Row:
    return dict(zip(_DIMENSIONS, dimensions(world, agenda_id), strict=True))


def dimensions(
    world: World, agenda_id: str | None
) -> tuple[str | None, str | None, str | None, str | None]:
    """Campaign, event type, team and agent of an agenda; nothing without an agenda."""
    if agenda_id is None:
        return (None, None, None, None)
    agenda = world.agendas[agenda_id]
    campaign_id = world.campaign_of_event_type[agenda.event_type_id]
    return (campaign_id, agenda.event_type_id, agenda.team_id, agenda.agent_id)


def totalizers_of(world: World, one: Reading) -> Iterator[tuple[str, str]]:
    """R11. The totalizers an agenda counts in, and the bucket in each."""
    if one.no_show is not None:
        yield "no_show", one.no_show.kind
    if one.agenda.origin != "active":
        return
    if one.response == "refused":
        yield "refused", one.loss_reason_id or "unspecified"
    if one.response == "booked":
        assert one.latest_booking
        yield "booked", booked_bucket(world, one.latest_booking)
    if not one.is_open:
        return
    yield "active", one.status
    if one.response == "call_requested":
        yield "call_requested", "call_requested"
    if one.response == "replied":
        yield "replied", "unfinished_booking" if one.reply_action == "book" else "other"
    if one.days_without_reply is not None:
        yield "no_reply", "3+" if one.days_without_reply >= 3 else str(one.days_without_reply)


def booked_bucket(world: World, booking: Booking) -> str:
    """R11. How far the booking has come."""
    if booking.arrived_at is not None:
        return "arrived"
    if booking.confirmed_at is not None:
        return "confirmed"
    return "to_confirm" if booking.scheduled_for > world.as_of else "unattended"


def other_detail(world: World, one: Reading) -> str | None:
    """R11. Why an open active agenda with status `other` has had no message."""
    if not (one.is_open and one.agenda.origin == "active" and one.status == "other"):
        return None
    if not world.is_today_or_before(one.agenda):
        return "future"
    if one.response != "not_sent":
        return "not_needed"
    if one.cause in RECIPIENTS:
        return "recipient"
    company_id = one.agenda.company_id
    midnight = local_midnight(one.agenda.contact_date, world.zone(company_id))
    in_grace = grace_end(world, company_id, midnight, one.cycle_start) > world.as_of
    return "in_grace" if in_grace else "failure"


def history(totals: list[Row], snapshot_date: date, as_of: datetime) -> list[Row]:
    """Section 4. The day's set of the history: the totals by company, totalizer and bucket."""
    counted: Counter[tuple[object, ...]] = Counter()
    for row in totals:
        count = row["agenda_count"]
        assert isinstance(count, int)
        key = (snapshot_date, row["company_id"], row["totalizer"], row["bucket"])
        counted[key] += count
    return [
        {**dict(zip(_HISTORY_KEY, key, strict=True)), "agenda_count": count, "as_of": as_of}
        for key, count in counted.items()
    ]


def sending_alarm(world: World, agendas: list[Reading]) -> list[Row]:
    """R12. Agendas due for a call although a message should have reached them, by cause."""
    since: dict[tuple[str, str], list[datetime]] = {}
    clients: dict[tuple[str, str], set[str | None]] = {}
    for one in agendas:
        if one.due and one.due.reason == "not_sent" and one.due.detail == "other":
            assert one.cause is not None
            if one.cause not in RECIPIENTS:
                key = one.agenda.company_id, one.cause
                since.setdefault(key, []).append(one.due.since)
                clients.setdefault(key, set()).add(one.agenda.client_id)
    for company_id in world.parameters:
        of_today, midnight = nothing_sent(world, agendas, company_id)
        if of_today:
            since[company_id, "nothing_sent"] = [midnight] * len(of_today)
            clients[company_id, "nothing_sent"] = {one.agenda.client_id for one in of_today}
    return [
        {
            "company_id": company_id,
            "cause": cause,
            "agenda_count": len(times),
            "client_count": len(clients[company_id, cause] - {None}),
            "oldest_since": min(times),
            "as_of": world.as_of,
        }
        for (company_id, cause), times in since.items()
    ]


def nothing_sent(
    world: World, agendas: list[Reading], company_id: str
) -> tuple[list[Reading], datetime]:
    """R12. Today's agendas that could be sent when none was; and today's midnight."""
    zone = world.zone(company_id)
    today = local_date(world.as_of, zone)
    midnight = local_midnight(today, zone)
    of_today = [
        one
        for one in agendas
        if one.agenda.company_id == company_id
        and one.agenda.origin == "active"
        and one.is_open
        and one.agenda.contact_date == today
        and one.status in ("sent", "other")
    ]
    too_early = grace_end(world, company_id, midnight, None) > world.as_of
    any_sent = any(one.status == "sent" for one in of_today)
    return ([] if too_early or any_sent else of_today), midnight
