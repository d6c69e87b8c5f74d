# ruff: noqa: DTZ001 — pages get local clock times, which have no zone
"""Numbers, dates and phones as Brazil writes them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest
from babel.numbers import format_decimal
from hypothesis import given
from hypothesis import strategies as st

from reports import formats


@given(st.integers(0, 10**12))
def test_a_number_is_written_as_babel_writes_it(value: int) -> None:
    assert formats.number(value) == format_decimal(value, locale="pt_BR")


@pytest.mark.parametrize(
    ("part", "whole", "written"),
    [
        (0, 0, "N/D"),
        (0, 8, "0,0%"),
        (7, 8, "87,5%"),
        (8, 8, "100,0%"),
        (1, 3, "33,3%"),
        (2, 3, "66,7%"),
        (1, 10**6, "0,1%"),
        (10**6 - 1, 10**6, "99,9%"),
    ],
)
def test_a_share_hides_no_exception(part: int, whole: int, written: str) -> None:
    assert formats.percent(part, whole) == written


def test_dates_and_times() -> None:
    assert formats.day(date(2, 3, 4)) == "04/03/0002"
    assert formats.moment(datetime(2026, 11, 20, 9, 5, 59)) == "20/11/2026 09:05"
    value = datetime(2025, 12, 31, 23, 59)
    assert formats.recent_moment(value, date(2025, 12, 31)) == "31/12 23:59"
    assert formats.recent_moment(value, date(2026, 1, 1)) == "31/12/2025 23:59"


def test_quantities() -> None:
    assert [formats.days(n) for n in (0, 1, 2, 1234)] == ["0 dias", "1 dia", "2 dias", "1.234 dias"]
    assert [formats.hours(Decimal(n)) for n in ("12", "12.0", "1.50", "0", "1E+3")] == [
        "12 h",
        "12 h",
        "1,5 h",
        "0 h",
        "1.000 h",
    ]
    assert formats.agendas(1) == "1 agenda"
    assert formats.agendas(2000) == "2.000 agendas"


def test_phones() -> None:
    assert formats.phone("11987654321") == "(11) 98765-4321"
    assert formats.phone("1134567890") == "(11) 3456-7890"
    assert formats.phone("190") == "190"
    assert formats.phone_link("11987654321") == "tel:+5511987654321"


def test_names_sort_without_regard_to_accents_and_case() -> None:
    names = ["Zélia", "ana", "Águeda", "Bruno", "Álvaro"]
    assert sorted(names, key=formats.name_order) == ["Águeda", "Álvaro", "ana", "Bruno", "Zélia"]
