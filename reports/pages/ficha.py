"""The Ficha page: everything known about an agenda and its client."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import ClassVar, NamedTuple

from reports import formats, labels, phrases
from reports.pages import ficha_history
from reports.pages.ficha_history import TimelineEvent
from reports.paths import INDEX, ficha_anchor
from reports.phrases import CallPhrases, Phone, Standing
from reports.queries.agendas import AgendaRow
from reports.queries.companies import Company
from reports.queries.ficha import FichaFacts, OtherRow
from reports.view_model import Identity, Link, Page


class Neighbours(NamedTuple):
    """The links from a Ficha to its list and to the previous and following Fichas."""

    back: Link | None = None
    previous: str = ""
    following: str = ""


ALONE = Neighbours()


class Vehicle(NamedTuple):
    """A vehicle of the client."""

    words: str
    is_active: bool
    is_of_agenda: bool


class OtherAgenda(NamedTuple):
    """Another agenda of the client."""

    contact_date: date
    event_type: str
    response: str


class Ficha(NamedTuple):
    """One formatted agenda."""

    anchor: str
    client: str
    standing: Standing
    phone: Phone | None
    without_phone: bool
    attempts: str
    mobile: str
    landline: str
    email: str
    consent: str
    vehicles: tuple[Vehicle, ...]
    agenda_id: str
    contact_date: date
    campaign: str
    event_type: str
    team: str
    agent: str
    origin: str
    state: str
    whatsapp: str
    response: str
    totals: tuple[str, ...]
    history: tuple[TimelineEvent, ...]
    others: tuple[OtherAgenda, ...]
    further: int
    neighbours: Neighbours


@dataclass(frozen=True, slots=True, kw_only=True)
class FichaPage(Page):
    """One Ficha, or those of a part of a list, shown one at a time.

    `range` says which part of how many Fichas; it is empty for a single one.
    """

    template: ClassVar[str] = "ficha.html"

    company_name: str
    range: str
    fichas: tuple[Ficha, ...]


def build_ficha_page(
    company: Company,
    title: str,
    fichas: Sequence[Ficha],
    *,
    trail: tuple[Link, ...] = (),
    of_which: str = "",
    identities: tuple[Identity, ...] = (),
) -> FichaPage:
    """Build a page with Fichas.

    Args:
        company: The company.
        title: The title of the page.
        fichas: The Fichas.
        trail: Links between the company's report and this page.
        of_which: The text of `FichaPage.range`.
        identities: Identities to add to the company's proof.

    Returns:
        The page.
    """
    return FichaPage(
        title=title,
        trail=(*company.trail, Link(company.name, INDEX), *trail),
        up=company.up,
        stamp=company.stamp,
        proof=company.proof.with_identities(*identities),
        company_name=company.name,
        range=of_which,
        fichas=tuple(fichas),
    )


def build_ficha(said: CallPhrases, facts: FichaFacts, neighbours: Neighbours = ALONE) -> Ficha:
    """Build the Ficha of one agenda.

    Args:
        said: The phrases of the agenda.
        facts: Related rows, which must include the agenda's.
        neighbours: The links to its list and to adjacent Fichas.

    Returns:
        The Ficha.
    """
    row = said.row
    key = row.agenda_id
    others = facts.others.get(key, ())
    return Ficha(
        anchor=ficha_anchor(key),
        client=said.client,
        standing=said.standing,
        phone=said.phone,
        without_phone=row.call_position is not None and said.phone is None,
        attempts=said.attempts,
        mobile=f"{row.ddd or ''} {row.mobile or ''}".strip() or labels.NOT_GIVEN,
        landline=row.landline or labels.NOT_GIVEN,
        email=row.email or labels.NOT_GIVEN,
        consent=_consent(row),
        vehicles=tuple(
            [
                Vehicle(
                    phrases.vehicle(one.model, one.plate),
                    one.active,
                    one.vehicle_id == row.vehicle_id,
                )
                for one in facts.vehicles.get(row.client_id or "", ())
            ]
        ),
        agenda_id=key,
        contact_date=row.contact_date,
        campaign=row.campaign,
        event_type=row.event_type,
        team=row.team or labels.WITHOUT_TEAM,
        agent=row.agent or labels.UNASSIGNED_LIST,
        origin=labels.ORIGINS.get(row.origin, row.origin),
        state=phrases.state_of(row),
        whatsapp=phrases.message_of(row),
        response=phrases.response_of(row),
        totals=tuple([_total(code, bucket) for _, code, bucket in facts.totals.get(key, ())])
        or (labels.NO_TOTALS,),
        history=ficha_history.build_timeline(facts.history.get(key, ())),
        others=tuple([_other(other) for other in others]),
        further=others[0].in_all - len(others) if others else 0,
        neighbours=neighbours,
    )


@lru_cache(maxsize=256)
def _total(totalizer: str, bucket: str) -> str:
    words = labels.TOTALIZERS.get(totalizer, totalizer)
    return f"{words}: {labels.bucket_label(totalizer, bucket)}"


def _consent(row: AgendaRow) -> str:
    words = labels.CONSENT.get((bool(row.is_opted_out), row.consent_origin or ""))
    if words is None:
        return labels.NOT_AVAILABLE
    return words.format(moment=formats.moment(row.consent_at) if row.consent_at else "")


def _other(other: OtherRow) -> OtherAgenda:
    words = labels.RESPONSES.get(other.response, other.response)
    state = labels.STATE_OPEN if other.is_open else labels.STATE_CLOSED
    return OtherAgenda(other.contact_date, other.event_type, f"{words} · {state}")
