"""Writes rows of entity tables, with earlier versions for some.

Times are seconds of local time (`clock.py`). Times after `as_of` are written as empty fields; 0
means never.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.demo.clock import DATES, HOUR, MINUTE, Clock
from orchestration.demo.delivery_files import DeliveryFiles
from orchestration.demo.fields import csv_field
from orchestration.demo.group import Attendant, DemoCompany
from orchestration.demo.names import CALL_NOTES, FAILURES
from orchestration.demo.people import Client
from orchestration.demo.rng import Rng

_NOTES = {outcome: tuple(map(csv_field, notes)) for outcome, notes in CALL_NOTES.items()}
_FAILURES = {
    cause: tuple(f"{code},{csv_field(message)}" for code, message in failures)
    for cause, failures in FAILURES.items()
}
_SEVERAL_VERSIONS = 0.08


@dataclass(slots=True)
class Agenda:
    """An agenda being simulated; its own row is written last."""

    agenda_id: str
    company: DemoCompany
    client: Client | None
    vehicle_id: str
    event_type_id: str
    team_id: str
    agent: Attendant | None
    origin: str
    contact_day: int
    created: int
    no_shows: int = 0

    @property
    def clock(self) -> Clock:
        """The wall clock of its company."""
        return self.company.clock


class Events:
    """Writes rows and assigns ids."""

    def __init__(self, files: DeliveryFiles, dice: Rng) -> None:
        self.dice = dice
        self._agenda = files.rows("agenda").append
        self._dispatch = files.rows("dispatch").append
        self._booking = files.rows("booking").append
        self._reply = files.rows("reply").append
        self._contact = files.rows("passive_contact").append
        self._attempt = files.rows("call_attempt").append
        self.agendas = 0
        self.dispatches = 0
        self.bookings = 0
        self.replies = 0
        self.contacts = 0
        self.attempts = 0

    def next_agenda_id(self) -> str:
        """Return the next agenda id."""
        self.agendas += 1
        return f"A{self.agendas:08d}"

    def agenda(self, agenda: Agenda, closed: int = 0) -> None:
        """Write an agenda, and for some the version before it was assigned or moved."""
        clock = agenda.clock
        created = clock.text(agenda.created)
        client = agenda.client
        head = (
            f"{agenda.company.company_id},{client.client_id if client else ''},"
            f"{agenda.vehicle_id},{agenda.event_type_id},{agenda.team_id},"
        )
        updated = created
        closed_text = clock.text_or_empty(closed)
        draw = self.dice.random()
        if closed_text:
            updated = closed_text
            earlier = draw < 0.3
        else:
            assigned = agenda.created + 4 * HOUR
            earlier = draw < 0.2 and assigned <= clock.now
            if earlier:
                updated = clock.text(assigned)
        if earlier and closed != agenda.created:
            day = agenda.contact_day + 7 if draw < 0.02 else agenda.contact_day
            self._agenda(
                f"{agenda.agenda_id},{created},{head},{agenda.origin},{DATES[day]},{created},\n"
            )
        self._agenda(
            f"{agenda.agenda_id},{updated},{head}{agenda.agent.user_id if agenda.agent else ''},"
            f"{agenda.origin},{DATES[agenda.contact_day]},{created},{closed_text}\n"
        )

    def dispatch(
        self,
        agenda: Agenda,
        queued: int,
        *,
        sent: int = 0,
        delivered: int = 0,
        read: int = 0,
        failed: int = 0,
        cause: str = "",
        purpose: str = "first_contact",
    ) -> str:
        """Write a dispatch.

        Args:
            agenda: Its agenda.
            queued: When it was queued.
            sent: When it was sent.
            delivered: When it was delivered.
            read: When it was read.
            failed: When it failed.
            cause: The cause of failure, a key of `FAILURES`.
            purpose: `first_contact` or `no_show`.

        Returns:
            The dispatch id.
        """
        self.dispatches += 1
        dispatch_id = f"D{self.dispatches:08d}"
        clock = agenda.clock
        now = clock.now
        last = queued
        for at in (sent, delivered, read, failed):
            if last < at <= now:
                last = at
        queued_text = clock.text(queued)
        head = f"{agenda.agenda_id},{purpose},{queued_text},"
        if last > queued and self.dice.random() < _SEVERAL_VERSIONS:
            self._dispatch(f"{dispatch_id},{queued_text},{head},,,,,\n")
        failed_text = clock.text_or_empty(failed)
        failure = self.dice.pick(_FAILURES[cause]) if failed_text else ","
        self._dispatch(
            f"{dispatch_id},{clock.text(last)},{head}{clock.text_or_empty(sent)},"
            f"{clock.text_or_empty(delivered)},{clock.text_or_empty(read)},{failed_text},{failure}\n"
        )
        return dispatch_id

    def reply(self, agenda: Agenda, dispatch_id: str, at: int, option_id: str) -> None:
        """Write a reply.

        Args:
            agenda: The agenda of the dispatch.
            dispatch_id: The dispatch replied to.
            at: When the client replied.
            option_id: The chatbot option.
        """
        self.replies += 1
        text = agenda.clock.text(at)
        self._reply(f"R{self.replies:08d},{text},{dispatch_id},{option_id},{text}\n")

    def booking(
        self,
        agenda: Agenda,
        channel: str,
        created: int,
        scheduled: int,
        *,
        confirmed: int = 0,
        arrived: int = 0,
        cancelled: int = 0,
        no_show: int = 0,
    ) -> str:
        """Write a booking.

        Args:
            agenda: Its agenda.
            channel: `leadzap`, `phone` or `front_desk`.
            created: When it was made.
            scheduled: The booked time.
            confirmed: When it was confirmed.
            arrived: When the client arrived.
            cancelled: When it was cancelled.
            no_show: When it was marked as a no-show by hand.

        Returns:
            The booking id.
        """
        self.bookings += 1
        booking_id = f"B{self.bookings:08d}"
        clock = agenda.clock
        now = clock.now
        last = created
        for at in (confirmed, arrived, cancelled, no_show):
            if last < at <= now:
                last = at
        created_text = clock.text(created)
        head = f"{agenda.agenda_id},{channel},{created_text},{clock.text(scheduled)},"
        if last > created and self.dice.random() < 2 * _SEVERAL_VERSIONS:
            self._booking(f"{booking_id},{created_text},{head},,,\n")
        self._booking(
            f"{booking_id},{clock.text(last)},{head}{clock.text_or_empty(confirmed)},"
            f"{clock.text_or_empty(arrived)},{clock.text_or_empty(cancelled)},"
            f"{clock.text_or_empty(no_show)}\n"
        )
        return booking_id

    def passive_contact(
        self,
        company: DemoCompany,
        whatsapp_number: str,
        menu_option: str,
        at: int,
        agenda_id: str = "",
        booking_id: str = "",
        *,
        handled: int = 0,
    ) -> None:
        """Write a contact that a client or lead began.

        Args:
            company: The company.
            whatsapp_number: The number as LEADZAP reports it.
            menu_option: `book`, `service_orders` or `other`.
            at: When the message came.
            agenda_id: The agenda made from it, if any.
            booking_id: The booking made from it, if any.
            handled: When somebody answered.
        """
        self.contacts += 1
        clock = company.clock
        text, handled_text = clock.text(at), clock.text_or_empty(handled)
        self._contact(
            f"P{self.contacts:08d},{handled_text or text},{company.company_id},{whatsapp_number},"
            f"{menu_option},{text},{agenda_id},{booking_id},{handled_text}\n"
        )

    def attempt(
        self,
        agenda: Agenda,
        at: int,
        outcome: str,
        *,
        call_back: int = 0,
        loss_reason_id: str = "",
        taken_back: bool = False,
    ) -> None:
        """Write a phone call, recorded minutes later.

        Args:
            agenda: Its agenda.
            at: When the call was made.
            outcome: A code of `call_attempt.outcome`.
            call_back: When the client wants to be called again.
            loss_reason_id: Why the client refused.
            taken_back: Whether the call was recorded by mistake.
        """
        self.attempts += 1
        clock = agenda.clock
        caller = agenda.agent or agenda.company.attendants[0]
        noted = min(at + 5 * MINUTE, clock.now)
        attempt_id = f"T{self.attempts:08d}"
        head = f"{agenda.agenda_id},{caller.user_id},{clock.text(at)},"
        # A call-back is a plan, which may lie after `now`.
        self._attempt(
            f"{attempt_id},{clock.text(noted)},{head}{outcome},"
            f"{clock.text(call_back) if call_back else ''},{loss_reason_id},"
            f"{self.dice.pick(_NOTES[outcome])}\n"
        )
        if taken_back:
            self._attempt(f"{attempt_id},{clock.text(noted + MINUTE)},{head}void,,,\n")
