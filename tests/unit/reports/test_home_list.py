# ruff: noqa: DTZ001 — pages get local clock times, which have no zone
"""The figures above an attendant's list on the home page, and its first cards."""

from __future__ import annotations

from datetime import datetime

from reports.lookup.home_list import MOST_CARDS, build_home_list
from tests.unit.reports.agenda_row import COMPANY, LISTED, WAITING

YESTERDAY = datetime(2026, 11, 19)
TODAY_AT_14, TODAY_AT_16 = datetime(2026, 11, 20, 14, 30), datetime(2026, 11, 20, 16)
TOMORROW = datetime(2026, 11, 21)


def test_the_figures_say_what_is_to_be_done() -> None:
    rows = [
        LISTED._replace(agenda_id="a", call_back_at=datetime(2026, 11, 20, 9)),
        LISTED._replace(agenda_id="b", call_position=2),
        LISTED._replace(agenda_id="c", call_position=3, card=2, call_back_at=YESTERDAY),
        WAITING._replace(agenda_id="d", wait_reason="call_back", callable_at=TODAY_AT_16),
        WAITING._replace(agenda_id="e", wait_reason="call_back", callable_at=TODAY_AT_14),
        WAITING._replace(agenda_id="f", wait_reason="call_back", callable_at=TOMORROW),
        WAITING._replace(agenda_id="g", wait_reason="on_other_list", callable_at=None),
        WAITING._replace(agenda_id="h", wait_reason="resting"),
        WAITING._replace(agenda_id="i"),
    ]
    found = build_home_list(COMPANY, rows, "/paginas/list.html")
    assert (found.cards, found.agreed, found.next_agreed, found.waiting) == (2, 3, "14:30", 2)
    assert [row.agenda_id for row in found.rows] == ["a", "b", "c"]
    assert [row.same_person != "" for row in found.rows] == [False, True, False]
    assert not found.is_cut
    assert found.rows[0].ficha.href == "/ficha?empresa=c1&agenda=a"
    assert len({row.anchor for row in found.rows}) == 3


def test_a_long_list_shows_its_first_cards_whole() -> None:
    rows = [
        LISTED._replace(agenda_id=f"{card} {place}", call_position=2 * card + place, card=card)
        for card in range(1, MOST_CARDS + 2)
        for place in (0, 1)
    ]
    found = build_home_list(COMPANY, rows, "")
    assert (found.cards, len(found.rows), found.is_cut) == (MOST_CARDS + 1, 2 * MOST_CARDS, True)


def test_an_empty_list_is_said() -> None:
    assert build_home_list(COMPANY, [], "") == (0, 0, "", 0, (), False, "")
