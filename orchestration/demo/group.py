"""Generates the group: companies and their parameters, users, teams, campaigns, chatbot options."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import isqrt

from orchestration.demo.clock import DAY, HOUR, SUNDAY, Clock, clock_at, weekday
from orchestration.demo.fields import ascii_login, csv_field
from orchestration.demo.names import FIRST_NAMES, GROUP, SURNAMES, UNITS
from orchestration.demo.rng import Rng

AGENDAS_PER_ATTENDANT = 320
FEWEST_COMPANIES = 4
_ATTENDANTS_PER_TEAM = 12
_SIZES = (1.6, 1.3, 0.9, 0.4, 0.6, 1.2, 1.1, 0.9)

# no_reply_days, no_show_hours, dispatch_grace_hours, call_rest_hours and max_call_attempts as
# delivered; empty means the default. Messages are sent until 11:20, so no grace (R9) may end
# earlier.
_PARAMETERS = (
    ("1", "2", "12", "3", "3"),
    ("", "", "", "", ""),
    ("3", "4", "12", "2", "5"),
    ("2", "1.5", "11.5", "0.5", ""),
    ("2", "24", "24", "4", "4"),
)

_CAMPAIGNS: tuple[tuple[str, bool, tuple[str, ...]], ...] = (
    (
        "Revisões programadas",
        True,
        (
            "Primeira revisão",
            "Revisão 10.000 km",
            "Revisão 20.000 km",
            "Revisão 30.000 km",
            "Revisão 40.000 km",
            "Revisão 60.000 km",
        ),
    ),
    ("Garantia", True, ("Fim de garantia", "Garantia estendida")),
    ("Recall", True, ("Recall de airbag", "Recall do sistema de freios")),
    ("Pneus e suspensão", True, ("Troca de pneus", "Alinhamento e balanceamento")),
    ("Seguro e documentos", True, ("Renovação de seguro", "IPVA e licenciamento")),
    ("Volte para casa", True, ("Cliente ausente há 12 meses", "Troca de óleo vencida")),
    ("Férias com carro revisado", False, ("Check-up de férias",)),
    ("Feirão de pneus, baterias e acessórios", False, ("Pneus com desconto", "Troca de bateria")),
)

_LOSS_REASONS = (
    "Preço",
    "Fez em outra oficina",
    "Vendeu o veículo",
    "Mudou de cidade",
    "Quilometragem ainda não atingida",
    "Insatisfeito com atendimento anterior",
    "Sem interesse no momento",
)

# label, action, number of the loss reason (from 1; 0 is none), number of the event type (0 is any).
_OPTIONS: tuple[tuple[str, str, int, int], ...] = (
    ("Agendar agora", "book", 0, 0),
    ("Escolher data e horário", "book", 0, 0),
    ("Achei caro", "refuse", 1, 0),
    ("Já fiz em outra oficina", "refuse", 2, 0),
    ("Vendi o veículo", "refuse", 3, 0),
    ("Mudei de cidade", "refuse", 4, 0),
    ("Ainda não atingi a quilometragem", "refuse", 5, 0),
    ("Não gostei do último atendimento", "refuse", 6, 0),
    ("Agora não, obrigado", "refuse", 7, 0),
    ("Não quero", "refuse", 0, 0),
    ("Já renovei o seguro em outro lugar", "refuse", 2, 13),
    ("Quero que me liguem", "call_me", 0, 0),
    ("Não quero mais receber mensagens", "opt_out", 0, 0),
    ("Voltar a receber mensagens", "opt_in", 0, 0),
    ("Preciso de mais informações", "other", 0, 0),
    ("Falar sobre outro assunto", "other", 0, 0),
)


@dataclass(frozen=True, slots=True)
class Attendant:
    """A user who works a list of agendas."""

    user_id: str
    team_id: str


@dataclass(frozen=True, slots=True)
class DemoCompany:
    """What the simulation of agendas needs to know about a company."""

    company_id: str
    ddd: str
    clock: Clock
    no_reply_days: int
    no_show_seconds: int
    attendants: tuple[Attendant, ...]
    former_attendant: Attendant
    other_teams: tuple[str, ...]
    contact_days: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The whole group; `desks` lists a company once for each of its attendants."""

    companies: tuple[DemoCompany, ...]
    desks: tuple[DemoCompany, ...]
    event_types: tuple[str, ...]
    ended_event_types: tuple[str, ...]
    options: dict[str, tuple[str, ...]]
    refusals: tuple[str, ...]
    own_refusals: dict[str, str]
    loss_reasons: tuple[str, ...]
    rows: dict[str, list[str]]


class _Register:
    """Assigns user ids in order and unique logins."""

    def __init__(self, dice: Rng) -> None:
        self.dice = dice
        self.rows: list[str] = []
        self.logins: dict[str, int] = {}

    def hire(self, role: str, company_id: str, *, active: bool = True) -> str:
        """Write a user.

        Args:
            role: `attendant` or `manager`.
            company_id: The home company.
            active: Whether the user is active.

        Returns:
            The user id.
        """
        first, last = self.dice.pick(FIRST_NAMES), self.dice.pick(SURNAMES)
        login = f"{ascii_login(first)}.{ascii_login(last)}"
        taken = self.logins[login] = self.logins.get(login, 0) + 1
        user_id = f"U{len(self.rows) + 1:05d}"
        self.rows.append(
            f"{user_id},{login if taken == 1 else f'{login}{taken}'},{first} {last},{role},"
            f"{company_id},{'true' if active else 'false'}\n"
        )
        return user_id


def make_group(agendas: int, as_of: datetime, dice: Rng) -> Group:
    """Generate a group of the size that works so many agendas: few companies, many attendants.

    Args:
        agendas: The number of agendas.
        as_of: The time at which the delivery is made.
        dice: Source of random numbers.

    Returns:
        The group, with the rows of its reference tables.
    """
    count = min(max(isqrt(agendas // 312), FEWEST_COMPANIES), len(UNITS))
    sizes = [_SIZES[number % len(_SIZES)] for number in range(count)]
    people = agendas / AGENDAS_PER_ATTENDANT / sum(sizes)
    register = _Register(dice)
    rows: dict[str, list[str]] = {"company": [], "team": [], "user_company": []}
    companies = tuple(
        _company(number, max(1, round(people * sizes[number])), as_of, register, rows)
        for number in range(count)
    )
    _managers(companies, register, rows["user_company"])
    rows["app_user"] = register.rows
    event_types, ended = _campaigns(rows)
    options, refusals, own_refusals = _options(rows)
    return Group(
        companies=companies,
        desks=tuple(company for company in companies for _ in company.attendants),
        event_types=event_types,
        ended_event_types=ended,
        options=options,
        refusals=refusals,
        own_refusals=own_refusals,
        loss_reasons=tuple(row.split(",")[0] for row in rows["loss_reason"]),
        rows=rows,
    )


def _company(
    number: int, people: int, as_of: datetime, register: _Register, rows: dict[str, list[str]]
) -> DemoCompany:
    unit, timezone, ddd = UNITS[number]
    days, hours, grace, rest, most = _PARAMETERS[number % len(_PARAMETERS)]
    company_id = f"C{number + 1:03d}"
    written = "" if days == "" and timezone == "America/Sao_Paulo" else timezone
    rows["company"].append(
        f"{company_id},{csv_field(f'{GROUP} {unit}')},{written},{days},{hours},{grace},"
        f"{rest},{most}\n"
    )

    def team(name: str, *, is_service_desk: bool) -> str:
        team_id = f"T{len(rows['team']) + 1:04d}"
        flag = "true" if is_service_desk else "false"
        rows["team"].append(f"{team_id},{company_id},{csv_field(name)},{flag}\n")
        return team_id

    desks = [
        team(f"Central de agendamento {desk + 1}", is_service_desk=True)
        for desk in range(1 + people // _ATTENDANTS_PER_TEAM)
    ]
    others = tuple(
        team(name, is_service_desk=False) for name in ("Seminovos", "Peças e acessórios")
    )
    attendants = tuple(
        Attendant(register.hire("attendant", company_id), desks[seat % len(desks)])
        for seat in range(people)
    )
    former = Attendant(register.hire("attendant", company_id, active=False), desks[0])
    clock = clock_at(as_of, timezone)
    return DemoCompany(
        company_id=company_id,
        ddd=ddd,
        clock=clock,
        no_reply_days=int(days or 2),
        no_show_seconds=int(float(hours or 2) * HOUR),
        attendants=attendants,
        former_attendant=former,
        other_teams=others,
        contact_days=_contact_days(clock.now // DAY),
    )


def _contact_days(today: int) -> tuple[int, ...]:
    """Days to draw contact dates from: most in the last 60, few on Saturdays, none on Sundays.

    Today always counts as a working day, so that a demo made on a Sunday is not empty.
    """
    days: list[int] = []
    for day in range(today - 110, today + 8):
        weight = 5 if weekday(day) < SUNDAY - 1 else 2
        if day < today - 60:
            weight = 1 if day % 3 == 0 else 0
        elif day > today:
            weight -= 1
        if weekday(day) == SUNDAY:
            weight = 0
        days.extend([day] * (6 if day == today else weight))
    return tuple(days)


def _managers(companies: tuple[DemoCompany, ...], register: _Register, may_see: list[str]) -> None:
    """Write managers of one, of three and of all companies, and an attendant of two companies."""
    for company in companies:
        register.hire("manager", company.company_id)
    for first in range(0, len(companies) - 1, 3):
        home, *others = companies[first : first + 3]
        regional = register.hire("manager", home.company_id)
        may_see.extend(f"{regional},{other.company_id}\n" for other in others)
    home, *others = companies
    director = register.hire("manager", home.company_id)
    may_see.extend(f"{director},{other.company_id}\n" for other in others)
    may_see.append(f"{home.attendants[0].user_id},{others[0].company_id}\n")


def _campaigns(rows: dict[str, list[str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Write campaigns and event types; return the event types of active and of ended campaigns."""
    rows["campaign"], rows["event_type"] = [], []
    running: list[str] = []
    ended: list[str] = []
    for number, (name, active, event_types) in enumerate(_CAMPAIGNS, start=1):
        campaign_id = f"K{number:02d}"
        rows["campaign"].append(
            f"{campaign_id},{csv_field(name)},{'true' if active else 'false'}\n"
        )
        for event_type in event_types:
            event_type_id = f"E{len(rows['event_type']) + 1:03d}"
            rows["event_type"].append(f"{event_type_id},{campaign_id},{csv_field(event_type)}\n")
            (running if active else ended).append(event_type_id)
    return tuple(running), tuple(ended)


def _options(
    rows: dict[str, list[str]],
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...], dict[str, str]]:
    """Write loss reasons and options.

    Returns the options for every event type by action; one refusal for each reason and one without
    a reason; and the refusals that only one event type has.
    """
    rows["loss_reason"] = [
        f"L{number:02d},{csv_field(name)}\n" for number, name in enumerate(_LOSS_REASONS, start=1)
    ]
    rows["chatbot_option"] = []
    by_action: dict[str, tuple[str, ...]] = {}
    refusals: dict[int, str] = {}
    own_refusals: dict[str, str] = {}
    for number, (label, action, reason, event_type) in enumerate(_OPTIONS, start=1):
        option_id = f"O{number:03d}"
        event_type_id = f"E{event_type:03d}" if event_type else ""
        rows["chatbot_option"].append(
            f"{option_id},{event_type_id},{csv_field(label)},"
            f"{action},{f'L{reason:02d}' if reason else ''}\n"
        )
        if event_type_id:
            own_refusals[event_type_id] = option_id
            continue
        by_action[action] = (*by_action.get(action, ()), option_id)
        if action == "refuse":
            refusals.setdefault(reason, option_id)
    return by_action, tuple(refusals.values()), own_refusals
