"""R19: what was done and what happened on each day, by company and agent."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta

from tests.oracle.agenda_rules import Reading, no_show
from tests.oracle.local_time import local_date
from tests.oracle.world import World

Row = dict[str, object]
Key = tuple[str, date, str | None]
_DAYS = 60
_COUNTS = (
    *("messages_sent", "replies", "bookings_leadzap", "bookings_other", "arrivals", "no_shows"),
    *("calls", "clients_called", "calls_booked"),
)


def day_activity(world: World, agendas: list[Reading]) -> list[Row]:
    """R19. The last 60 local dates, today among them, only rows with anything above zero."""
    counts: Counter[tuple[Key, str]] = Counter()

    def key(one: Reading, at: datetime, agent_id: str | None) -> Key:
        company_id = one.agenda.company_id
        return company_id, local_date(at, world.zone(company_id)), agent_id

    calls: dict[tuple[Key, datetime], set[str]] = defaultdict(set)
    called: dict[Key, set[str]] = defaultdict(set)
    for one in agendas:
        agenda_id, agent_id = one.agenda.agenda_id, one.agenda.agent_id
        events: list[tuple[str, datetime | None]] = []
        events += [("messages_sent", message.sent_at) for message in one.messages]
        events += [
            ("replies", reply.replied_at) for reply in world.replies_of_agenda.get(agenda_id, [])
        ]
        for booking in world.bookings_of_agenda.get(agenda_id, []):
            by_leadzap = booking.channel == "leadzap"
            events += [
                ("bookings_leadzap" if by_leadzap else "bookings_other", booking.created_at),
                ("arrivals", booking.arrived_at),
            ]
            missed = no_show(world, one.agenda, booking)
            events.append(("no_shows", missed.at if missed else None))
        for name, at in events:
            if at is not None:
                counts[key(one, at, agent_id), name] += 1
        for attempt in world.attempts_of_agenda.get(agenda_id, []):
            of = key(one, attempt.called_at, attempt.user_id)
            calls[of, attempt.called_at].add(attempt.outcome)
            if one.agenda.client_id is not None:
                called[of].add(one.agenda.client_id)
    for (of, _), outcomes in calls.items():
        counts[of, "calls"] += 1
        counts[of, "calls_booked"] += "booked" in outcomes
    for of, clients in called.items():
        counts[of, "clients_called"] = len(clients)
    rows: list[Row] = []
    for company_id, day, agent_id in {of for (of, _), count in counts.items() if count}:
        today = local_date(world.as_of, world.zone(company_id))
        if today - timedelta(days=_DAYS) < day <= today:
            of = company_id, day, agent_id
            rows.append(
                {
                    "company_id": company_id,
                    "activity_date": day,
                    "agent_id": agent_id,
                    **{name: counts[of, name] for name in _COUNTS},
                    "as_of": world.as_of,
                }
            )
    return rows
