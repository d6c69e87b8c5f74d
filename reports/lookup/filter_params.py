"""The filter selection of the screen, read from and written to the query string.

A value that the user may not see gives 404. A value that belongs to another campaign or company
than the selected one, which was changed after it, is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, TypeVar
from urllib.parse import urlencode

import psycopg
from psycopg import sql
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from reports import labels
from reports.filters import Access, DateRange, Filters
from reports.lookup.users import User

PATH = "/"
Day = Literal["hoje", "ontem", "intervalo", "todas"]
Code = TypeVar("Code", bound=str)
DAYS: tuple[Day, ...] = ("hoje", "ontem", "intervalo", "todas")
WITHOUT_AGENT = "-"
_LONGEST_ID = 64
_LONGEST_NUMBER = 6

# Whether an agent belongs to a company or has rows there; and whether the user may see the agent
# at all.
_AGENT = """
select
    exists (select from app_user where user_id = %(agent_id)s and company_id = %(company_id)s)
    or exists (
        select from user_company where user_id = %(agent_id)s and company_id = %(company_id)s
    )
    or exists (select from totalizer where agent_id = %(agent_id)s and company_id = %(company_id)s),
    exists (select from app_user where user_id = %(agent_id)s)
    or exists (select from totalizer where agent_id = %(agent_id)s)
"""


@dataclass(frozen=True, slots=True)
class FilterParams:
    """A selection that the user may make. `bucket` None is the whole total; pages start at 1."""

    company_id: str
    day: Day = "hoje"
    first: date | None = None
    last: date | None = None
    campaign_id: str | None = None
    event_type_id: str | None = None
    team_id: str | None = None
    agent_id: str | None = None
    without_agent: bool = False
    total: str = "active"
    bucket: str | None = None
    page: int = 1

    def filters(self, access: Access) -> Filters:
        """Return the filters of R14."""
        return Filters(
            access=access,
            company_id=self.company_id,
            contact_dates={
                "hoje": "today",
                "ontem": "yesterday",
                "intervalo": DateRange(self.first, self.last),
                "todas": None,
            }[self.day],  # type: ignore[arg-type]
            campaign_id=self.campaign_id,
            event_type_id=self.event_type_id,
            team_id=self.team_id,
            agent_id=self.agent_id,
            without_agent=self.without_agent,
        )

    def of(self, total: str, bucket: str | None = None) -> FilterParams:
        """Return the same filters with the rows of another total, or of one of its buckets."""
        return replace(self, total=total, bucket=bucket, page=1)

    def at(self, page: int) -> FilterParams:
        """Return the same selection on another page."""
        return replace(self, page=page)

    def address(self, path: str = PATH) -> str:
        """Return the URL of the selection."""
        fields = {
            "empresa": self.company_id,
            "contato": self.day,
            "de": self.first.isoformat() if self.first else None,
            "ate": self.last.isoformat() if self.last else None,
            "campanha": self.campaign_id,
            "evento": self.event_type_id,
            "equipe": self.team_id,
            "atendente": WITHOUT_AGENT if self.without_agent else agent_value(self.agent_id),
            "total": self.total,
            "parte": self.bucket,
            "pagina": str(self.page) if self.page > 1 else None,
        }
        return f"{path}?{urlencode({name: value for name, value in fields.items() if value})}"


def agent_value(agent_id: str | None) -> str:
    """Return an agent's value in the query string, escaping ids that begin like "no agent"."""
    if agent_id and agent_id.startswith(WITHOUT_AGENT):
        return WITHOUT_AGENT + agent_id
    return agent_id or ""


def read_filter_params(conn: psycopg.Connection, user: User, asked: QueryParams) -> FilterParams:
    """Parse and validate the query string.

    Args:
        conn: A transaction that sees the user's rows only.
        user: The signed-in user.
        asked: The query parameters.

    Returns:
        The selection.

    Raises:
        HTTPException: 404 if a parameter is malformed or names something that the user may not see.
    """
    company_id = _id(asked, "empresa") or user.home_company_id
    if company_id not in user.company_ids:
        raise HTTPException(404)
    day = _one_of(DAYS, asked.get("contato") or "hoje")
    campaign_id = _id(asked, "campanha")
    if campaign_id is not None:
        _find(conn, "campaign", ("campaign_id",), campaign_id)
    agent_id, without_agent = _agent(conn, user, company_id, _id(asked, "atendente", 1))
    chosen = FilterParams(
        company_id,
        day=day,
        first=_date(asked, "de") if day == "intervalo" else None,
        last=_date(asked, "ate") if day == "intervalo" else None,
        campaign_id=campaign_id,
        event_type_id=_event_type(conn, campaign_id, _id(asked, "evento")),
        team_id=_team(conn, company_id, _id(asked, "equipe")),
        agent_id=agent_id,
        without_agent=without_agent,
        total=_one_of(tuple(labels.TOTALIZERS), asked.get("total") or "active"),
        bucket=_id(asked, "parte"),
    )
    return chosen.at(_page(asked.get("pagina") or "1"))


def _id(asked: QueryParams, name: str, longer: int = 0) -> str | None:
    value = asked.get(name) or None
    if value is not None and (len(value) > _LONGEST_ID + longer or "\0" in value):
        raise HTTPException(404)
    return value


def _one_of(codes: tuple[Code, ...], value: str) -> Code:
    for code in codes:
        if code == value:
            return code
    raise HTTPException(404)


def _date(asked: QueryParams, name: str) -> date | None:
    value = asked.get(name)
    try:
        return date.fromisoformat(value) if value else None
    except ValueError as error:
        raise HTTPException(404) from error


def _page(value: str) -> int:
    if not (value.isascii() and value.isdecimal() and len(value) <= _LONGEST_NUMBER):
        raise HTTPException(404)
    return max(int(value), 1)


def _event_type(
    conn: psycopg.Connection, campaign_id: str | None, event_type_id: str | None
) -> str | None:
    if event_type_id is None:
        return None
    (of_campaign,) = _find(conn, "event_type", ("campaign_id",), event_type_id)
    return event_type_id if of_campaign == campaign_id else None


def _team(conn: psycopg.Connection, company_id: str, team_id: str | None) -> str | None:
    if team_id is None:
        return None
    of_company, is_desk = _find(conn, "team", ("company_id", "is_service_desk"), team_id)
    return team_id if is_desk and of_company == company_id else None


def _agent(
    conn: psycopg.Connection, user: User, company_id: str, value: str | None
) -> tuple[str | None, bool]:
    """Validate the agent; attendants may select only themselves (R14; the filters enforce it
    too).
    """
    if value is None:
        return None, False
    if value == WITHOUT_AGENT:
        if not user.is_manager:
            raise HTTPException(404)
        return None, True
    agent_id = value.removeprefix(WITHOUT_AGENT)
    if not user.is_manager and agent_id != user.user_id:
        raise HTTPException(404)
    found = conn.execute(_AGENT, {"company_id": company_id, "agent_id": agent_id}).fetchone()
    if found is None or not any(found):
        raise HTTPException(404)
    belongs, _ = found
    return (agent_id if belongs else None), False


def _find(
    conn: psycopg.Connection, table: str, columns: tuple[str, ...], value: str
) -> tuple[object, ...]:
    """Read columns of a row that the user may see, by its key; 404 if there is none."""
    query = sql.SQL("select {} from {} where {} = %s").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.Identifier(table),
        sql.Identifier(f"{table}_id"),
    )
    found: tuple[object, ...] | None = conn.execute(query, [value]).fetchone()
    if found is None:
        raise HTTPException(404)
    return found
