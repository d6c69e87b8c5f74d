"""Writes scenarios that every demo contains, whatever its size and time of day.

Causes that are the group's own fault (R12) have contact dates in the future, so that the demo's
alarm stays small; only `transient` and `account` have rows that raise it.
"""

from __future__ import annotations

from itertools import cycle

from orchestration.demo.clock import DAY, HOUR, MINUTE
from orchestration.demo.events import Agenda, Events
from orchestration.demo.group import DemoCompany, Group
from orchestration.demo.names import FIRST_NAMES, SURNAMES
from orchestration.demo.people import FIRST_DRAWN_NUMBER, Client, People
from orchestration.demo.rng import Rng

# The contact date of most scenarios: older than every grace period, and not today.
_YESTERDAY = 26 * HOUR
_OUTCOMES = (
    "no_answer",
    "busy",
    "wrong_number",
    "call_back",
    "booked",
    "refused",
    "do_not_call",
    "other",
)


class Scenarios:
    """Writes the scenarios, cycling through the companies."""

    def __init__(self, events: Events, people: People, group: Group, dice: Rng) -> None:
        self.events = events
        self.people = people
        self.group = group
        self.dice = dice
        self.turn = cycle(group.companies)
        self.quickest = min(group.companies, key=lambda company: company.no_reply_days)

    def write(self) -> None:
        """Write all scenarios."""
        self._messages_without_reply()
        self._replies()
        self._messages_that_failed()
        self._clients_without_message()
        self._bookings()
        self._no_shows()
        self._calls()
        self._calls_agreed()
        self._calls_refused()
        self._cards()
        self._passive_contacts()
        for company in self.group.companies:
            self._sent_today(company)

    def _client(
        self,
        company: DemoCompany,
        *,
        mobile: str | None = None,
        landline: str = "",
        accepts: bool = True,
        accepts_calls: str = "",
    ) -> Client:
        """A client with a unique number, unless `mobile` is given to share or break one."""
        number = str(FIRST_DRAWN_NUMBER - 1000 + self.people.clients)
        name = f"{self.dice.pick(FIRST_NAMES)} {self.dice.pick(SURNAMES)}"
        client_id = self.people.write(
            company,
            name,
            company.ddd,
            f"9{number}" if mobile is None else mobile,
            landline,
            "",
            accepts=accepts,
            updated=company.clock.now - 140 * DAY,
            accepts_calls=accepts_calls,
        )
        vehicle_id = self.people.vehicle(company, client_id, active=True)
        return Client(client_id, company, "", number, accepts, vehicle_id)

    def _agenda(
        self,
        client: Client | None,
        company: DemoCompany,
        ago: int = _YESTERDAY,
        *,
        origin: str = "active",
        attendant: int | None = None,
    ) -> Agenda:
        """Write an open agenda, its contact date `ago` seconds back, of any attendant or one."""
        agents = company.attendants
        agent = self.dice.pick(agents) if attendant is None else agents[attendant % len(agents)]
        now = company.clock.now
        agenda = Agenda(
            agenda_id=self.events.next_agenda_id(),
            company=company,
            client=client,
            vehicle_id=client.vehicle_id if client else "",
            event_type_id=self.dice.pick(self.group.event_types),
            team_id=agent.team_id,
            agent=agent,
            origin=origin,
            contact_day=(now - ago) // DAY,
            created=now - max(ago, 0) - 3 * DAY,
        )
        self.events.agenda(agenda)
        return agenda

    def _next(self, ago: int = _YESTERDAY) -> Agenda:
        """An agenda of a reachable client in the next company."""
        company = next(self.turn)
        return self._agenda(self._client(company), company, ago)

    def _sent(self, agenda: Agenda, ago: int, purpose: str = "first_contact") -> str:
        """A message sent and delivered `ago` seconds back."""
        sent = agenda.clock.now - ago
        return self.events.dispatch(
            agenda, sent - 40 * MINUTE, sent=sent, delivered=sent + 8, purpose=purpose
        )

    def _messages_without_reply(self) -> None:
        """R8, R11: one, two, three and more days without a reply, and a message of today."""
        for hours in (30, 54, 80, 150):
            company = self.quickest
            agenda = self._agenda(self._client(company), company, hours * HOUR)
            self._sent(agenda, hours * HOUR)
        agenda = self._next()
        self._sent(agenda, 3 * HOUR)

    def _replies(self) -> None:
        """R8: every chatbot option, refusals with each reason and without one."""
        options = self.group.options
        for option_id in (
            *self.group.refusals,
            *options["call_me"],
            *options["book"],
            *options["other"],
            *options["opt_out"],
            *options["opt_in"],
        ):
            agenda = self._next()
            dispatch_id = self._sent(agenda, 25 * HOUR)
            self.events.reply(agenda, dispatch_id, agenda.clock.now - 23 * HOUR, option_id)

    def _messages_that_failed(self) -> None:
        """R5, R6: every cause; failed but delivered; skipped statuses."""
        for cause in (
            "no_whatsapp",
            "recipient_limit",
            "opted_out_whatsapp",
            "transient",
            "transient",
            "account",
            "account",
        ):
            agenda = self._next()
            failed = agenda.clock.now - 25 * HOUR
            self.events.dispatch(agenda, failed - HOUR, failed=failed, cause=cause)
        for cause in ("rate_limit", "template", "unknown_error"):
            agenda = self._next(-DAY)
            failed = agenda.clock.now - HOUR
            self.events.dispatch(agenda, failed - HOUR, failed=failed, cause=cause)
        queued = self._next(-DAY)
        self.events.dispatch(queued, queued.clock.now - HOUR)
        self._next(-DAY)  # no message is queued for it yet
        revived = self._next()
        at = revived.clock.now - 20 * HOUR
        self.events.dispatch(
            revived, at - HOUR, failed=at, delivered=at + 5 * MINUTE, cause="transient"
        )
        skipped = self._next()
        at = skipped.clock.now - 5 * HOUR
        self.events.dispatch(skipped, at - HOUR, read=at)

    def _clients_without_message(self) -> None:
        """R6, R9: opted out; no valid mobile, with and without landline; no client."""
        company = next(self.turn)
        self._agenda(self._client(company, accepts=False), company)
        landline = f"({company.ddd}) 3200-0100"
        self._agenda(self._client(company, mobile="9600-010", landline=landline), company)
        self._agenda(self._client(company, mobile=""), company)
        self._agenda(None, company)

    def _bookings(self) -> None:
        """R8: an open booking through each channel."""
        for channel in ("leadzap", "phone", "front_desk"):
            agenda = self._next()
            self._sent(agenda, 25 * HOUR)
            created = agenda.clock.now - 20 * HOUR
            self.events.booking(
                agenda, channel, created, created + 3 * DAY, confirmed=created + 10 * MINUTE
            )

    def _missed(
        self, agenda: Agenda, ago: int, *, by_hand: bool = False, returned: bool = False
    ) -> None:
        """A no-show `ago` seconds back; if `returned`, the CRM has cancelled the booking since."""
        now, company = agenda.clock.now, agenda.company
        scheduled = now - ago - (HOUR if by_hand else company.no_show_seconds)
        created = agenda.created + HOUR
        self.events.booking(
            agenda,
            "leadzap",
            created,
            scheduled,
            confirmed=created + 10 * MINUTE,
            cancelled=now - ago + 4 * HOUR if returned else 0,
            no_show=now - ago if by_hand else 0,
        )

    def _no_shows(self) -> None:
        """R7, R13: marked by hand and by time, returned and to be returned, active and passive."""
        by_hand = self._next(3 * DAY)
        self._missed(by_hand, 20 * HOUR, by_hand=True)
        self._sent(by_hand, 18 * HOUR, "no_show")
        returned = self._next(3 * DAY)
        self._missed(returned, 30 * HOUR, returned=True)
        self._sent(returned, 22 * HOUR, "no_show")
        just_now = self._next(3 * DAY)
        self._missed(just_now, 6 * HOUR)
        self._sent(just_now, 5 * HOUR, "no_show")
        to_be_messaged = self._next(3 * DAY)
        self._missed(to_be_messaged, 2 * HOUR)
        company = next(self.turn)
        passive = self._agenda(self._client(company), company, 3 * DAY, origin="passive")
        self._missed(passive, 7 * HOUR)
        self._sent(passive, 6 * HOUR, "no_show")

    def _silent(self, client: Client | None = None, attendant: int | None = None) -> Agenda:
        """An agenda whose message was sent more than two days ago, without a reply."""
        company = self.quickest
        client = client or self._client(company)
        agenda = self._agenda(client, company, 55 * HOUR, attendant=attendant)
        self._sent(agenda, 55 * HOUR)
        return agenda

    def _calls(self) -> None:
        """R15: each outcome; numbers struck; calls just made, taken back, at the limit."""
        attempt, now = self.events.attempt, self.quickest.clock.now
        for outcome in _OUTCOMES:
            attempt(self._silent(), now - 22 * HOUR, outcome)
        landline = f"({self.quickest.ddd}) 3200-0200"
        with_landline = self._silent(self._client(self.quickest, landline=landline))
        attempt(with_landline, now - 22 * HOUR, "wrong_number")
        attempt(self._silent(), now - HOUR, "busy")
        attempt(self._silent(), now - 22 * HOUR, "refused", taken_back=True)
        exhausted = self._silent()
        for hours in (30, 20, 10):
            attempt(exhausted, now - hours * HOUR, "no_answer")

    def _calls_agreed(self) -> None:
        """R15: agreed call-backs, due and to come."""
        now = self.quickest.clock.now
        for call_back in (now - HOUR, now - MINUTE, now + 2 * HOUR, now + 20 * HOUR):
            self.events.attempt(self._silent(), now - 22 * HOUR, "call_back", call_back=call_back)

    def _calls_refused(self) -> None:
        """R15: calls refused by the register, and a refusal that the client lifted."""
        now = self.quickest.clock.now
        self._silent(self._client(self.quickest, accepts_calls="false"))
        lifted = self._silent()
        self.events.attempt(lifted, now - 40 * HOUR, "do_not_call")
        dispatch_id = self._sent(lifted, 30 * HOUR)
        self.events.reply(lifted, dispatch_id, now - 29 * HOUR, self.group.options["call_me"][0])

    def _cards(self) -> None:
        """R16, R17: one person on several agendas and in two records, and what holds a call."""
        company = self.quickest
        for agendas in (2, 3):
            client = self._client(company)
            for attendant in range(agendas):
                self._silent(client, attendant)
        first = self._client(company)
        self._silent(first, 0)
        self._silent(self._client(company, mobile=first.number), 1)
        messaged = self._client(company)
        self._silent(messaged)
        self._sent(self._agenda(messaged, company, 0), 3 * HOUR)
        of_inactive = self._client(company)
        of_inactive.vehicle_id = self.people.vehicle(company, of_inactive.client_id, active=False)
        self._silent(of_inactive)
        of_booked = self._client(company)
        self._silent(of_booked)
        booked = self._agenda(of_booked, company)
        at = company.clock.now - 20 * HOUR
        self.events.booking(booked, "leadzap", at, at + 3 * DAY, confirmed=at + 10 * MINUTE)
        of_refused = self._client(company)
        self._silent(of_refused)
        refused = self._agenda(of_refused, company, 80 * HOUR)
        dispatch_id = self._sent(refused, 80 * HOUR)
        at = company.clock.now - 79 * HOUR
        self.events.reply(refused, dispatch_id, at, self.group.refusals[0])
        placeholder = "90000-0000"
        for _ in range(6):  # too many for one person
            self._silent(self._client(company, mobile=placeholder))

    def _passive_contacts(self) -> None:
        """R10: every bucket; recognised despite the ninth digit, ambiguous, and unrecognised."""
        company = next(self.turn)
        at = company.clock.now - 28 * HOUR
        contact = self.events.passive_contact
        known = self._client(company)
        number = f"55{company.ddd}{known.number}"
        agenda = self._agenda(known, company, origin="passive")
        booking_id = self.events.booking(
            agenda, "leadzap", at + 5 * MINUTE, at + 3 * DAY, confirmed=at + 6 * MINUTE
        )
        contact(company, number, "book", at, agenda.agenda_id, booking_id)
        contact(company, number, "book", at + HOUR)
        contact(company, number, "book", at + HOUR, handled=at + 2 * HOUR)
        contact(company, number, "service_orders", at + 2 * HOUR)
        contact(company, number, "other", at + 3 * HOUR)
        contact(company, "+351 912 000 100", "other", at)
        contact(company, "", "book", at)
        first = self._client(company)
        self._client(company, mobile=first.number)
        contact(company, f"55{company.ddd}9{first.number}", "other", at + HOUR)

    def _sent_today(self, company: DemoCompany) -> None:
        """A message of today, so that "nothing was sent" (R12) never occurs by chance."""
        agenda = self._agenda(self._client(company), company, 0)
        now = company.clock.now
        sent = now // DAY * DAY + 8 * HOUR + 2 * MINUTE
        if sent <= now:
            self.events.dispatch(agenda, sent - HOUR, sent=sent, delivered=sent + 5)
