"""The manager's day of one company: is sending well, what are the totals, where are the lists.

Belongs here: the page, the alarm of R12 and the index of the call lists. Does not: the totals
(`totals.py`), nor when there is an alarm (R12 is SQL).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, NamedTuple

import psycopg
from psycopg import sql

from reports import formats, labels
from reports.filters import Filters
from reports.pages import totals
from reports.pages.company import Company
from reports.pages.page import Link, Page, Share
from reports.pages.totals import Counts, Total
from reports.paths import list_file


class Alarm(NamedTuple):
    """R12: why messages do not go out, for how many agendas, since when, and where to look."""

    words: str
    agenda_count: int
    since: datetime | None
    job: str


class AlarmCount(NamedTuple):
    """A row of `sending_alarm`, its time local."""

    cause: str
    agenda_count: int
    oldest_since: datetime | None


class ListCount(NamedTuple):
    """How many rows a call list has, by the reason of R9. `agent_id` None is "Sem agente"."""

    agent_id: str | None
    name: str
    call_requested: int
    no_reply: int
    not_sent: int


@dataclass(frozen=True, slots=True)
class ListEntry:
    """A call list in the index of lists."""

    link: Link
    call_requested: int
    no_reply: int
    not_sent: int

    @property
    def total(self) -> int:
        """The rows of the list are the rows of its three reasons."""
        return self.call_requested + self.no_reply + self.not_sent


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerDay(Page):
    """The page of one company at one instant."""

    template: ClassVar[str] = "manager_day.html"

    today: date
    alarms: tuple[Alarm, ...]
    sent_today: Share
    totals: tuple[Total, ...]
    lists: tuple[ListEntry, ...]

    @property
    def on_the_lists(self) -> int:
        """All rows of all call lists of the company."""
        return sum(entry.total for entry in self.lists)


_ALARMS = """
select
    sending_alarm.company_id,
    sending_alarm.cause,
    sending_alarm.agenda_count,
    sending_alarm.oldest_since at time zone company.timezone as oldest_since
from sending_alarm
inner join company on company.company_id = sending_alarm.company_id
where {condition}
order by sending_alarm.company_id, sending_alarm.agenda_count desc, sending_alarm.cause
"""

# A list for every agent with rows, and one for every active attendant of the company. An agent
# who was dropped from `app_user` keeps the list and is shown by id.
_LISTS = """
with listed as (

    select
        call_list.company_id,
        call_list.agent_id,
        count(*) filter (where call_list.call_reason = 'call_requested') as call_requested,
        count(*) filter (where call_list.call_reason = 'no_reply') as no_reply,
        count(*) filter (where call_list.call_reason = 'not_sent') as not_sent
    from call_list
    inner join agenda_status
        on agenda_status.company_id = call_list.company_id
        and agenda_status.agenda_id = call_list.agenda_id
    inner join company on company.company_id = call_list.company_id
    where {condition}
    group by call_list.company_id, call_list.agent_id

), attendants as (

    select company_id, user_id as agent_id
    from app_user
    where active and role = 'attendant'

), lists as (

    select company_id, agent_id from listed where agent_id is not null
    union
    select company_id, agent_id from attendants where {attendants_condition}

)

select
    lists.company_id,
    lists.agent_id,
    coalesce(app_user.full_name, lists.agent_id) as name,
    coalesce(listed.call_requested, 0) as call_requested,
    coalesce(listed.no_reply, 0) as no_reply,
    coalesce(listed.not_sent, 0) as not_sent
from lists
left join listed
    on listed.company_id = lists.company_id and listed.agent_id = lists.agent_id
left join app_user on app_user.user_id = lists.agent_id
union all
select company_id, null, '', call_requested, no_reply, not_sent
from listed
where agent_id is null
"""


def find_alarms(conn: psycopg.Connection, filters: Filters) -> dict[str, list[AlarmCount]]:
    """The alarms of each company that has any, the largest first."""
    condition = filters.of_companies("sending_alarm")
    query = sql.SQL(_ALARMS).format(condition=condition.text)
    companies: dict[str, list[AlarmCount]] = defaultdict(list)
    for company_id, *alarm in conn.execute(query, condition.parameters):
        companies[company_id].append(AlarmCount._make(alarm))
    return dict(companies)


def find_lists(conn: psycopg.Connection, filters: Filters) -> dict[str, list[ListCount]]:
    """The call lists of each company in the order of names; every company has a "Sem agente"
    when its page is built, here only where it has rows.
    """
    condition = filters.of_agendas("agenda_status")
    attendants = filters.of_agents("attendants")
    query = sql.SQL(_LISTS).format(condition=condition.text, attendants_condition=attendants.text)
    companies: dict[str, list[ListCount]] = defaultdict(list)
    for company_id, *entry in conn.execute(query, condition.parameters):
        companies[company_id].append(ListCount._make(entry))
    for entries in companies.values():
        entries.sort(key=lambda entry: (formats.name_order(entry.name), entry.agent_id or ""))
    return dict(companies)


def with_unassigned(lists: Iterable[ListCount]) -> tuple[ListCount, ...]:
    """The lists of a company with "Sem agente" last, which is there even when it is empty."""
    entries = tuple(lists)
    unassigned = [entry for entry in entries if entry.agent_id is None]
    return (
        *(entry for entry in entries if entry.agent_id is not None),
        *(unassigned or [ListCount(None, "", 0, 0, 0)]),
    )


def build(
    company: Company,
    counts: Counts,
    loss_reasons: Mapping[str, str],
    alarms: Sequence[AlarmCount],
    lists: Sequence[ListCount],
) -> ManagerDay:
    """Label everything and link the lists."""
    return ManagerDay(
        title=company.name,
        trail=company.trail,
        stamp=company.stamp,
        today=company.local_date,
        alarms=tuple(_alarm(alarm) for alarm in alarms),
        sent_today=totals.sent_today(counts),
        totals=totals.build(counts, loss_reasons),
        lists=tuple(_entry(entry) for entry in lists),
    )


def list_title(agent_id: str | None, name: str) -> str:
    """What a call list is called: its agent's name."""
    return labels.UNASSIGNED_LIST if agent_id is None else name


def _alarm(alarm: AlarmCount) -> Alarm:
    cause = labels.cause(alarm.cause)
    return Alarm(cause.words, alarm.agenda_count, alarm.oldest_since, cause.job)


def _entry(entry: ListCount) -> ListEntry:
    return ListEntry(
        Link(list_title(entry.agent_id, entry.name), list_file(entry.agent_id)),
        entry.call_requested,
        entry.no_reply,
        entry.not_sent,
    )
