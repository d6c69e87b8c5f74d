"""The existing call lists and the number of clients on each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import psycopg
from psycopg import sql

from reports import formats, labels
from reports.filters import Filters
from reports.name_disambiguation import with_distinct_names


class ListCount(NamedTuple):
    """The number of rows of a call list by reason (R9), and of clients who are waiting.

    `agent_id` None is "Sem agente".
    """

    agent_id: str | None
    name: str
    call_requested: int
    no_reply: int
    not_sent: int
    waiting: int = 0

    @property
    def total(self) -> int:
        """The number of clients to call, the sum over the three reasons."""
        return self.call_requested + self.no_reply + self.not_sent


# A list for every agent with rows and for every active attendant of the company. An agent who was
# removed from `app_user` is shown by id.
_LISTS = """
with counted as (

    select
        call_list.company_id,
        call_list.agent_id,
        call_list.call_reason as reason
    from call_list
    where {call_list}
    union all
    select
        call_waiting.company_id,
        call_waiting.agent_id,
        'waiting' as reason
    from call_waiting
    where {call_waiting}

), listed as (

    select
        company_id,
        agent_id,
        count(*) filter (where reason = 'call_requested') as call_requested,
        count(*) filter (where reason = 'no_reply') as no_reply,
        count(*) filter (where reason = 'not_sent') as not_sent,
        count(*) filter (where reason = 'waiting') as waiting
    from counted
    group by company_id, agent_id

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
    coalesce(listed.not_sent, 0) as not_sent,
    coalesce(listed.waiting, 0) as waiting
from lists
left join listed
    on listed.company_id = lists.company_id and listed.agent_id = lists.agent_id
left join app_user on app_user.user_id = lists.agent_id
union all
select company_id, null, '', call_requested, no_reply, not_sent, waiting
from listed
where agent_id is null
"""


def find_call_lists(conn: psycopg.Connection, filters: Filters) -> dict[str, list[ListCount]]:
    """Read the call lists of each company, ordered by name.

    "Sem agente" is included only if it has rows; see `with_unassigned`.
    """
    attendants = filters.of_agents("attendants")
    query = sql.SQL(_LISTS).format(
        call_list=filters.of_agents("call_list").text,
        call_waiting=filters.of_agents("call_waiting").text,
        attendants_condition=attendants.text,
    )
    companies: dict[str, list[ListCount]] = defaultdict(list)
    for company_id, *entry in conn.execute(query, attendants.parameters):
        companies[company_id].append(ListCount._make(entry))
    for entries in companies.values():
        shown = dict(
            with_distinct_names((one.agent_id, one.name) for one in entries if one.agent_id)
        )
        entries[:] = [one._replace(name=shown.get(one.agent_id or "", "")) for one in entries]
        entries.sort(key=lambda entry: (formats.name_order(entry.name), entry.agent_id or ""))
    return dict(companies)


def with_unassigned(lists: Iterable[ListCount]) -> tuple[ListCount, ...]:
    """Return the lists of a company with "Sem agente" last, even if it is empty."""
    entries = tuple(lists)
    unassigned = [entry for entry in entries if entry.agent_id is None]
    return (
        *(entry for entry in entries if entry.agent_id is not None),
        *(unassigned or [ListCount(None, "", 0, 0, 0)]),
    )


def title(agent_id: str | None, name: str) -> str:
    """Return the title of a call list: its agent's name."""
    return labels.UNASSIGNED_LIST if agent_id is None else name
