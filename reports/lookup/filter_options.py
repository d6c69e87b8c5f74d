"""The options of the filters (R14) that a user may see."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import psycopg

from reports import formats, labels
from reports.lookup import lookup_labels
from reports.lookup.filter_params import DAYS, WITHOUT_AGENT, FilterParams, agent_value
from reports.lookup.users import User
from reports.lookup.view_model import Choice
from reports.name_disambiguation import with_distinct_names


class FilterOptions(NamedTuple):
    """The options in the order of the form; an empty list is not shown."""

    companies: tuple[Choice, ...]
    days: tuple[Choice, ...]
    campaigns: tuple[Choice, ...]
    event_types: tuple[Choice, ...]
    teams: tuple[Choice, ...]
    agents: tuple[Choice, ...]


# An ended campaign is listed only when it is selected.
_CAMPAIGNS = """
select campaign_id, name
from campaign
where active or campaign_id = %(chosen)s
"""
# The agents of a company, and all who have rows there, whatever their company is now. A loose index
# scan, because a company has many rows in `totalizer` and few agents.
_AGENTS = """
with recursive working as (

    select min(agent_id) as agent_id
    from totalizer
    where company_id = %(company_id)s

    union all

    select (
        select min(totalizer.agent_id)
        from totalizer
        where
            totalizer.company_id = %(company_id)s
            and totalizer.agent_id > working.agent_id
    )
    from working
    where working.agent_id is not null

)

select
    working.agent_id,
    coalesce(app_user.full_name, working.agent_id)
from working
left join app_user on app_user.user_id = working.agent_id
where working.agent_id is not null

union

select user_id, full_name
from app_user
where
    company_id = %(company_id)s
    or exists (
        select from user_company
        where user_company.user_id = app_user.user_id and user_company.company_id = %(company_id)s
    )
"""


def find_filter_options(
    conn: psycopg.Connection, user: User, chosen: FilterParams
) -> FilterOptions:
    """Find the options: event types of the selected campaign, teams and agents of the company.

    Args:
        conn: A connection that reads the published tables.
        user: The signed-in user; only managers get agents.
        chosen: The current selection.

    Returns:
        The options, with the selected ones marked.
    """
    companies = conn.execute("select company_id, name from company").fetchall()
    campaigns = conn.execute(_CAMPAIGNS, {"chosen": chosen.campaign_id}).fetchall()
    event_types = conn.execute(
        "select event_type_id, name from event_type where campaign_id = %s", [chosen.campaign_id]
    ).fetchall()
    teams = conn.execute(
        "select team_id, name from team where company_id = %s and is_service_desk",
        [chosen.company_id],
    ).fetchall()
    return FilterOptions(
        _choices(companies, chosen.company_id),
        tuple(Choice(day, lookup_labels.DAYS[day], day == chosen.day) for day in DAYS),
        _choices(campaigns, chosen.campaign_id),
        _choices(event_types, chosen.event_type_id),
        _choices(teams, chosen.team_id),
        _agents(conn, chosen) if user.is_manager else (),
    )


def _agents(conn: psycopg.Connection, chosen: FilterParams) -> tuple[Choice, ...]:
    found = conn.execute(_AGENTS, {"company_id": chosen.company_id}).fetchall()
    named = _choices(found, chosen.agent_id, agent_value)
    return (*named, Choice(WITHOUT_AGENT, labels.UNASSIGNED_LIST, chosen.without_agent))


def _choices(
    offered: Iterable[tuple[str, str]],
    chosen: str | None,
    value: Callable[[str], str] = lambda key: key,
) -> tuple[Choice, ...]:
    in_order = sorted(
        with_distinct_names(offered), key=lambda one: (formats.name_order(one[1]), one[0])
    )
    return tuple(Choice(value(key), text, key == chosen) for key, text in in_order)
