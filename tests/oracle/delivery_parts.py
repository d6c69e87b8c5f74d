"""What every part of a random delivery needs: ids, versions, phones, and the reference tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import TypeVar

from tests.oracle.local_time import local_date, local_midnight
from tests.oracle.moments import MICROSECOND, ZONES, edges_of, near
from tests.oracle.rows import (
    AppUser,
    Campaign,
    ChatbotOption,
    Company,
    EventType,
    LossReason,
    SourceRows,
    Team,
    UserCompany,
)
from tests.oracle.world import Parameters, parameters_of

Row = TypeVar("Row")

# Code-point order differs from every dictionary's order here; some are one letter in two spellings.
_ALPHABET = (*"aAbBzZ09_-ßçÉ~'", "é", "e\u0301", "\U0001f697", "ﬁ", "i b", 'x"y', "m;n,o", "İ")


@dataclass(slots=True)
class Ids:
    """Ids of one table: short, so that they sort close to each other; never the same twice."""

    dice: Random
    used: set[str] = field(default_factory=set)

    def new(self) -> str:
        """An id not given before."""
        length = 1
        while True:
            name = "".join(self.dice.choices(_ALPHABET, k=length))
            if name not in self.used:
                self.used.add(name)
                return name
            length = min(length + 1, 12)


@dataclass(frozen=True, slots=True)
class CompanyDraft:
    """A company being drawn: its parameters, the instants where they bite, its people."""

    company_id: str
    parameters: Parameters
    edges: list[datetime]
    sends: bool
    users: list[str]
    teams: list[str]
    clients: list[str] = field(default_factory=list)
    vehicles: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Draft:
    """A delivery being drawn."""

    dice: Random
    as_of: datetime
    rows: SourceRows = field(default_factory=SourceRows)
    ids: dict[str, Ids] = field(default_factory=dict)

    def new_id(self, table: str) -> str:
        """An id of that table not given before."""
        return self.ids.setdefault(table, Ids(self.dice)).new()

    def versions(self, edges: list[datetime], make: Callable[[datetime], Row]) -> list[Row]:
        """One to four versions of a row, each drawn anew; mostly one of them not after as_of."""
        count = self.dice.choice((1, 1, 1, 1, 2, 2, 3, 4))
        times = {near(self.dice, edges) for _ in range(count)}
        return [make(updated_at) for updated_at in sorted(times)]

    def chance(self, share: float) -> bool:
        """True in that share of the draws."""
        return self.dice.random() < share


def add_reference_tables(draft: Draft, companies: int) -> list[CompanyDraft]:
    """Companies in many zones with all kinds of parameters, and every action of the chatbot."""
    dice, rows = draft.dice, draft.rows
    for _ in range(3):
        rows.campaign.append(Campaign(draft.new_id("campaign"), "Campanha", draft.chance(0.7)))
    for number in range(6):
        campaign = rows.campaign[number % 3].campaign_id
        rows.event_type.append(EventType(draft.new_id("event_type"), campaign, "Evento"))
    for _ in range(3):
        rows.loss_reason.append(LossReason(draft.new_id("loss_reason"), "Motivo"))
    for action in ("book", "refuse", "refuse", "refuse", "call_me", "opt_out", "opt_in", "other"):
        event = dice.choice(rows.event_type).event_type_id if draft.chance(0.5) else None
        reason = dice.choice(rows.loss_reason).loss_reason_id
        rows.chatbot_option.append(
            ChatbotOption(draft.new_id("option"), event, action, action, None)
            if action != "refuse" or draft.chance(0.3)
            else ChatbotOption(draft.new_id("option"), event, action, action, reason)
        )
    return [_add_company(draft, zone) for zone in _zones(dice, companies)]


def _zones(dice: Random, companies: int) -> list[str | None]:
    shuffled = dice.sample(ZONES, len(ZONES))
    return [None if not number else shuffled[number % len(ZONES)] for number in range(companies)]


def _add_company(draft: Draft, zone: str | None) -> CompanyDraft:
    dice, rows = draft.dice, draft.rows
    sends = draft.chance(0.75)
    grace = dice.choice((None, "0", "0.5", "1", "12", "23.75", "30"))
    if draft.chance(0.35):
        grace = _hours_since_midnight(draft, zone)
    company = Company(
        company_id=draft.new_id("company"),
        name="Empresa",
        timezone=zone,
        no_reply_days=dice.choice((None, 1, 2, 3)),
        no_show_hours=_hours(dice.choice((None, "1", "2", "0.5", "24", "1.25", "0.000001"))),
        dispatch_grace_hours=_hours(grace),
        call_rest_hours=_hours(dice.choice((None, "0", "1", "2.5", "24", "0.000001"))),
        max_call_attempts=dice.choice((None, None, 1, 2, 3)),
    )
    rows.company.append(company)
    parameters = parameters_of(company)
    users = [draft.new_id("app_user") for _ in range(3)]
    for user in users:
        login = f"login {len(rows.app_user)}"
        role = dice.choice(("attendant", "manager"))
        rows.app_user.append(
            AppUser(user, login, "Pessoa", role, company.company_id, draft.chance(0.9))
        )
        other = dice.choice(rows.company).company_id
        if draft.chance(0.3):
            rows.user_company.append(UserCompany(user, other))
    teams = [draft.new_id("team") for _ in range(2)]
    for team in teams:
        rows.team.append(Team(team, company.company_id, "Equipe", draft.chance(0.5)))
    return CompanyDraft(
        company.company_id, parameters, edges_of(parameters, draft.as_of), sends, users, teams
    )


def _hours_since_midnight(draft: Draft, zone: str | None) -> str:
    """A grace that ends at as_of, or the smallest step beside it, for the contacts of today."""
    zone = zone or "America/Sao_Paulo"
    since = draft.as_of - local_midnight(local_date(draft.as_of, zone), zone)
    microseconds = since // MICROSECOND + draft.dice.choice((0, 0, 0, 1, -1))
    return f"{Decimal(max(0, microseconds)) / 3_600_000_000:.12f}"


def _hours(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


class PhoneBook:
    """A few numbers, each written in many ways, so that many clients share one."""

    _SUBSCRIBERS = ("81234567", "61234567", "99999999", "32345678", "51234567", "91234567")
    _BAD = (
        None,
        "",
        "011",
        "1",
        "123456789012",
        "não tem",
        "1234567a",
        "٣٣٣٣٤٤٤٤",
        "²²²²³³³³",
        "ramal 12",
    )

    def __init__(self, dice: Random, numbers: int) -> None:
        self.dice = dice
        self.numbers = [
            (dice.choice(("11", "20", "55", "92")), self._subscriber()) for _ in range(numbers)
        ]
        # A placeholder that very many clients have, some of a fleet or family, and all others.
        few = (numbers / 4, *(numbers / 18,) * 3, *(numbers / 36,) * 4)[:numbers]
        self._shares = [*few, *(1.0,) * (numbers - len(few))]

    def _subscriber(self) -> str:
        tail = f"{self.dice.randrange(10_000):04}"
        return self.dice.choice(self._SUBSCRIBERS)[:4] + tail

    def client_phone(self) -> tuple[str | None, str | None]:
        """DDD and mobile of a client, mostly valid."""
        ((ddd, subscriber),) = self.dice.choices(self.numbers, self._shares)
        if self.dice.random() < 0.12:
            return self._bad(), self._written(subscriber)
        if self.dice.random() < 0.12:
            return ddd, self._bad()
        return self._written(ddd), self._written(self._with_ninth(subscriber))

    def landline(self) -> str | None:
        """A landline with its DDD: valid, too short, too long or none."""
        ddd, subscriber = self.dice.choice(self.numbers)
        number = ddd + self._with_ninth(subscriber)
        return self.dice.choice(
            (
                None,
                self._bad(),
                self._written(number),
                f"({ddd}) {subscriber}",
                subscriber,
                f"0{number}0",
            )
        )

    def whatsapp_number(self) -> str | None:
        """The number someone writes from, with 55 or without, or none."""
        if self.dice.random() < 0.08:
            return self._bad()
        ddd, subscriber = self.dice.choice(self.numbers)
        country = self.dice.choice(("55", "55", "+55 ", "", "1", "0055"))
        return country + self._written(ddd + self._with_ninth(subscriber))

    def _bad(self) -> str | None:
        return self.dice.choice(self._BAD) or None

    def _with_ninth(self, subscriber: str) -> str:
        ninth = self.dice.choice(("", "9", "9", "9", "8"))
        return ninth + subscriber if self.dice.random() < 0.6 else subscriber

    def _written(self, digits: str) -> str:
        # Spaces other than U+0020, and a digit that is none of 0–9.
        odd = self.dice.choice(("\u00a0", "\t", "\uff11"))
        at = self.dice.randrange(len(digits) + 1)
        return self.dice.choice(
            (
                *[digits] * 10,
                *[digits[:at] + sign + digits[at:] for sign in " ().-+"],
                f" ({digits[:2]}) {digits[2:]} ",
                digits[:at] + odd + digits[at:],
            )
        )
