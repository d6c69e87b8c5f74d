"""R15 to R17: who is called now, and who is not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.oracle.agenda_rules import (
    Reading,
    days_old_at,
    ends_agreed,
    in_order,
    is_agreed,
)
from tests.oracle.local_time import hours_after
from tests.oracle.phones import client_phone_key, numbers_to_phone
from tests.oracle.rows import Agenda, CallAttempt, Client
from tests.oracle.world import World

Person = tuple[str, str, str]
"""The company, what tells the person (`number`, `client`, `agenda`), and which."""

_MOST_CLIENTS_OF_A_PERSON = 5
_MOST_CLIENTS_OF_A_REFUSAL = 20
_ONE_CALL = timedelta(minutes=1)
_PRIORITIES = {"call_requested": 1, "no_reply": 2, "not_sent": 3}


@dataclass(frozen=True, slots=True)
class Refusal:
    """R15. The last refusal of calls: when, and whether a `call` or the `flag` told it."""

    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class CallState:
    """R15. The state of a due agenda, and until when it waits."""

    state: str
    callable_at: datetime | None
    own_calls: list[CallAttempt]
    refusal: Refusal | None
    number: tuple[str, str] | None

    @property
    def last(self) -> CallAttempt | None:
        """The last own call."""
        return self.own_calls[-1] if self.own_calls else None


@dataclass(slots=True)
class Listed:
    """A row of the call list."""

    one: Reading
    call: CallState
    owner: str | None = None
    card: int = 0
    position: int = 0
    hints: list[str] = field(default_factory=list)

    @property
    def priority(self) -> int:
        """R15."""
        assert self.one.due
        if self.call.number is None:
            return 4
        return 0 if ends_agreed(self.call.own_calls) else _PRIORITIES[self.one.due.reason]

    @property
    def order(self) -> tuple[object, ...]:
        """R15."""
        assert self.one.due
        last = self.call.last
        oldest = last.called_at if last else self.one.due.since
        if self.priority == 0 and last and last.call_back_at:
            oldest = last.call_back_at
        return (self.priority, last is not None, oldest, self.one.agenda.agenda_id)


class Callings:
    """R15 to R17 for all agendas of a world."""

    def __init__(self, world: World, agendas: list[Reading]) -> None:
        self.world = world
        self.readings = {one.agenda.agenda_id: one for one in agendas}
        self._keys = {
            client_id: client_phone_key(client.ddd, client.mobile)
            for client_id, client in world.clients.items()
        }
        self._clients_with_key = Counter(key for key in self._keys.values() if key)
        self._sharing = self._clients_sharing_a_number()
        self._persons: dict[Person, list[Reading]] = defaultdict(list)
        for one in agendas:
            self._persons[self.person(one.agenda)].append(one)
        self._refusing = self._refusing_calls()
        self.states = {
            one.agenda.agenda_id: self._state(one) for one in agendas if one.due is not None
        }
        self.listed = self._list()

    def _clients_sharing_a_number(self) -> dict[tuple[str, str], int]:
        """By company and key, how many clients of its existing agendas have it."""
        found = {
            (agenda.company_id, agenda.client_id)
            for agenda in self.world.agendas.values()
            if agenda.client_id is not None
        }
        return Counter(
            (company_id, key) for company_id, client_id in found if (key := self._keys[client_id])
        )

    def person(self, agenda: Agenda) -> Person:
        """R15. Whom a call of this agenda reaches."""
        company_id, client_id = agenda.company_id, agenda.client_id
        if client_id is None:
            return company_id, "agenda", agenda.agenda_id
        key = self._keys[client_id]
        if key and self._sharing[company_id, key] <= _MOST_CLIENTS_OF_A_PERSON:
            return company_id, "number", key
        return company_id, "client", client_id

    def _refusing_calls(self) -> dict[tuple[str, str], list[datetime]]:
        """When calls that ended `do_not_call` were made, by client, by key, by agenda without."""
        found: dict[tuple[str, str], list[datetime]] = defaultdict(list)
        for agenda in self.world.agendas.values():
            for attempt in self.world.attempts_of_agenda.get(agenda.agenda_id, []):
                if attempt.outcome != "do_not_call":
                    continue
                if agenda.client_id is None:
                    found["agenda", agenda.agenda_id].append(attempt.called_at)
                    continue
                found["client", agenda.client_id].append(attempt.called_at)
                if key := self._keys[agenda.client_id]:
                    found["number", key].append(attempt.called_at)
        return found

    def refusal(self, client_id: str | None, agenda: Agenda | None) -> Refusal | None:
        """R15. The refusal that holds for an agenda, or for a client without one."""
        permitted: list[datetime] = []
        if agenda:
            permitted += [
                reply.replied_at
                for reply in self.world.replies_of_agenda.get(agenda.agenda_id, [])
                if self.world.options[reply.option_id].action == "call_me"
            ]
            permitted += [
                attempt.called_at
                for attempt in self.world.attempts_of_agenda.get(agenda.agenda_id, [])
                if is_agreed(attempt)
            ]
        refused: list[tuple[datetime, str]] = []
        if client_id is not None:
            key = self._keys[client_id]
            whose = ("client", client_id)
            if key and self._clients_with_key[key] <= _MOST_CLIENTS_OF_A_REFUSAL:
                whose = ("number", key)
            refused += [(at, "call") for at in self._refusing.get(whose, [])]
            for at, accepts in _turns(self.world.client_versions[client_id]):
                if accepts:
                    permitted.append(at)
                else:
                    refused.append((at, "flag"))
        elif agenda:
            whose = ("agenda", agenda.agenda_id)
            refused += [(at, "call") for at in self._refusing.get(whose, [])]
        if not refused:
            return None
        # At one time the call first.
        last = max(refused, key=lambda each: (each[0], each[1] == "call"))
        return None if any(at > last[0] for at in permitted) else Refusal(*last)

    def _state(self, one: Reading) -> CallState:
        """R15. The first state that holds."""
        assert one.due
        world, agenda, due = self.world, one.agenda, one.due
        parameters = world.parameters[agenda.company_id]
        own = [attempt for attempt in one.cycle_calls if attempt.called_at >= due.since]
        refusal = self.refusal(agenda.client_id, agenda)
        number = self.number(agenda)

        def ended(state: str, callable_at: datetime | None = None) -> CallState:
            return CallState(state, callable_at, own, refusal, number)

        if own and own[-1].outcome in ("booked", "refused"):
            return ended("done")
        if refusal:
            return ended("do_not_call")
        most = parameters.max_call_attempts
        if most is not None and len(own) >= most and not ends_agreed(own):
            return ended("exhausted")
        last = self._last_of_person(one)
        agreed_by_person = (
            last is not None and is_agreed(last) and self.readings[last.agenda_id].due is not None
        )
        promised = [
            attempt.call_back_at
            for attempt in (*own[-1:], *([last] if last and agreed_by_person else []))
            if is_agreed(attempt) and attempt.call_back_at and attempt.call_back_at > world.as_of
        ]
        if promised:
            return ended("call_back", max(promised))
        if last and not agreed_by_person:
            rested = hours_after(last.called_at, parameters.call_rest_hours)
            if rested > world.as_of:
                return ended("resting", rested)
        if due.reason in ("no_reply", "not_sent") and not ends_agreed(own):
            messaged = self._last_message_to_person(one)
            if messaged is not None:
                old = days_old_at(world, agenda.company_id, messaged)
                if old > world.as_of:
                    return ended("client_messaged", old)
        return ended("listed")

    def _last_of_person(self, one: Reading) -> CallAttempt | None:
        """R15. The person's last call, as far as it counts for this agenda."""
        assert one.due
        calls = in_order(
            attempt
            for other in self._persons[self.person(one.agenda)]
            for attempt in self.world.attempts_of_agenda.get(other.agenda.agenda_id, [])
            if one.due.reason != "call_requested" or attempt.called_at >= one.due.since
        )
        return calls[-1] if calls else None

    def _last_message_to_person(self, one: Reading) -> datetime | None:
        """R16. The newest message that holds the agenda, if it is young enough."""
        others = [
            message.sent_at
            for other in self._persons[self.person(one.agenda)]
            if other is not one
            for message in other.messages
        ]
        own = [
            message.sent_at
            for message in one.cycle_messages
            if one.latest_reply
            and message.sent_at is not None
            and message.sent_at > one.latest_reply.replied_at
        ]
        return max((at for at in (*others, *own) if at is not None), default=None)

    def number(self, agenda: Agenda) -> tuple[str, str] | None:
        """R15. The first number that no call has struck."""
        if agenda.client_id is None:
            return None
        client = self.world.clients[agenda.client_id]
        numbers = numbers_to_phone(client.ddd, client.mobile, client.landline)
        since = _numbers_since(self.world.client_versions[agenda.client_id])
        wrong = sorted(
            {
                attempt.called_at
                for other in self.world.agendas_of_client[agenda.client_id]
                if other.company_id == agenda.company_id
                for attempt in self.world.attempts_of_agenda.get(other.agenda_id, [])
                if attempt.outcome == "wrong_number" and attempt.called_at >= since
            }
        )
        strikes = sum(
            before is None or at - before >= _ONE_CALL
            for before, at in zip([None, *wrong], wrong, strict=False)
        )
        return numbers[strikes] if strikes < len(numbers) else None

    def _list(self) -> list[Listed]:
        """R16. The listed agendas in cards, numbered on the lists of their owners."""
        cards: dict[Person, list[Listed]] = defaultdict(list)
        for agenda_id, call in self.states.items():
            if call.state == "listed":
                one = self.readings[agenda_id]
                cards[self.person(one.agenda)].append(Listed(one, call))
        lists: dict[tuple[str, str | None], list[list[Listed]]] = defaultdict(list)
        for card in cards.values():
            card.sort(key=lambda row: row.order)
            owner = self._owner(card)
            for row in card:
                row.owner = owner
            lists[card[0].one.agenda.company_id, owner].append(card)
        for of_agent in lists.values():
            of_agent.sort(key=lambda card: card[0].order)
            rows = [(number, row) for number, card in enumerate(of_agent, 1) for row in card]
            for position, (number, row) in enumerate(rows, 1):
                row.card, row.position = number, position
        listed = [row for card in cards.values() for row in card]
        self._add_hints(listed)
        return listed

    def _owner(self, card: list[Listed]) -> str | None:
        agents = [row.one.agenda.agent_id for row in card if row.one.agenda.agent_id is not None]
        company_id = card[0].one.agenda.company_id
        able = [
            agent
            for agent in agents
            if company_id in self.world.companies_of_user.get(agent, frozenset())
        ]
        return next(iter([*able, *agents]), None)

    def _add_hints(self, listed: Iterable[Listed]) -> None:
        """R17."""
        on_vehicle: dict[tuple[str, str], list[Reading]] = defaultdict(list)
        for one in self.readings.values():
            if one.agenda.vehicle_id is not None:
                on_vehicle[one.agenda.company_id, one.agenda.vehicle_id].append(one)
        cards_of_number: dict[tuple[str, str], set[Person]] = defaultdict(set)
        for row in listed:
            if row.call.number:
                company_id = row.one.agenda.company_id
                cards_of_number[company_id, row.call.number[0]].add(self.person(row.one.agenda))
        for row in listed:
            agenda = row.one.agenda
            if agenda.vehicle_id is not None:
                others = [
                    other
                    for other in on_vehicle[agenda.company_id, agenda.vehicle_id]
                    if other is not row.one
                ]
                if agenda.vehicle_id not in self.world.active_vehicles:
                    row.hints.append("vehicle_inactive")
                if any(self._is_booked_later(other) for other in others):
                    row.hints.append("vehicle_booked")
                if any(other.response == "refused" for other in others):
                    row.hints.append("vehicle_refused")
            number = row.call.number
            if number and len(cards_of_number[agenda.company_id, number[0]]) > 1:
                row.hints.append("shared_number")

    def _is_booked_later(self, other: Reading) -> bool:
        """A live latest booking (R8's `booked` or `booked_elsewhere`) whose hour is to come."""
        return (
            other.response in ("booked", "booked_elsewhere")
            and other.latest_booking is not None
            and other.latest_booking.scheduled_for > self.world.as_of
        )


def _turns(versions: list[Client]) -> Iterable[tuple[datetime, bool]]:
    """R15. When the flag `accepts_calls` turned, and to what; at first it is on."""
    before = True
    for version in versions:
        if version.accepts_calls is not None and version.accepts_calls != before:
            before = version.accepts_calls
            yield version.updated_at, before


def _numbers_since(versions: list[Client]) -> datetime:
    """R15. Since when the client's numbers are what they are in the version in force."""

    def numbers(version: Client) -> tuple[str | None, ...]:
        return version.ddd, version.mobile, version.landline

    since = versions[-1].updated_at
    for version in reversed(versions):
        if numbers(version) != numbers(versions[-1]):
            break
        since = version.updated_at
    return since
