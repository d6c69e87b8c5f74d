"""Simulates agendas up to `as_of`: message, answer, call, visit, no-show and return.

Each step returns when the agenda was closed, or 0 when it is open. A step after `as_of` has not
happened, and the simulation of the agenda ends there.
"""

from __future__ import annotations

from orchestration.demo.clock import DAY, HOUR, MINUTE, working_day
from orchestration.demo.events import Agenda, Events
from orchestration.demo.group import DemoCompany, Group
from orchestration.demo.people import Client, drawn_number, whatsapp_number
from orchestration.demo.rng import Rng

ANSWERS_FIRST_MESSAGE = 0.35
ANSWERS_REMINDER = 0.2
ANSWERS_AFTER_NO_SHOW = 0.35
_OPENING = 8 * HOUR
_CLOSING = 18 * HOUR
_FORGOTTEN = 0.008
_MOST_NO_SHOWS = 2

# Cumulative shares of messages that fail for good, or fail once and are sent again.
_RECIPIENT_FAILURES = (
    (0.03, "no_whatsapp"),
    (0.036, "recipient_limit"),
    (0.038, "opted_out_whatsapp"),
)
_HITCHES = ((0.05, "transient"), (0.053, "rate_limit"))
_SENDER_FAILURES = ("transient", "account", "template", "rate_limit", "unknown_error")


class AgendaLifecycles:
    """Simulates agendas one after another."""

    def __init__(self, events: Events, group: Group, dice: Rng) -> None:
        self.events = events
        self.group = group
        self.dice = dice

    def passive(self, client: Client | None, company: DemoCompany) -> None:
        """Write an agenda that begins with a message from the client, and its passive contact."""
        dice, events, clock = self.dice, self.events, company.clock
        at = dice.pick(company.contact_days) * DAY + _OPENING + dice.between(0, 12 * HOUR)
        if at > clock.now:
            at = clock.now - dice.between(10 * MINUTE, 20 * DAY)
        agenda = self._agenda(client, company, "passive", at // DAY, at)
        agenda_id, booking_id, closed = agenda.agenda_id, "", 0
        if dice.chance(0.75):
            booking_id, closed = self._visit(agenda, "leadzap", at + dice.between(60, 900))
        else:
            closed = self._working_time(at, 1, 7)
        menu = "book" if dice.chance(0.85) else "other"
        whatsapp = self._whatsapp_number(client, company)
        events.passive_contact(company, whatsapp, menu, at, agenda_id, booking_id)
        events.agenda(agenda, closed)

    def contact_only(self, client: Client | None, company: DemoCompany) -> None:
        """Write a passive contact that led to no agenda."""
        dice, clock = self.dice, company.clock
        at = dice.pick(company.contact_days) * DAY + _OPENING + dice.between(0, 12 * HOUR)
        if at > clock.now:
            at = clock.now - dice.between(10 * MINUTE, 20 * DAY)
        draw = dice.random()
        menu = "service_orders" if draw < 0.45 else "other" if draw < 0.85 else "book"
        number = self._whatsapp_number(client, company)
        self.events.passive_contact(company, number, menu, at)

    def _whatsapp_number(self, client: Client | None, company: DemoCompany) -> str:
        """The client's number, or a random one for a stranger."""
        number = client.number if client else ""
        return whatsapp_number(self.dice, company.ddd, number or drawn_number(self.dice))

    def active(self, client: Client) -> None:
        """Write an agenda that the company scheduled."""
        dice, company = self.dice, client.company
        clock = company.clock
        day = dice.pick(company.contact_days)
        created = (day - dice.between(2, 10)) * DAY + 3 * HOUR + dice.between(0, HOUR)
        if created > clock.now:
            created = clock.now - dice.between(HOUR, 4 * DAY)
        agenda = self._agenda(client, company, "active", day, created)
        closed = 0 if day > clock.today else self._first_contact(agenda, client)
        if dice.chance(_FORGOTTEN):
            closed = 0
        self.events.agenda(agenda, closed)

    def _agenda(
        self, client: Client | None, company: DemoCompany, origin: str, day: int, created: int
    ) -> Agenda:
        dice, group = self.dice, self.group
        age = company.clock.today - day
        ended = age > 25 and dice.chance(0.25)
        agent = dice.pick(company.attendants)
        team_id = agent.team_id
        draw = dice.random()
        if age > 60 and draw < 0.5:
            agent = company.former_attendant
        elif draw > 0.97:
            team_id = "" if draw > 0.99 else dice.pick(company.other_teams)
        return Agenda(
            agenda_id=self.events.next_agenda_id(),
            company=company,
            client=client,
            vehicle_id=client.vehicle_id if client and draw > 0.004 else "",
            event_type_id=dice.pick(group.ended_event_types if ended else group.event_types),
            team_id=team_id,
            agent=None if 0.5 < draw < 0.53 else agent,
            origin=origin,
            contact_day=day,
            created=created,
        )

    def _working_time(self, after: int, low: int, high: int) -> int:
        """A time in working hours, `low` up to `high` days after `after` and never before it."""
        day = working_day(after // DAY + self.dice.between(low, high))
        at = day * DAY + self.dice.between(_OPENING, _CLOSING)
        return at if at > after else after + self.dice.between(10 * MINUTE, 3 * HOUR)

    def _first_contact(self, agenda: Agenda, client: Client) -> int:
        """The message on the contact date, or a call for a client who cannot be messaged."""
        dice, events, now = self.dice, self.events, agenda.clock.now
        midnight = agenda.contact_day * DAY
        queued = midnight + 7 * HOUR + dice.between(0, 30 * MINUTE)
        if not client.reachable or 0 < client.opted_out_at < queued:
            return self._calls(agenda, midnight + _OPENING)
        if queued > now:
            return 0
        sent = midnight + _OPENING + dice.between(0, 150 * MINUTE)
        draw = dice.random()
        if draw > 0.06:
            return self._sent(agenda, queued, sent)
        for share, cause in _RECIPIENT_FAILURES:
            if draw < share:
                events.dispatch(agenda, queued, failed=sent, cause=cause)
                return self._calls(agenda, midnight + 12 * HOUR)
        for share, cause in _HITCHES:
            if draw < share:
                events.dispatch(agenda, queued, failed=sent, cause=cause)
                again = sent + dice.between(20 * MINUTE, 50 * MINUTE)
                return (
                    self._sent(agenda, again, again + dice.between(30, 600)) if again <= now else 0
                )
        if draw < 0.055:
            # A fault of the sender, not sent again; rare, and the client is phoned soon.
            cause = dice.pick(_SENDER_FAILURES)
            events.dispatch(agenda, queued, failed=sent, cause=cause)
            return self._working_time(sent, 1, 3)
        if draw < 0.058:
            # Reported as failed but delivered.
            delivered = sent + dice.between(MINUTE, HOUR)
            dispatch_id = events.dispatch(
                agenda, queued, failed=sent, delivered=delivered, cause="transient"
            )
            return self._after_message(agenda, dispatch_id, delivered, ANSWERS_FIRST_MESSAGE)
        # The queue was stuck: the message is sent a day or two late.
        return self._sent(agenda, queued, sent + dice.between(1, 3) * DAY)

    def _sent(self, agenda: Agenda, queued: int, sent: int) -> int:
        """A message (unless it is still to be sent), then its answer, a reminder or calls."""
        dispatch_id = self._message(agenda, queued, sent, "first_contact")
        dice = self.dice
        if sent > agenda.clock.now:
            return 0
        if dice.chance(ANSWERS_FIRST_MESSAGE):
            return self._answer(agenda, dispatch_id, sent)
        if dice.chance(0.3):
            return self._calls(agenda, sent + agenda.company.no_reply_days * DAY)
        queued = working_day(sent // DAY + 1) * DAY + 9 * HOUR
        sent = queued + dice.between(5 * MINUTE, 90 * MINUTE)
        if queued > agenda.clock.now:
            return 0
        dispatch_id = self._message(agenda, queued, sent, "first_contact")
        return self._after_message(agenda, dispatch_id, sent, ANSWERS_REMINDER)

    def _message(self, agenda: Agenda, queued: int, sent: int, purpose: str) -> str:
        """Write a message that is sent, usually delivered and often read."""
        random = self.dice.random
        delivered = sent + 2 + int(random() * 90)
        draw = random()
        read = delivered + 20 + int(draw * 9 * HOUR) if draw < 0.7 else 0
        if draw > 0.96:
            delivered = 0
        elif draw < 0.01:
            sent = 0  # the status "sent" was lost
        return self.events.dispatch(
            agenda, queued, sent=sent, delivered=delivered, read=read, purpose=purpose
        )

    def _after_message(self, agenda: Agenda, dispatch_id: str, sent: int, answers: float) -> int:
        """An answer, or calls when none came in time."""
        if sent > agenda.clock.now:
            return 0
        if self.dice.chance(answers):
            return self._answer(agenda, dispatch_id, sent)
        return self._calls(agenda, sent + agenda.company.no_reply_days * DAY)

    def _answer(self, agenda: Agenda, dispatch_id: str, sent: int) -> int:
        """The option that the client clicks, and what follows from it."""
        dice, events, now = self.dice, self.events, agenda.clock.now
        options = self.group.options
        draw = dice.random()
        if draw < 0.65:
            at = sent + dice.between(2 * MINUTE, 2 * HOUR)
        elif draw < 0.92:
            at = sent + dice.between(2 * HOUR, 20 * HOUR)
        else:
            at = sent + dice.between(20 * HOUR, 60 * HOUR)
        if at > now:
            return 0
        if dice.chance(0.45):
            first = at - dice.between(20, 100)
            events.reply(agenda, dispatch_id, first, dice.pick(options["other"]))
        draw = dice.random()
        if draw < 0.36:
            events.reply(agenda, dispatch_id, at, options["book"][0])
            return self._visit(agenda, "leadzap", at + dice.between(60, 600))[1]
        if draw < 0.63:
            own = self.group.own_refusals.get(agenda.event_type_id)
            refusal = own if own and dice.chance(0.4) else dice.pick(options["refuse"])
            events.reply(agenda, dispatch_id, at, refusal)
            return self._working_time(at, 0, 4)
        if draw < 0.76:
            events.reply(agenda, dispatch_id, at, options["call_me"][0])
            return self._calls(agenda, at)
        if draw < 0.83:
            events.reply(agenda, dispatch_id, at, options["book"][1])
        elif draw < 0.94:
            events.reply(agenda, dispatch_id, at, dice.pick(options["other"]))
        elif draw < 0.985:
            events.reply(agenda, dispatch_id, at, options["opt_out"][0])
            if agenda.client is not None:
                agenda.client.opted_out_at = at
            return self._calls(agenda, at)
        else:
            events.reply(agenda, dispatch_id, at, options["opt_in"][0])
        return self._working_time(at, 3, 12)

    def _calls(self, agenda: Agenda, since: int) -> int:
        """Calls of the attendant, days apart."""
        dice, now = self.dice, agenda.clock.now
        at = self._working_time(since, 0, 7)
        for _ in range(2):
            if at > now:
                return 0
            draw = dice.random()
            if draw < 0.2:
                self.events.attempt(agenda, at, "booked")
                channel = "phone" if draw < 0.17 else "front_desk"
                return self._visit(agenda, channel, min(at + 3 * MINUTE, now))[1]
            if draw < 0.36:
                outcome = "refused" if draw < 0.33 else "wrong_number"
                reason = dice.pick(self.group.loss_reasons) if outcome == "refused" else ""
                self.events.attempt(agenda, at, outcome, loss_reason_id=reason)
                return at + dice.between(MINUTE, 10 * MINUTE)
            if draw < 0.37:
                self.events.attempt(agenda, at, "do_not_call")
                return self._working_time(at, 1, 4)
            if draw < 0.75:
                outcome = "no_answer"
            elif draw < 0.85:
                outcome = "busy"
            else:
                outcome = "call_back" if draw < 0.96 else "other"
            following = self._working_time(at, 1, 4)
            agreed = following if outcome == "call_back" and draw < 0.93 else 0
            taken_back = draw > 0.998
            self.events.attempt(agenda, at, outcome, call_back=agreed, taken_back=taken_back)
            at = following
        return at

    def _visit(self, agenda: Agenda, channel: str, created: int) -> tuple[str, int]:
        """A booking and its outcome; returns the booking id, and when the agenda was closed."""
        dice, events, company = self.dice, self.events, agenda.company
        now = company.clock.now
        if created > now:
            return "", 0
        day = working_day(created // DAY + dice.between(1, 10))
        scheduled = day * DAY + _OPENING + dice.between(0, 18) * 30 * MINUTE
        confirmed = created + 60 + dice.between(0, 600)
        if dice.chance(0.3):
            confirmed = max(confirmed, scheduled - dice.between(3 * HOUR, 24 * HOUR))
        draw = dice.random()
        if draw < 0.1 and agenda.no_shows < _MOST_NO_SHOWS:
            return self._no_show(agenda, channel, created, scheduled, confirmed)
        if draw < 0.19:
            cancelled = created + dice.between(HOUR, scheduled - created)
            booking_id = events.booking(
                agenda, channel, created, scheduled, confirmed=confirmed, cancelled=cancelled
            )
            if cancelled > now:
                return booking_id, 0
            if dice.chance(0.45):
                return booking_id, self._visit(agenda, channel, cancelled + dice.between(60, HOUR))[
                    1
                ]
            return booking_id, self._working_time(cancelled, 1, 7)
        if draw < 0.23:
            # Never confirmed and never came; the agenda is closed by hand later.
            booking_id = events.booking(agenda, channel, created, scheduled)
            return booking_id, self._working_time(scheduled, 1, 5)
        arrived = scheduled + dice.between(-20 * MINUTE, 40 * MINUTE)
        booking_id = events.booking(
            agenda, channel, created, scheduled, confirmed=min(confirmed, arrived), arrived=arrived
        )
        return booking_id, arrived + dice.between(2 * HOUR, 8 * HOUR)

    def _no_show(
        self, agenda: Agenda, channel: str, created: int, scheduled: int, confirmed: int
    ) -> tuple[str, int]:
        """A client who does not come; the CRM cancels the booking the next morning."""
        dice, now = self.dice, agenda.clock.now
        agenda.no_shows += 1
        marked = scheduled + dice.between(30 * MINUTE, 90 * MINUTE) if dice.chance(0.35) else 0
        missed = marked or scheduled + agenda.company.no_show_seconds
        returned = 0 if marked else (missed // DAY + 1) * DAY + 6 * HOUR + 10 * MINUTE
        booking_id = self.events.booking(
            agenda,
            channel,
            created,
            scheduled,
            confirmed=confirmed,
            cancelled=returned,
            no_show=marked,
        )
        if missed > now:
            return booking_id, 0
        return booking_id, self._after_no_show(agenda, missed)

    def _after_no_show(self, agenda: Agenda, missed: int) -> int:
        """The message that offers another date, or a call."""
        dice, now, client = self.dice, agenda.clock.now, agenda.client
        queued = missed + dice.between(20 * MINUTE, 70 * MINUTE)
        if client is None or not client.reachable or 0 < client.opted_out_at < queued:
            return self._calls(agenda, missed)
        if queued > now:
            return 0
        sent = queued + dice.between(2 * MINUTE, 40 * MINUTE)
        if dice.chance(0.02):
            self.events.dispatch(
                agenda, queued, failed=sent, cause="no_whatsapp", purpose="no_show"
            )
            return self._calls(agenda, sent)
        dispatch_id = self._message(agenda, queued, sent, "no_show")
        return self._after_message(agenda, dispatch_id, sent, ANSWERS_AFTER_NO_SHOW)
