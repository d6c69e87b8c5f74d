"""R3: what is known as of one instant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Protocol, TypeVar

from tests.oracle.local_time import local_date, utc
from tests.oracle.rows import (
    Agenda,
    Booking,
    CallAttempt,
    ChatbotOption,
    Client,
    Company,
    Dispatch,
    PassiveContact,
    Reply,
    SourceRows,
)


class Version(Protocol):
    """A row of an entity table."""

    @property
    def updated_at(self) -> datetime:
        """When this version was written."""


Row = TypeVar("Row", bound=Version)
Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class Parameters:
    """A company's parameters, with the defaults of section 2 in place."""

    zone: str
    no_reply_days: int
    no_show_hours: Decimal
    dispatch_grace_hours: Decimal
    call_rest_hours: Decimal
    max_call_attempts: int | None


@dataclass(frozen=True, slots=True)
class World:
    """Everything that exists as of one instant, found by key or by what it belongs to."""

    as_of: datetime
    parameters: dict[str, Parameters]
    campaign_of_event_type: dict[str, str]
    options: dict[str, ChatbotOption]
    clients: dict[str, Client]
    client_versions: dict[str, list[Client]]
    active_vehicles: frozenset[str]
    companies_of_user: dict[str, frozenset[str]]
    owners_of_active_vehicles: frozenset[str]
    agendas: dict[str, Agenda]
    agendas_of_client: dict[str, list[Agenda]]
    bookings: dict[str, Booking]
    bookings_of_agenda: dict[str, list[Booking]]
    dispatches_of_agenda: dict[str, list[Dispatch]]
    replies_of_agenda: dict[str, list[Reply]]
    attempts_of_agenda: dict[str, list[CallAttempt]]
    passive_contacts: list[PassiveContact]

    def zone(self, company_id: str) -> str:
        """The time zone of a company."""
        return self.parameters[company_id].zone

    def is_today_or_before(self, agenda: Agenda) -> bool:
        """Whether the contact date is not after the local date of as_of."""
        return agenda.contact_date <= local_date(self.as_of, self.zone(agenda.company_id))


def in_force(versions: Iterable[Row], key: Callable[[Row], str], as_of: datetime) -> dict[str, Row]:
    """R3. By key, the version with the greatest updated_at ≤ as_of, else the earliest known."""
    by_key = grouped(versions, key)
    return {name: _version_in_force(of_key, as_of) for name, of_key in by_key.items()}


def _version_in_force(versions: list[Row], as_of: datetime) -> Row:
    known = [version for version in versions if version.updated_at <= as_of]
    if known:
        return max(known, key=lambda version: version.updated_at)
    return min(versions, key=lambda version: version.updated_at)


def happened(instant: datetime | None, as_of: datetime) -> datetime | None:
    """R3. The instant of an event, or None when it is later than as_of."""
    return instant if instant is not None and instant <= as_of else None


def grouped(things: Iterable[Thing], key: Callable[[Thing], str]) -> dict[str, list[Thing]]:
    """The things by their key."""
    groups: dict[str, list[Thing]] = defaultdict(list)
    for thing in things:
        groups[key(thing)].append(thing)
    return groups


def world_as_of(rows: SourceRows, as_of: datetime) -> World:
    """R3. The source as of that instant."""
    as_of = utc(as_of)
    clients = in_force(rows.client, lambda row: row.client_id, as_of)
    vehicles = in_force(rows.vehicle, lambda row: row.vehicle_id, as_of).values()
    dispatches = in_force(rows.dispatch, lambda row: row.dispatch_id, as_of)
    agendas = _existing_agendas(rows, as_of)
    bookings = _existing_bookings(rows, as_of)
    replies = [
        reply
        for reply in in_force(rows.reply, lambda row: row.reply_id, as_of).values()
        if reply.replied_at <= as_of
    ]
    return World(
        as_of=as_of,
        parameters={company.company_id: parameters_of(company) for company in rows.company},
        campaign_of_event_type={row.event_type_id: row.campaign_id for row in rows.event_type},
        options={row.option_id: row for row in rows.chatbot_option},
        clients=clients,
        client_versions={
            client_id: sorted(
                (one for one in versions if one.updated_at <= clients[client_id].updated_at),
                key=lambda one: one.updated_at,
            )
            for client_id, versions in grouped(rows.client, lambda row: row.client_id).items()
        },
        active_vehicles=frozenset(vehicle.vehicle_id for vehicle in vehicles if vehicle.active),
        owners_of_active_vehicles=frozenset(
            vehicle.client_id for vehicle in vehicles if vehicle.active
        ),
        companies_of_user=_companies_of_active_users(rows),
        agendas=agendas,
        agendas_of_client=grouped(
            (agenda for agenda in agendas.values() if agenda.client_id is not None),
            lambda agenda: agenda.client_id or "",
        ),
        bookings=bookings,
        bookings_of_agenda=grouped(bookings.values(), lambda row: row.agenda_id),
        dispatches_of_agenda=grouped(
            _existing_dispatches(dispatches.values(), as_of), lambda row: row.agenda_id
        ),
        # A reply counts by its own time alone, so its dispatch need not be queued yet.
        replies_of_agenda=grouped(replies, lambda row: dispatches[row.dispatch_id].agenda_id),
        attempts_of_agenda=grouped(_existing_attempts(rows, as_of), lambda row: row.agenda_id),
        passive_contacts=[
            replace(contact, handled_at=happened(contact.handled_at, as_of))
            for contact in in_force(
                rows.passive_contact, lambda row: row.contact_id, as_of
            ).values()
            if contact.contacted_at <= as_of
        ],
    )


def parameters_of(company: Company) -> Parameters:
    """Section 2. The company's parameters, defaults applied."""

    def given(value: Decimal | None, default: int) -> Decimal:
        return Decimal(default) if value is None else value

    return Parameters(
        zone=company.timezone or "America/Sao_Paulo",
        no_reply_days=2 if company.no_reply_days is None else company.no_reply_days,
        no_show_hours=given(company.no_show_hours, 2),
        dispatch_grace_hours=given(company.dispatch_grace_hours, 12),
        call_rest_hours=given(company.call_rest_hours, 3),
        max_call_attempts=company.max_call_attempts,
    )


def _existing_agendas(rows: SourceRows, as_of: datetime) -> dict[str, Agenda]:
    return {
        agenda_id: replace(agenda, closed_at=happened(agenda.closed_at, as_of))
        for agenda_id, agenda in in_force(rows.agenda, lambda row: row.agenda_id, as_of).items()
        if agenda.created_at <= as_of
    }


def _existing_bookings(rows: SourceRows, as_of: datetime) -> dict[str, Booking]:
    return {
        booking_id: replace(
            booking,
            confirmed_at=happened(booking.confirmed_at, as_of),
            arrived_at=happened(booking.arrived_at, as_of),
            cancelled_at=happened(booking.cancelled_at, as_of),
            no_show_at=happened(booking.no_show_at, as_of),
        )
        for booking_id, booking in in_force(rows.booking, lambda row: row.booking_id, as_of).items()
        if booking.created_at <= as_of
    }


def _existing_dispatches(dispatches: Iterable[Dispatch], as_of: datetime) -> list[Dispatch]:
    return [
        replace(
            dispatch,
            sent_at=happened(dispatch.sent_at, as_of),
            delivered_at=happened(dispatch.delivered_at, as_of),
            read_at=happened(dispatch.read_at, as_of),
            failed_at=happened(dispatch.failed_at, as_of),
        )
        for dispatch in dispatches
        if dispatch.queued_at <= as_of
    ]


def _existing_attempts(rows: SourceRows, as_of: datetime) -> list[CallAttempt]:
    """Section 2. Calls taken back do not exist; the outcome says which further columns count."""
    return [
        replace(
            attempt,
            call_back_at=attempt.call_back_at if attempt.outcome == "call_back" else None,
            loss_reason_id=attempt.loss_reason_id if attempt.outcome == "refused" else None,
        )
        for attempt in in_force(rows.call_attempt, lambda row: row.attempt_id, as_of).values()
        if attempt.called_at <= as_of and attempt.outcome != "void"
    ]


def _companies_of_active_users(rows: SourceRows) -> dict[str, frozenset[str]]:
    """R16. The companies that each active user may see."""
    return {
        user.user_id: frozenset(
            {user.company_id}
            | {one.company_id for one in rows.user_company if one.user_id == user.user_id}
        )
        for user in rows.app_user
        if user.active
    }
