"""The filters of R14 as SQL conditions, for every page and for the lookup server.

Every condition restricts the companies, so a query built on one cannot leak other companies' rows.
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
    """The rows that a reader may see.

    `company_ids` is None only for the writer of an edition, never for a person. For an attendant,
    `locked_agent_id` is their own user id and restricts the rows to their agendas.
    """

    company_ids: tuple[str, ...] | None
    locked_agent_id: str | None = None


EVERYTHING = Access(company_ids=None)


class DateRange(NamedTuple):
    """A range of contact dates, both ends included; None leaves that end open."""

    first: date | None
    last: date | None


_Terms = dict[str, tuple[str, object]]
"""By name: a condition on one column, and the value of its parameter or None."""


class Condition(NamedTuple):
    """A SQL condition and its named parameters."""

    text: sql.Composable
    parameters: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters that a reader selected; None means all (for campaigns, including ended ones).

    `contact_dates` is a range, or relative to each company's local date at as_of. `without_agent`
    selects the agendas without an agent, which only managers see.
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
        """Return the condition on a relation that is filtered by `company_id` only."""
        return _all_of(relation, self._company_terms())

    def of_cards(self, relation: str) -> Condition:
        """Return the condition on agendas read one by one, in a query that joins `call_list`.

        An attendant also sees every agenda of a card on their list (R14).
        """
        own = self.access.locked_agent_id
        if own is None:
            return self.of_agents(relation)
        companies = self.of_companies(relation)
        return Condition(
            sql.SQL("{} and %(filter_locked_agent_id)s in ({}, call_list.agent_id)").format(
                companies.text, sql.Identifier(relation, "agent_id")
            ),
            {**companies.parameters, "filter_locked_agent_id": own},
        )

    def of_agents(self, relation: str) -> Condition:
        """Return the condition on a relation that is filtered by `company_id` and `agent_id`."""
        return _all_of(relation, self._company_terms() | self._agent_terms())

    def of_agendas(self, relation: str) -> Condition:
        """Return the condition on a relation with an agenda's columns, in a query that joins
        `company`.
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
    """Return the condition that a row's contact date is that day, for a conditional count."""
    return _term(relation, _CONTACT_DAY[chosen])


def _term(relation: str, text: str) -> sql.Composable:
    # Every text is a literal of this module; values are passed as parameters.
    return sql.SQL(".").join((sql.Identifier(relation), sql.SQL(text)))  # type: ignore[arg-type]


def _all_of(relation: str, terms: _Terms) -> Condition:
    if not terms:
        return Condition(sql.SQL("true"), {})
    return Condition(
        sql.SQL(" and ").join(_term(relation, text) for text, _ in terms.values()),
        {f"filter_{name}": value for name, (_, value) in terms.items() if value is not None},
    )
