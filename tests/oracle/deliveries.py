"""Random adversarial deliveries, valid in every row, made to sit on the edges of R3–R13."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from hypothesis import strategies as st

from tests.oracle.delivery_parts import CompanyDraft, Draft, PhoneBook, add_reference_tables
from tests.oracle.failure_causes import KNOWN_ERRORS
from tests.oracle.local_time import hours_after, local_date
from tests.oracle.moments import MICROSECOND, SECOND, near, random_as_of
from tests.oracle.rows import (
    Agenda,
    Booking,
    CallAttempt,
    Client,
    Dispatch,
    PassiveContact,
    Reply,
    SourceRows,
    Vehicle,
)

_UNKNOWN_CODES = ("199", "300", "0131026", "131026.0", "999999", "sem sinal", None)
_BOOKINGS = {"booked": (1, 2), "no_show": (1, 2, 3), "mixed": (0, 1), "failing": (0, 0, 1)}
_DISPATCHES = {"quiet": (0,), "failing": (1, 2, 3, 3, 4)}
_OUTCOMES = {
    **{"no_answer": 6, "busy": 4, "wrong_number": 6, "call_back": 9, "booked": 2, "refused": 2},
    **{"do_not_call": 1, "other": 4, "void": 2},
}
_APART = [timedelta(seconds=step) for step in (0, 0, 30, 59, 60, 61)]


@dataclass(frozen=True, slots=True)
class Delivery:
    """Source rows, and the instant to compute for."""

    as_of: datetime
    rows: SourceRows


def random_delivery(seed: int, companies: int = 12, agendas_per_company: int = 60) -> Delivery:
    """The delivery of that seed: the same for the same arguments."""
    dice = Random(seed)
    draft = Draft(dice, random_as_of(dice))
    drafts = add_reference_tables(draft, companies)
    agendas = companies * agendas_per_company
    phones = PhoneBook(dice, numbers=max(2, agendas // 4))
    _add_clients(draft, drafts, phones, count=max(2, agendas // 2))
    for company in drafts:
        for _ in range(agendas_per_company):
            _add_agenda(draft, company)
    for company in drafts:
        for _ in range(max(3, agendas_per_company // 3)):
            _add_passive_contact(draft, company, drafts, phones)
    for row in _tables(draft.rows):
        dice.shuffle(row)
    return Delivery(draft.as_of, draft.rows)


def deliveries() -> st.SearchStrategy[Delivery]:
    """Deliveries of any seed, from a few agendas to a few hundred."""
    return st.builds(
        random_delivery,
        st.integers(0, 2**32 - 1),
        companies=st.integers(4, 14),
        agendas_per_company=st.integers(5, 70),
    )


def _tables(rows: SourceRows) -> list[list[object]]:
    return [getattr(rows, name) for name in SourceRows.__slots__]


def _add_clients(
    draft: Draft, companies: list[CompanyDraft], phones: PhoneBook, count: int
) -> None:
    dice = draft.dice
    edges = companies[0].edges
    for _ in range(count):
        client_id = draft.new_id("client")

        last: list[tuple[str | None, str | None, str | None]] = []

        def client(
            updated_at: datetime,
            client_id: str = client_id,
            last: list[tuple[str | None, str | None, str | None]] = last,
        ) -> Client:
            ddd, mobile = phones.client_phone()
            accepts = draft.chance(0.93)
            # Versions often change nothing of a client's numbers.
            if last and draft.chance(0.5):
                ddd, mobile, landline = last[-1]
            else:
                landline = phones.landline()
            last.append((ddd, mobile, landline))
            return Client(
                *(client_id, updated_at, "Cliente", ddd, mobile, landline, None, accepts),
                dice.choices((None, True, False), (12, 6, 1))[0],
            )

        draft.rows.client += draft.versions(edges, client)
    owners = sorted({row.client_id for row in draft.rows.client})
    for _ in range(count):
        vehicle_id = draft.new_id("vehicle")

        def vehicle(updated_at: datetime, vehicle_id: str = vehicle_id) -> Vehicle:
            owner = dice.choice(owners)
            return Vehicle(vehicle_id, updated_at, owner, None, "Modelo", draft.chance(0.8))

        draft.rows.vehicle += draft.versions(edges, vehicle)


def _add_agenda(draft: Draft, company: CompanyDraft) -> None:
    """An agenda of one of a few kinds, so that the later responses of R8 are reached too."""
    dice, rows = draft.dice, draft.rows
    agenda_id = draft.new_id("agenda")
    # A few instants shared by all that happens to the agenda, so that ties are common.
    pool = [near(dice, company.edges) for _ in range(4)]
    # Many clients of a company have several agendas of it.
    if not company.clients or draft.chance(0.5):
        company.clients.append(dice.choice(rows.client).client_id)
    if not company.vehicles or draft.chance(0.4):
        company.vehicles.append(dice.choice(rows.vehicle).vehicle_id)
    client_ids = [dice.choice(company.clients), None]
    long_ago = draft.as_of - timedelta(days=30)
    today = local_date(draft.as_of, company.parameters.zone)

    def agenda(updated_at: datetime) -> Agenda:
        days = dice.choice((0, 0, 0, -1, -1, -2, -3, -40, 1, 2))
        return Agenda(
            agenda_id,
            updated_at,
            company.company_id,
            dice.choices(client_ids, (12, 1))[0],
            dice.choice(company.vehicles) if draft.chance(0.4) else None,
            dice.choice(rows.event_type).event_type_id,
            dice.choice(company.teams) if draft.chance(0.7) else None,
            dice.choice(company.users) if draft.chance(0.75) else None,
            "passive" if draft.chance(0.1) else "active",
            today + timedelta(days=days),
            near(dice, company.edges) if draft.chance(0.15) else long_ago,
            near(dice, company.edges) if draft.chance(0.15) else None,
        )

    rows.agenda += draft.versions(company.edges, agenda)
    kind = dice.choice(("quiet", "messaged", "failing", "failing", "booked", "no_show", "mixed"))
    for _ in range(_how_many(dice, bookings=True, kind=kind)):
        _add_booking(draft, company, agenda_id, pool, kind)
    for _ in range(_how_many(dice, bookings=False, kind=kind)):
        _add_dispatch(draft, company, agenda_id, pool, kind)
    for _ in range(dice.choice((0, 0, 0, 1, 1, 2, 3))):
        _add_attempt(draft, company, agenda_id, pool)


def _how_many(dice: Random, *, bookings: bool, kind: str) -> int:
    if bookings:
        return dice.choice(_BOOKINGS.get(kind, (0,)))
    return dice.choice(_DISPATCHES.get(kind, (0, 1, 1, 2, 3)))


def _some(draft: Draft, pool: list[datetime], share: float) -> datetime | None:
    """One of the agenda's instants or a step beside it, in that share of the draws."""
    return near(draft.dice, pool) if draft.chance(share) else None


def _add_dispatch(
    draft: Draft, company: CompanyDraft, agenda_id: str, pool: list[datetime], kind: str
) -> None:
    dice = draft.dice
    dispatch_id = draft.new_id("dispatch")
    fails = kind == "failing" or not company.sends
    causes = sorted(set(KNOWN_ERRORS.values()))
    cause = dice.choice((*causes, "transient", "transient", "rate_limit"))
    codes = [code for code, its_cause in KNOWN_ERRORS.items() if its_cause == cause]
    ends = dice.choice(
        ("failed", "failed", "failed", "pending")
        if fails
        else ("sent",) * 4 + ("failed", "pending", "anything")
    )

    def dispatch(updated_at: datetime) -> Dispatch:
        reached = {"sent": 0.4, "anything": 0.3}.get(ends, 0)
        failed_at = _some(draft, pool, {"failed": 1, "pending": 0, "sent": 0.05}.get(ends, 0.4))
        return Dispatch(
            dispatch_id,
            updated_at,
            agenda_id,
            dice.choice(("first_contact", "no_show")),
            near(dice, pool),
            _some(draft, pool, {"sent": 0.85, "failed": 0.3, "pending": 0}.get(ends, 0.4)),
            _some(draft, pool, reached),
            _some(draft, pool, reached / 2),
            failed_at,
            dice.choice(codes if draft.chance(0.8) else _UNKNOWN_CODES) if failed_at else None,
            None,
        )

    draft.rows.dispatch += draft.versions(company.edges, dispatch)
    for _ in range(
        dice.choice((0, 0, 0, 1, 1, 2) if kind in ("messaged", "mixed") else (0, 0, 0, 0, 1))
    ):
        _add_reply(draft, company, dispatch_id, pool)


def _add_reply(draft: Draft, company: CompanyDraft, dispatch_id: str, pool: list[datetime]) -> None:
    reply_id = draft.new_id("reply")
    options = draft.rows.chatbot_option
    consents = [option for option in options if option.action in ("opt_out", "opt_in")]
    # Of one client on agendas of several companies at one instant: then the greater id decides.
    at_once = [draft.as_of - timedelta(days=1), draft.as_of]

    def reply(updated_at: datetime) -> Reply:
        if draft.chance(0.2):
            option_id = draft.dice.choice(consents).option_id
            return Reply(reply_id, updated_at, dispatch_id, option_id, draft.dice.choice(at_once))
        option_id = draft.dice.choice(options).option_id
        return Reply(reply_id, updated_at, dispatch_id, option_id, near(draft.dice, pool))

    draft.rows.reply += draft.versions(company.edges, reply)


def _add_booking(
    draft: Draft, company: CompanyDraft, agenda_id: str, pool: list[datetime], kind: str
) -> None:
    dice = draft.dice
    booking_id = draft.new_id("booking")
    hours = company.parameters.no_show_hours
    missed = kind in ("no_show", "failing")

    def booking(updated_at: datetime) -> Booking:
        deadline = near(dice, pool) + timedelta(days=0 if missed or draft.chance(0.3) else 3)
        around = [deadline + step for step in (-SECOND, -MICROSECOND, 0 * SECOND, MICROSECOND)]
        cancelled = [*around, near(dice, pool)]
        return Booking(
            booking_id,
            updated_at,
            agenda_id,
            dice.choice(("leadzap", "leadzap", "phone", "front_desk")),
            near(dice, pool),
            hours_after(deadline, -hours),
            _some(draft, pool, 0.95 if missed else 0.7),
            _some(draft, [*pool, deadline], 0.08 if missed else 0.25),
            dice.choice(cancelled) if draft.chance(0.3) else None,
            _some(draft, [*pool, deadline], 0.3 if missed else 0.04),
        )

    draft.rows.booking += draft.versions(company.edges, booking)


def _add_attempt(draft: Draft, company: CompanyDraft, agenda_id: str, pool: list[datetime]) -> None:
    dice = draft.dice
    attempt_id = draft.new_id("call_attempt")

    def attempt(updated_at: datetime) -> CallAttempt:
        (outcome,) = dice.choices(list(_OUTCOMES), list(_OUTCOMES.values()))
        reason = dice.choice((*draft.rows.loss_reason, None))
        return CallAttempt(
            attempt_id,
            updated_at,
            agenda_id,
            dice.choice((*company.users * 3, "unknown user")),
            near(dice, pool) + dice.choice(_APART),
            outcome,
            near(dice, [draft.as_of, *company.edges]) if draft.chance(0.7) else None,
            dice.choice((reason.loss_reason_id, "unknown reason")) if reason else None,
            dice.choice((None, "Ligar à tarde")),
        )

    draft.rows.call_attempt += draft.versions(company.edges, attempt)


def _add_passive_contact(
    draft: Draft, company: CompanyDraft, companies: list[CompanyDraft], phones: PhoneBook
) -> None:
    """A contact that may be corrected to another company: R2 does not forbid that one."""
    dice, rows = draft.dice, draft.rows
    contact_id = draft.new_id("passive_contact")

    def contact(updated_at: datetime) -> PassiveContact:
        of = dice.choice(companies) if draft.chance(0.05) else company
        agendas = sorted({row.agenda_id for row in rows.agenda if row.company_id == of.company_id})
        bookings = sorted({row.booking_id for row in rows.booking if row.agenda_id in set(agendas)})
        return PassiveContact(
            contact_id,
            updated_at,
            of.company_id,
            phones.whatsapp_number(),
            dice.choice(("book", "book", "service_orders", "other")),
            near(dice, of.edges),
            dice.choice(agendas) if draft.chance(0.3) else None,
            dice.choice(bookings) if bookings and draft.chance(0.4) else None,
            near(dice, of.edges) if draft.chance(0.3) else None,
        )

    rows.passive_contact += draft.versions(company.edges, contact)
