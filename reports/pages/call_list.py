"""A call list: whom one agent phones, in the order of R9, and why.

Belongs here: the page, its one streamed query for all lists, and the sentences of a row. Does
not: who is on the list and in which order (R9 is SQL).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from operator import attrgetter
from typing import ClassVar, Literal, NamedTuple

import psycopg
from psycopg import sql

from reports import formats, labels
from reports.filters import Filters
from reports.pages.company import Company
from reports.pages.page import Link, Page
from reports.paths import INDEX

_ROWS_A_FETCH = 2000


class ListedAgenda(NamedTuple):
    """A row of `call_list` with what is known of its agenda; every time is local."""

    company_id: str
    agent_id: str | None
    position: int
    agenda_id: str
    call_reason: str
    call_detail: str | None
    since: datetime
    phone: str | None
    attempts: int
    last_attempt_at: datetime | None
    last_outcome: str | None
    contact_date: date
    whatsapp_status: str
    whatsapp_cause: str | None
    last_sent_at: datetime | None
    cycle_start: datetime | None
    replied_at: datetime | None
    days_without_reply: int | None
    client_id: str | None
    client_name: str | None
    vehicle_model: str | None
    vehicle_plate: str | None
    event_type: str
    campaign: str


class Signal(NamedTuple):
    """Whether WhatsApp reached the client, and when, or why not."""

    kind: Literal["sent", "not-sent"]
    text: str


class Phone(NamedTuple):
    """A number to phone and its `tel:` address."""

    text: str
    href: str


class CallRow(NamedTuple):
    """One client to phone, ready to read."""

    position: int
    agenda_id: str
    client: str
    phone: Phone | None
    reason: str
    signal: Signal
    vehicle: str
    event_type: str
    campaign: str
    contact_date: date
    attempts: str


@dataclass(frozen=True, slots=True)
class CallGroup:
    """The rows of one reason; R9 orders by reason first, so a group is a run of positions."""

    code: str
    label: str
    rows: tuple[CallRow, ...]

    @property
    def count(self) -> int:
        """How many clients to phone for this reason."""
        return len(self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallListPage(Page):
    """The list of one agent, or of what has none."""

    template: ClassVar[str] = "call_list.html"

    company_name: str
    groups: tuple[CallGroup, ...]

    @property
    def count(self) -> int:
        """How many clients are on the list."""
        return sum(group.count for group in self.groups)


# One query for all lists of all companies. The company leads every join that it is part of.
_LISTED = """
select
    call_list.company_id,
    call_list.agent_id,
    call_list.position,
    call_list.agenda_id,
    call_list.call_reason,
    call_list.call_detail,
    call_list.since at time zone company.timezone as since,
    call_list.phone,
    call_list.attempts,
    call_list.last_attempt_at at time zone company.timezone as last_attempt_at,
    call_list.last_outcome,
    agenda_status.contact_date,
    agenda_status.whatsapp_status,
    agenda_status.whatsapp_cause,
    agenda_status.last_sent_at at time zone company.timezone as last_sent_at,
    agenda_status.cycle_start at time zone company.timezone as cycle_start,
    agenda_status.replied_at at time zone company.timezone as replied_at,
    agenda_status.days_without_reply,
    agenda_status.client_id,
    client.name as client_name,
    vehicle.model as vehicle_model,
    vehicle.plate as vehicle_plate,
    coalesce(event_type.name, agenda_status.event_type_id) as event_type,
    coalesce(campaign.name, agenda_status.campaign_id) as campaign
from call_list
inner join company on company.company_id = call_list.company_id
inner join agenda_status
    on agenda_status.company_id = call_list.company_id
    and agenda_status.agenda_id = call_list.agenda_id
left join client on client.client_id = agenda_status.client_id
left join vehicle on vehicle.vehicle_id = agenda_status.vehicle_id
left join event_type on event_type.event_type_id = agenda_status.event_type_id
left join campaign on campaign.campaign_id = agenda_status.campaign_id
where {condition}
order by call_list.company_id, call_list.agent_id, call_list.position
"""


def stream(
    conn: psycopg.Connection, filters: Filters
) -> Iterator[tuple[str, str | None, list[ListedAgenda]]]:
    """Company, agent and rows of every list that has rows, one list in memory at a time.

    Needs an open transaction, since the cursor lives on the server.
    """
    condition = filters.of_agendas("agenda_status")
    with conn.cursor(name="call_lists") as cursor:
        cursor.itersize = _ROWS_A_FETCH
        cursor.execute(sql.SQL(_LISTED).format(condition=condition.text), condition.parameters)
        for (company_id, agent_id), rows in groupby(
            map(ListedAgenda._make, cursor), key=attrgetter("company_id", "agent_id")
        ):
            yield company_id, agent_id, list(rows)


def build(company: Company, title: str, rows: Sequence[ListedAgenda]) -> CallListPage:
    """Say each row in words, grouped by reason in the order of the list."""
    return CallListPage(
        title=title,
        trail=(*company.trail, Link(company.name, INDEX)),
        stamp=company.stamp,
        company_name=company.name,
        groups=tuple(_groups(company, rows)),
    )


def _groups(company: Company, rows: Iterable[ListedAgenda]) -> Iterator[CallGroup]:
    for reason, listed in groupby(rows, key=attrgetter("call_reason")):
        yield CallGroup(
            code=reason,
            label=labels.CALL_REASONS.get(reason, reason),
            rows=tuple(_row(company, row) for row in listed),
        )


def _row(company: Company, row: ListedAgenda) -> CallRow:
    return CallRow(
        position=row.position,
        agenda_id=row.agenda_id,
        client=row.client_name or labels.NO_CLIENT,
        phone=Phone(formats.phone(row.phone), formats.phone_link(row.phone)) if row.phone else None,
        reason=reason_of(company, row),
        signal=signal_of(company, row),
        vehicle=_vehicle(row),
        event_type=row.event_type,
        campaign=row.campaign,
        contact_date=row.contact_date,
        attempts=_attempts(company, row),
    )


def signal_of(company: Company, row: ListedAgenda) -> Signal:
    """Whether a message went out, and when. One from before the last no-show does not count as
    this cycle's (R7), but the attendant must know of it.
    """
    if row.last_sent_at is not None:
        sent = formats.recent_moment(row.last_sent_at, company.local_date)
        if row.cycle_start is None or row.last_sent_at >= row.cycle_start:
            return Signal("sent", labels.SIGNAL_SENT.format(sent=sent))
        start = formats.recent_moment(row.cycle_start, company.local_date)
        return Signal("not-sent", labels.SIGNAL_SENT_BEFORE.format(sent=sent, cycle_start=start))
    if row.call_reason == "not_sent":
        return Signal("not-sent", labels.SIGNAL_NOT_SENT)  # its reason says why
    why = _why(row, row.whatsapp_status)
    return Signal("not-sent", labels.SIGNAL_NOT_SENT_WHY.format(why=why))


def reason_of(company: Company, row: ListedAgenda) -> str:
    """Why the client is on the list, in one sentence with its evidence."""
    today = company.local_date
    if row.call_reason == "call_requested":
        return labels.REASON_CALL_REQUESTED.format(since=formats.recent_moment(row.since, today))
    if row.call_reason == "no_reply":
        return labels.REASON_NO_REPLY.format(
            since=formats.recent_moment(row.since, today),
            days=formats.days(row.days_without_reply or 0),
            limit=formats.days(company.no_reply_days),
        )
    if row.replied_at is not None and row.call_detail == "opted_out":
        return labels.REASON_REPLIED_OPTED_OUT.format(
            replied_at=formats.recent_moment(row.replied_at, today)
        )
    why = _why(row, row.call_detail or row.whatsapp_status)
    if row.cycle_start is not None:
        start = formats.recent_moment(row.cycle_start, today)
        return labels.REASON_NOT_SENT_AGAIN.format(cycle_start=start, why=why)
    if row.call_detail == "other":
        grace = formats.hours(company.dispatch_grace_hours)
        return labels.REASON_NOT_SENT_LATE.format(why=why, grace=grace)
    return labels.REASON_NOT_SENT.format(why=why)


def _why(row: ListedAgenda, detail: str) -> str:
    if detail == "invalid_phone" and row.client_id is None:
        return labels.WHY_NO_CLIENT
    if detail == "other" and row.whatsapp_cause is not None:
        return labels.cause(row.whatsapp_cause).words
    return labels.NOT_SENT_DETAIL.get(detail, detail)


def _vehicle(row: ListedAgenda) -> str:
    if row.vehicle_model is None and row.vehicle_plate is None:
        return labels.NO_VEHICLE
    model = row.vehicle_model or labels.NO_MODEL
    return f"{model} · {row.vehicle_plate or labels.NO_PLATE}"


def _attempts(company: Company, row: ListedAgenda) -> str:
    if not row.attempts or row.last_attempt_at is None:
        return labels.ATTEMPTS_NONE
    pattern = labels.ATTEMPTS_ONE if row.attempts == 1 else labels.ATTEMPTS_MANY
    return pattern.format(
        count=formats.number(row.attempts),
        outcome=labels.OUTCOMES.get(row.last_outcome or "", row.last_outcome or ""),
        last=formats.recent_moment(row.last_attempt_at, company.local_date),
    )
