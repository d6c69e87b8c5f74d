"""Formats numbers, dates, durations and phone numbers for Brazil.

Babel gives the same results ten times slower; `tests/unit/reports/test_formats.py` compares them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from reports.labels import NOT_AVAILABLE

_PHONE_LENGTHS = (10, 11)  # DDD (2) and subscriber (8 or 9), R4 and R9


def number(value: int) -> str:
    """Format a whole number: 1.234.567."""
    return f"{value:,}".replace(",", ".")


def percent(part: int, whole: int) -> str:
    """Format a share with one decimal: 87,5%; N/D when `whole` is 0.

    Only an empty part gives 0,0% and only the whole gives 100,0%: one message that was not sent
    must not be rounded away.
    """
    if whole == 0:
        return NOT_AVAILABLE
    tenths = (2000 * part + whole) // (2 * whole)
    if 0 < part < whole:
        tenths = min(max(tenths, 1), 999)
    return f"{tenths // 10},{tenths % 10}%"


def day(value: date) -> str:
    """Format a date: 20/11/2026."""
    text = value.isoformat()
    return f"{text[8:10]}/{text[5:7]}/{text[:4]}"


def moment(value: datetime) -> str:
    """Format a local time: 20/11/2026 09:05."""
    text = value.isoformat()
    return f"{text[8:10]}/{text[5:7]}/{text[:4]} {text[11:16]}"


def recent_moment(value: datetime, today: date) -> str:
    """Format a local time within a sentence: 20/11 09:05; with the year if it is not this year."""
    text = value.isoformat()
    year = "" if value.year == today.year else f"/{text[:4]}"
    return f"{text[8:10]}/{text[5:7]}{year} {text[11:16]}"


def moment_after(value: datetime, before: datetime, today: date) -> str:
    """Format a local time that follows another one: only 09:07 on the same date.

    Args:
        value: The time to format.
        before: The time that precedes it in the sentence.
        today: The local date of as_of, for leaving out the year.

    Returns:
        The text, in the format of `recent_moment` when the dates differ.
    """
    if value.date() == before.date():
        return f"{value.hour:02}:{value.minute:02}"
    return recent_moment(value, today)


def from_minute(value: datetime) -> datetime:
    """Round a local time up to a whole minute: a deadline without seconds must not be early."""
    minute = value.replace(second=0, microsecond=0)
    return minute if minute == value else minute + timedelta(minutes=1)


def local(instant: datetime, timezone: str) -> datetime:
    """Convert to a naive local time in a time zone."""
    return instant.astimezone(ZoneInfo(timezone)).replace(tzinfo=None)


def machine_day(value: date) -> str:
    """Format a date for the `datetime` attribute of `<time>`."""
    return value.isoformat()


def machine_moment(value: datetime) -> str:
    """Format a local time for the `datetime` attribute of `<time>`."""
    return value.isoformat(timespec="minutes")


@lru_cache
def days(count: int) -> str:
    """Format a number of days: 1 dia, 2 dias."""
    return f"{number(count)} {'dia' if count == 1 else 'dias'}"


@lru_cache
def hours(value: Decimal | int | float) -> str:
    """Format a number of hours: 12 h, 1,5 h."""
    whole, _, fraction = f"{Decimal(str(value)):f}".partition(".")
    fraction = fraction.rstrip("0")
    return f"{number(int(whole))}{',' + fraction if fraction else ''} h"


def phone(digits: str) -> str:
    """Format a cleaned phone number: (11) 98765-4321; other lengths are returned unchanged."""
    if len(digits) not in _PHONE_LENGTHS:
        return digits
    return f"({digits[:2]}) {digits[2:-4]}-{digits[-4:]}"


def phone_link(digits: str) -> str:
    """Return the `tel:` URL of a cleaned Brazilian number."""
    return f"tel:+55{digits}"


def agendas(count: int) -> str:
    """Format a number of agendas: 1 agenda, 2 agendas."""
    return f"{number(count)} {'agenda' if count == 1 else 'agendas'}"


def clients(count: int) -> str:
    """Format a number of clients: 1 cliente, 2 clientes."""
    return f"{number(count)} {'cliente' if count == 1 else 'clientes'}"


def name_order(name: str) -> tuple[str, str]:
    """Return a sort key for names that ignores accents and case."""
    if name.isascii():
        return name.casefold(), name
    plain = "".join(
        letter
        for letter in unicodedata.normalize("NFKD", name)
        if not unicodedata.combining(letter)
    )
    return plain.casefold(), name


FILTERS: dict[str, Callable[..., Any]] = {
    "number": number,
    "day": day,
    "moment": moment,
    "machine_day": machine_day,
    "machine_moment": machine_moment,
    "agendas": agendas,
    "clients": clients,
}
