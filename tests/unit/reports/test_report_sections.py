"""The parts of a report beside the totals: funnels, days, changes, overlap, work, alarms."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, timedelta
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from reports import labels
from reports.pages import alarms, funnels, history, movement, overlap, workload
from reports.pages.alarms import AlarmCount
from reports.pages.movement import Moves
from reports.pages.workload import Measure
from reports.queries.call_list_counts import ListCount
from tests.unit.reports.published_tables import AS_OF, TODAY
from tests.unit.reports.test_pages import COMPANY

DAY = timedelta(days=1)
ZERO = dict.fromkeys(labels.TOTALIZERS, 0)


# --- Funnels ---------------------------------------------------------------------------------


def test_a_step_has_its_share_of_the_step_before_and_of_the_first() -> None:
    contact, _ = funnels.build_funnels(
        {
            ("contact", "agendas"): 1000,
            ("contact", "sent"): 800,
            ("contact", "replied"): 200,
            ("contact", "booked"): 100,
            ("contact", "came_without_reply"): 7,
        }
    )
    shares = [
        (step.of_before and step.of_before.text, step.of_first and step.of_first.text, step.width)
        for step in contact.steps
    ]
    assert shares == [
        (None, None, "100.0"),
        ("80,0%", "80,0%", "80.0"),
        ("25,0%", "20,0%", "20.0"),
        ("50,0%", "10,0%", "10.0"),
        ("0,0%", "0,0%", "0.0"),
    ]
    assert [way.count for way in contact.other_ways] == [0, 7]


def test_an_empty_funnel_has_no_shares_to_take() -> None:
    for funnel in funnels.build_funnels({}):
        assert {step.width for step in funnel.steps} == {"0"}
        assert [step.of_first and step.of_first.text for step in funnel.steps[1:]] == ["N/D"] * (
            len(funnel.steps) - 1
        )


# --- The last 30 days ------------------------------------------------------------------------


def chart_of(sets: dict[date, dict[str, int]], now: int = 5) -> history.Chart:
    return history.build_history(sets, TODAY, ZERO | {"active": now}).charts[0]


def test_a_day_without_an_edition_is_a_gap_and_a_day_with_nothing_is_zero() -> None:
    chart = chart_of({TODAY - DAY: {"active": 0}, TODAY - 3 * DAY: {}}, now=8)
    assert chart.bars.gaps.count("M") == history.DAYS - 3
    assert [int(height) for height in re.findall(r"v-(\d+)", chart.bars.before)] == [1, 1]
    assert re.findall(r"v-(\d+)", chart.bars.last) == ["48"]
    assert (chart.lowest, chart.highest, chart.last) == (0, 8, 8)
    assert chart.description == (
        "De 0 em 17/11/2026 a 8 em 20/11/2026; mínimo 0, máximo 8; 27 dias sem edição"
    )


def test_the_last_day_shows_this_edition_and_days_outside_are_left_out() -> None:
    sets = {TODAY: {"active": 7777}, TODAY - 30 * DAY: {"active": 9999}, TODAY + DAY: {}}
    built = history.build_history(sets, TODAY, ZERO | {"active": 3})
    assert built.charts[0].highest == 3
    assert (built.first, built.last) == (TODAY - 29 * DAY, TODAY)


def test_the_table_has_the_newest_day_on_top_and_one_row_for_days_without_edition() -> None:
    sets = {TODAY - 2 * DAY: {"active": 4}, TODAY - 4 * DAY: {"no_show": 2}}
    days = history.build_history(sets, TODAY, ZERO).days
    assert [(day.first, day.last, day.counts[:2]) for day in days] == [
        (TODAY, None, (0, 0)),
        (TODAY - DAY, None, ()),
        (TODAY - 2 * DAY, None, (4, 0)),
        (TODAY - 3 * DAY, None, ()),
        (TODAY - 4 * DAY, None, (0, 2)),
        (TODAY - 29 * DAY, TODAY - 5 * DAY, ()),
    ]


@given(st.dictionaries(st.integers(1, 29), st.integers(0, 10**6)), st.integers(0, 10**6))
def test_each_of_the_days_is_a_bar_or_a_gap(before: dict[int, int], now: int) -> None:
    chart = chart_of({TODAY - days * DAY: {"active": n} for days, n in before.items()}, now)
    drawn = re.findall(r"M(\d+) 48v-(\d+)", chart.bars.before + chart.bars.last)
    assert len(drawn) == len(before) + 1
    assert len(drawn) + chart.bars.gaps.count("M") == history.DAYS
    assert all(1 <= int(height) <= 48 and int(left) < 300 for left, height in drawn)


# --- What entered and left -------------------------------------------------------------------


def test_before_is_counted_back_from_now_and_the_most_frequent_event_comes_first() -> None:
    moves = Moves(
        {
            ("active", "entered", "created"): 3,
            ("active", "entered", "reopened"): 5,
            ("active", "left", "closed"): 2,
            ("active", "left", "a new <event>"): 2,
            ("booked", "entered", "booked"): 1,
        },
        AS_OF - DAY,
    )
    built = movement.build_movements(moves, ZERO | {"active": 40, "booked": 1}, "America/Manaus")
    active = built.totals[0]
    assert (active.before, active.entered, active.left, active.now) == (36, 8, 4, 40)
    assert [event.words for event in active.entered_by] == ["agenda reaberta", "agenda criada"]
    assert [event.words for event in active.left_by] == ["a new <event>", "agenda fechada"]
    booked = next(total for total in built.totals if total.label == "Cliente agendou")
    assert (booked.before, booked.now) == (0, 1)
    assert built.since is not None
    assert built.since.isoformat() == "2026-11-19T08:00:00"


def test_without_an_edition_before_nothing_has_moved() -> None:
    built = movement.build_movements(Moves({}, None), ZERO | {"active": 4}, "America/Sao_Paulo")
    assert built.since is None
    assert (built.totals[0].before, built.totals[0].now) == (4, 4)


# --- Overlap ---------------------------------------------------------------------------------

sets_of_totals = st.dictionaries(
    st.frozensets(st.sampled_from(overlap.AGENDA_TOTALS), min_size=1), st.integers(1, 50)
)


@given(sets_of_totals)
def test_each_pair_of_totals_is_counted_once(found: dict[frozenset[str], int]) -> None:
    expected: Counter[frozenset[str]] = Counter()
    for totals_of, count in found.items():
        for pair in combinations(totals_of, 2):
            expected[frozenset(pair)] += count
    built = overlap.build_overlap(found)
    for place, row in enumerate(built.rows, start=1):
        code = overlap.AGENDA_TOTALS[place]
        assert row.label == labels.TOTALIZERS[code]
        assert list(row.counts) == [
            expected[frozenset((code, other))] for other in overlap.AGENDA_TOTALS[:place]
        ]
    assert len(built.columns) == len(built.rows) == len(overlap.AGENDA_TOTALS) - 1
    assert built.in_several.whole == sum(found.values())
    assert built.in_several.part == sum(n for of, n in found.items() if len(of) > 1)


def test_no_agendas_overlap_in_nothing() -> None:
    assert overlap.build_overlap({}).in_several.text == "N/D"


# --- Workload --------------------------------------------------------------------------------


def measure(
    subject: str, code: str, amount: int, *, team: str | None = None, agent: str | None = None
) -> Measure:
    team_name = None if team is None or team == "dropped" else f"Equipe {team}"
    agent_name = None if agent is None or agent == "dropped" else f"Agente {agent}"
    return Measure("c1", team, team_name, agent, agent_name, subject, code, amount)


measures = st.lists(
    st.builds(
        lambda key, amount, team, agent: measure(*key, amount, team=team, agent=agent),
        st.sampled_from(
            [("total", code) for code in ("active", "refused", "no_reply")]
            + [("call", code) for code in ("call_requested", "no_reply", "not_sent", "waiting")]
            + [("call", "called")]
            + [("contact", code) for code in ("agendas", "booked", "came", "came_without_reply")]
        ),
        st.integers(1, 9),
        st.sampled_from([None, "t1", "t2", "dropped"]),
        st.sampled_from([None, "a1", "a2", "dropped"]),
    )
)


@given(measures)
def test_lines_of_teams_and_of_agents_add_up_to_the_whole(found: list[Measure]) -> None:
    lists = [ListCount("a1", "Agente a1", 0, 0, 0), ListCount(None, "", 0, 0, 0)]
    whole = workload.work_of(found)
    for table in (workload.by_team(found), workload.by_agent(found, lists)):
        assert table.whole == whole
        for name in ("active", "to_call", "waiting", "called", "contacts", "refused", "unanswered"):
            assert sum(getattr(line.work, name) for line in table.lines) == getattr(whole, name)
        assert sum(line.work.booked.part for line in table.lines) == whole.booked.part
        assert sum(line.work.came.part for line in table.lines) == whole.came.part


def test_agents_stand_by_name_each_with_the_list_there_is_and_no_agent_last() -> None:
    lists = [
        ListCount("z", "Álvaro", 0, 0, 0),
        ListCount("b", "Bruno", 0, 0, 0),
        ListCount(None, "", 0, 0, 0),
    ]
    found = [
        measure("call", "called", 2, agent="dropped"),
        measure("total", "active", 1, agent="z"),
        measure("total", "active", 4),
    ]
    lines = workload.by_agent(found, lists).lines
    assert [(line.name, bool(line.href), line.work.active) for line in lines] == [
        ("Álvaro", True, 1),
        ("Bruno", True, 0),
        ("dropped", False, 0),
        ("Sem agente", True, 4),
    ]


def test_results_count_who_came_by_another_way_too() -> None:
    work = workload.work_of(
        [
            measure("contact", "agendas", 10),
            measure("contact", "booked", 2),
            measure("contact", "booked_without_reply", 1),
            measure("contact", "came", 1),
            measure("contact", "came_without_reply", 1),
            measure("return", "came", 5),
        ]
    )
    assert (work.booked.text, work.came.text) == ("30,0%", "20,0%")
    assert workload.work_of([]).booked.text == "N/D"


# --- Alarms ----------------------------------------------------------------------------------


def test_r12_the_groups_alarms_are_by_cause_with_the_companies_most_concerned() -> None:
    companies = [COMPANY._replace(company_id=f"c{n}", name=f"Empresa {n}") for n in range(9)]
    found = {
        **{f"c{n}": [AlarmCount("queued", n, n, AS_OF - n * DAY)] for n in range(1, 9)},
        "c0": [AlarmCount("not_queued", 99, 98, AS_OF)],
    }
    first, second = alarms.build_group_alarm(found, companies, "America/Sao_Paulo")
    assert (first.agenda_count, first.clients, first.further) == (99, 98, "")
    assert (second.agenda_count, second.clients) == (36, 36)
    assert second.since.isoformat() == "2026-11-12T09:00:00"
    assert [company.text for company in second.companies][:2] == ["Empresa 8 (8)", "Empresa 7 (7)"]
    assert second.further == "e mais 2"
    assert "sender" in second.job
