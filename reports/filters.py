"""R14: the filters, once, for every page and for the lookup.

A query that takes its condition from here cannot forget whose companies they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from psycopg import sql

ContactDay = Literal["today", "yesterday"]


@dataclass(frozen=True, slots=True)
class Access:
    """Who looks. `company_ids` None is everybody's: the writer of the pages, never a person.

    An attendant is locked to their own agendas: `locked_agent_id` is then their user id.
    """

    company_ids: tuple[str, ...] | None
    locked_agent_id: str | None = None


EVERYTHING = Access(company_ids=None)


class DateRange(NamedTuple):
    """Contact dates from one to another, both included; None leaves that side open."""

    first: date | None
    last: date | None


_Terms = dict[str, tuple[str, object]]
"""By name: the text of a condition on one column, and the value of its parameter, if it has one."""


class Condition(NamedTuple):
    """A SQL condition and its named parameters."""

    text: sql.Composable
    parameters: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Filters:
    """What a reader chose. None is "all"; for campaigns that includes the ended ones.

    `contact_dates` is relative to each company's local date of as_of, or a range.
    `without_agent` asks for the agendas that have none, which only a manager sees.
    """

    access: Access
    company_id: str | None = None
    contact_dates: ContactDay | DateRange | None = None
    campaign_id: str | None = None
    event_type_id: str | None = None
    team_id: str | None = None
    agent_id: str | None = None
    without_agent: bool = False

    def of_companies(self, relation: str) -> Condition:
        """The condition on a relation of which only `company_id` is filtered."""
        return _all_of(relation, self._company_terms())

    def of_agents(self, relation: str) -> Condition:
        """The condition on a relation of which `company_id` and `agent_id` are filtered."""
        return _all_of(relation, self._company_terms() | self._agent_terms())

    def of_agendas(self, relation: str) -> Condition:
        """The condition on a relation with the columns of an agenda (`agenda_status`,
        `totalizer`), in a query that joins `company`.
        """
        chosen = {
            name: (f"{name} = %(filter_{name})s", value)
            for name in ("campaign_id", "event_type_id", "team_id")
            if (value := getattr(self, name)) is not None
        }
        return _all_of(
            relation, self._company_terms() | self._agent_terms() | chosen | self._date_terms()
        )

    def _company_terms(self) -> _Terms:
        terms: _Terms = {}
        if self.access.company_ids is not None:
            allowed = list(self.access.company_ids)
            terms["companies"] = ("company_id = any(%(filter_companies)s)", allowed)
        if self.company_id is not None:
            terms["company_id"] = ("company_id = %(filter_company_id)s", self.company_id)
        return terms

    def _agent_terms(self) -> _Terms:
        terms: _Terms = {}
        if self.agent_id is not None:
            terms["agent_id"] = ("agent_id = %(filter_agent_id)s", self.agent_id)
        if self.without_agent:
            terms["without_agent"] = ("agent_id is null", None)
        if self.access.locked_agent_id is not None:
            own = self.access.locked_agent_id
            terms["locked_agent_id"] = ("agent_id = %(filter_locked_agent_id)s", own)
        return terms

    def _date_terms(self) -> _Terms:
        if isinstance(self.contact_dates, DateRange):
            first, last = self.contact_dates
            terms: _Terms = {}
            if first is not None:
                terms["first_date"] = ("contact_date >= %(filter_first_date)s", first)
            if last is not None:
                terms["last_date"] = ("contact_date <= %(filter_last_date)s", last)
            return terms
        if self.contact_dates is not None:
            return {"contact_day": (_CONTACT_DAY[self.contact_dates], None)}
        return {}


_CONTACT_DAY: dict[ContactDay, str] = {
    "today": "contact_date = company.local_date",
    "yesterday": "contact_date = company.local_date - 1",
}


def contact_day(relation: str, chosen: ContactDay) -> sql.Composable:
    """The condition that a contact is of that day, for counting it beside the others."""
    return _term(relation, _CONTACT_DAY[chosen])


def _term(relation: str, text: str) -> sql.Composable:
    # Every text is a literal of this module; values travel as parameters.
    return sql.SQL(".").join((sql.Identifier(relation), sql.SQL(text)))  # type: ignore[arg-type]


def _all_of(relation: str, terms: _Terms) -> Condition:
    if not terms:
        return Condition(sql.SQL("true"), {})
    return Condition(
        sql.SQL(" and ").join(_term(relation, text) for text, _ in terms.values()),
        {f"filter_{name}": value for name, (_, value) in terms.items() if value is not None},
    )
