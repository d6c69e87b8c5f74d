"""The rows of a delivery after the cast: one dataclass per table of the source contract.

Belongs here: names and types, nothing else. A field is null as None. `test_reading.py` holds the
fields against the contract's columns.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Company:
    """A dealership and its parameters; None is the default of the specification."""

    company_id: str
    name: str
    timezone: str | None = None
    no_reply_days: int | None = None
    no_show_hours: Decimal | None = None
    dispatch_grace_hours: Decimal | None = None
    call_rest_hours: Decimal | None = None
    max_call_attempts: int | None = None


@dataclass(frozen=True, slots=True)
class AppUser:
    """A user."""

    user_id: str
    login: str
    full_name: str
    role: str
    company_id: str
    active: bool


@dataclass(frozen=True, slots=True)
class UserCompany:
    """A company a user may see beside the home company."""

    user_id: str
    company_id: str


@dataclass(frozen=True, slots=True)
class Team:
    """A team."""

    team_id: str
    company_id: str
    name: str
    is_service_desk: bool


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign."""

    campaign_id: str
    name: str
    active: bool


@dataclass(frozen=True, slots=True)
class EventType:
    """An event type of a campaign."""

    event_type_id: str
    campaign_id: str
    name: str


@dataclass(frozen=True, slots=True)
class LossReason:
    """A reason for refusing."""

    loss_reason_id: str
    name: str


@dataclass(frozen=True, slots=True)
class ChatbotOption:
    """A button of the chatbot."""

    option_id: str
    event_type_id: str | None
    label: str
    action: str
    loss_reason_id: str | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """A version of a client."""

    client_id: str
    updated_at: datetime
    name: str
    ddd: str | None
    mobile: str | None
    landline: str | None
    email: str | None
    accepts_messages: bool
    accepts_calls: bool | None = None


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A version of a vehicle."""

    vehicle_id: str
    updated_at: datetime
    client_id: str
    plate: str | None
    model: str | None
    active: bool


@dataclass(frozen=True, slots=True)
class Agenda:
    """A version of an agenda."""

    agenda_id: str
    updated_at: datetime
    company_id: str
    client_id: str | None
    vehicle_id: str | None
    event_type_id: str
    team_id: str | None
    agent_id: str | None
    origin: str
    contact_date: date
    created_at: datetime
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A version of a dispatch."""

    dispatch_id: str
    updated_at: datetime
    agenda_id: str
    purpose: str
    queued_at: datetime
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    read_at: datetime | None = None
    failed_at: datetime | None = None
    error_code: str | None = None
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class Booking:
    """A version of a booking."""

    booking_id: str
    updated_at: datetime
    agenda_id: str
    channel: str
    created_at: datetime
    scheduled_for: datetime
    confirmed_at: datetime | None = None
    arrived_at: datetime | None = None
    cancelled_at: datetime | None = None
    no_show_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A version of a reply."""

    reply_id: str
    updated_at: datetime
    dispatch_id: str
    option_id: str
    replied_at: datetime


@dataclass(frozen=True, slots=True)
class PassiveContact:
    """A version of a passive contact."""

    contact_id: str
    updated_at: datetime
    company_id: str
    whatsapp_number: str | None
    menu_option: str
    contacted_at: datetime
    agenda_id: str | None = None
    booking_id: str | None = None
    handled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CallAttempt:
    """A version of a phone call."""

    attempt_id: str
    updated_at: datetime
    agenda_id: str
    user_id: str
    called_at: datetime
    outcome: str
    call_back_at: datetime | None = None
    loss_reason_id: str | None = None
    note: str | None = None


@dataclass(slots=True)
class SourceRows:
    """Every accepted row of the source, all versions; a field per table of the contract."""

    company: list[Company] = field(default_factory=list)
    app_user: list[AppUser] = field(default_factory=list)
    user_company: list[UserCompany] = field(default_factory=list)
    team: list[Team] = field(default_factory=list)
    campaign: list[Campaign] = field(default_factory=list)
    event_type: list[EventType] = field(default_factory=list)
    loss_reason: list[LossReason] = field(default_factory=list)
    chatbot_option: list[ChatbotOption] = field(default_factory=list)
    client: list[Client] = field(default_factory=list)
    vehicle: list[Vehicle] = field(default_factory=list)
    agenda: list[Agenda] = field(default_factory=list)
    dispatch: list[Dispatch] = field(default_factory=list)
    booking: list[Booking] = field(default_factory=list)
    reply: list[Reply] = field(default_factory=list)
    passive_contact: list[PassiveContact] = field(default_factory=list)
    call_attempt: list[CallAttempt] = field(default_factory=list)
