"""The workload and results of each team, agent or company."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import psycopg
from psycopg import sql

from reports import formats, labels
from reports.filters import Filters
from reports.pages.funnels import Steps
from reports.pages.history import DAYS
from reports.paths import list_file
from reports.queries import call_list_counts
from reports.queries.call_list_counts import ListCount
from reports.view_model import Share


class Measure(NamedTuple):
    """A count of one team and agent, either of which may be None.

    `subject` is the table or funnel that it comes from, `code` which of its counts.
    """

    company_id: str
    team_id: str | None
    team_name: str | None
    agent_id: str | None
    agent_name: str | None
    subject: str
    code: str
    amount: int


@dataclass(frozen=True, slots=True)
class Work:
    """The open work, and the results of the contact dates of the last 30 days."""

    active: int
    call_requested: int
    no_reply: int
    not_sent: int
    waiting: int
    called: int
    contacts: int
    booked: Share
    came: Share
    refused: int
    unanswered: int

    @property
    def to_call(self) -> int:
        """The number of clients to call, the sum over the three reasons."""
        return self.call_requested + self.no_reply + self.not_sent


@dataclass(frozen=True, slots=True)
class WorkLine:
    """One team or agent, with the link to the agent's call list."""

    name: str
    href: str | None
    work: Work


@dataclass(frozen=True, slots=True)
class Workload:
    """All lines of one kind, and their sum."""

    lines: tuple[WorkLine, ...]
    whole: Work


# Each branch reads a table once. Open work is of all contact dates; results are of those in the
# last days up to today. A call counts for the caller, whoever the agenda's agent is.
_MEASURES = """
with counted as (

    select
        totalizer.company_id,
        totalizer.team_id,
        totalizer.agent_id,
        'total' as subject,
        totalizer.totalizer as code,
        sum(totalizer.agenda_count)::bigint as agenda_count
    from totalizer
    inner join company on company.company_id = totalizer.company_id
    where
        {of_totalizer}
        and (
            totalizer.totalizer = 'active'
            or (
                totalizer.totalizer in ('refused', 'no_reply')
                and totalizer.contact_date > company.local_date - %(days)s
                and totalizer.contact_date <= company.local_date
            )
        )
    group by totalizer.company_id, totalizer.team_id, totalizer.agent_id, totalizer.totalizer
    union all
    select
        funnel.company_id,
        funnel.team_id,
        funnel.agent_id,
        funnel.funnel as subject,
        funnel.step as code,
        sum(funnel.agenda_count)::bigint as agenda_count
    from funnel
    inner join company on company.company_id = funnel.company_id
    where
        {of_funnel}
        and funnel.contact_date > company.local_date - %(days)s
        and funnel.contact_date <= company.local_date
    group by funnel.company_id, funnel.team_id, funnel.agent_id, funnel.funnel, funnel.step
    union all
    select
        call_list.company_id,
        agenda_status.team_id,
        call_list.agent_id,
        'call' as subject,
        call_list.call_reason as code,
        count(*) as agenda_count
    from call_list
    inner join company on company.company_id = call_list.company_id
    inner join agenda_status
        on agenda_status.company_id = call_list.company_id
        and agenda_status.agenda_id = call_list.agenda_id
    where {of_agenda}
    group by
        call_list.company_id, agenda_status.team_id, call_list.agent_id, call_list.call_reason
    union all
    select
        call_waiting.company_id,
        agenda_status.team_id,
        call_waiting.agent_id,
        'call' as subject,
        'waiting' as code,
        count(*) as agenda_count
    from call_waiting
    inner join company on company.company_id = call_waiting.company_id
    inner join agenda_status
        on agenda_status.company_id = call_waiting.company_id
        and agenda_status.agenda_id = call_waiting.agenda_id
    where {of_agenda}
    group by call_waiting.company_id, agenda_status.team_id, call_waiting.agent_id
    union all
    select
        phone_call.company_id,
        agenda_status.team_id,
        phone_call.user_id as agent_id,
        'call' as subject,
        'called' as code,
        count(*) as agenda_count
    from phone_call
    inner join company on company.company_id = phone_call.company_id
    inner join agenda_status
        on agenda_status.company_id = phone_call.company_id
        and agenda_status.agenda_id = phone_call.agenda_id
    where
        {of_agenda}
        and phone_call.call_date = company.local_date
    group by phone_call.company_id, agenda_status.team_id, phone_call.user_id

)

select
    counted.company_id,
    counted.team_id,
    team.name as team_name,
    counted.agent_id,
    app_user.full_name as agent_name,
    counted.subject,
    counted.code,
    counted.agenda_count
from counted
left join team on team.team_id = counted.team_id
left join app_user on app_user.user_id = counted.agent_id
"""


def find_workload(conn: psycopg.Connection, filters: Filters) -> list[Measure]:
    """Read the counts of every team and agent."""
    of_totalizer = filters.of_agendas("totalizer")
    query = sql.SQL(_MEASURES).format(
        of_totalizer=of_totalizer.text,
        of_funnel=filters.of_agendas("funnel").text,
        of_agenda=filters.of_agendas("agenda_status").text,
    )
    rows = conn.execute(query, {**of_totalizer.parameters, "days": DAYS})
    return [Measure._make(row) for row in rows]


def steps(measures: Iterable[Measure]) -> Steps:
    """Add up the funnel steps of all teams and agents."""
    counts: Counter[tuple[str, str]] = Counter()
    for measure in measures:
        if measure.subject in labels.FUNNELS:
            counts[measure.subject, measure.code] += measure.amount
    return counts


def work_of(measures: Iterable[Measure]) -> Work:
    """Add up the counts."""
    counts: Counter[tuple[str, str]] = Counter()
    for measure in measures:
        counts[measure.subject, measure.code] += measure.amount
    contacts = counts["contact", "agendas"]
    return Work(
        active=counts["total", "active"],
        call_requested=counts["call", "call_requested"],
        no_reply=counts["call", "no_reply"],
        not_sent=counts["call", "not_sent"],
        waiting=counts["call", "waiting"],
        called=counts["call", "called"],
        contacts=contacts,
        booked=Share(
            counts["contact", "booked"] + counts["contact", "booked_without_reply"], contacts
        ),
        came=Share(counts["contact", "came"] + counts["contact", "came_without_reply"], contacts),
        refused=counts["total", "refused"],
        unanswered=counts["total", "no_reply"],
    )


def by_team(measures: Sequence[Measure]) -> Workload:
    """Build a line for each team that has any count, with "Sem equipe" last."""
    names = {m.team_id: m.team_name or m.team_id for m in measures if m.team_id is not None}
    groups = _grouped(measures, lambda measure: measure.team_id)
    lines = [WorkLine(names[team], None, work_of(groups[team])) for team in _in_order(names)]
    if None in groups:
        lines.append(WorkLine(labels.WITHOUT_TEAM, None, work_of(groups[None])))
    return Workload(tuple(lines), work_of(measures))


def by_agent(measures: Sequence[Measure], call_lists: Iterable[ListCount]) -> Workload:
    """Build a line for each agent with a call list or any count, with "Sem agente" last."""
    names = {m.agent_id: m.agent_name or m.agent_id for m in measures if m.agent_id is not None}
    listed = {entry.agent_id: entry.name for entry in call_lists}
    names |= {agent: name for agent, name in listed.items() if agent is not None}
    groups = _grouped(measures, lambda measure: measure.agent_id)
    lines = [
        WorkLine(
            names[agent], list_file(agent) if agent in listed else None, work_of(groups[agent])
        )
        for agent in _in_order(names)
    ]
    lines.append(WorkLine(call_list_counts.title(None, ""), list_file(None), work_of(groups[None])))
    return Workload(tuple(lines), work_of(measures))


def by_company(measures: Iterable[Measure]) -> dict[str, Work]:
    """Add up the counts of each company that has any."""
    groups = _grouped(measures, lambda measure: measure.company_id)
    return {company_id: work_of(found) for company_id, found in groups.items() if company_id}


def _grouped(
    measures: Iterable[Measure], key: Callable[[Measure], str | None]
) -> dict[str | None, list[Measure]]:
    groups: dict[str | None, list[Measure]] = defaultdict(list)
    for measure in measures:
        groups[key(measure)].append(measure)
    return groups


def _in_order(names: Mapping[str, str]) -> list[str]:
    return sorted(names, key=lambda identifier: (formats.name_order(names[identifier]), identifier))
