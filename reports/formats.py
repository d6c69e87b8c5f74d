"""Numbers, dates, hours and phones as Brazil writes them.

Babel writes the same and costs ten times as much; `tests/unit/reports/test_formats.py` compares the
two.
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
    """A whole number: 1.234.567."""
    return f"{value:,}".replace(",", ".")


def percent(part: int, whole: int) -> str:
    """A share with one decimal: 87,5%; N/D when there is nothing to take a share of.

    Only nothing is 0,0% and only all is 100,0%: one message that did not go out must not
    disappear in the rounding.
    """
    if whole == 0:
        return NOT_AVAILABLE
    tenths = (2000 * part + whole) // (2 * whole)
    if 0 < part < whole:
        tenths = min(max(tenths, 1), 999)
    return f"{tenths // 10},{tenths % 10}%"


def day(value: date) -> str:
    """A date: 20/11/2026."""
    text = value.isoformat()
    return f"{text[8:10]}/{text[5:7]}/{text[:4]}"


def moment(value: datetime) -> str:
    """A local clock time: 20/11/2026 09:05."""
    text = value.isoformat()
    return f"{text[8:10]}/{text[5:7]}/{text[:4]} {text[11:16]}"


def recent_moment(value: datetime, today: date) -> str:
    """A local clock time inside a sentence: 20/11 09:05; with the year when it is not today's."""
    text = value.isoformat()
    year = "" if value.year == today.year else f"/{text[:4]}"
    return f"{text[8:10]}/{text[5:7]}{year} {text[11:16]}"


def moment_after(value: datetime, before: datetime, today: date) -> str:
    """A local clock time said after another one: only 09:07 when it is of the same date."""
    if value.date() == before.date():
        return f"{value.hour:02}:{value.minute:02}"
    return recent_moment(value, today)


def from_minute(value: datetime) -> datetime:
    """The first whole minute that is not before a local clock time: what is said of a deadline
    without its seconds must not be early.
    """
    minute = value.replace(second=0, microsecond=0)
    return minute if minute == value else minute + timedelta(minutes=1)


def local(instant: datetime, timezone: str) -> datetime:
    """What the clock on the wall shows at an instant in a time zone, without an offset."""
    return instant.astimezone(ZoneInfo(timezone)).replace(tzinfo=None)


def machine_day(value: date) -> str:
    """A date for the `datetime` attribute of `<time>`."""
    return value.isoformat()


def machine_moment(value: datetime) -> str:
    """A local clock time for the `datetime` attribute of `<time>`."""
    return value.isoformat(timespec="minutes")


@lru_cache
def days(count: int) -> str:
    """A number of days: 1 dia, 2 dias."""
    return f"{number(count)} {'dia' if count == 1 else 'dias'}"


@lru_cache
def hours(value: Decimal | int | float) -> str:
    """A number of hours: 12 h, 1,5 h."""
    whole, _, fraction = f"{Decimal(str(value)):f}".partition(".")
    fraction = fraction.rstrip("0")
    return f"{number(int(whole))}{',' + fraction if fraction else ''} h"


def phone(digits: str) -> str:
    """A cleaned phone number: (11) 98765-4321; anything else as it is."""
    if len(digits) not in _PHONE_LENGTHS:
        return digits
    return f"({digits[:2]}) {digits[2:-4]}-{digits[-4:]}"


def phone_link(digits: str) -> str:
    """The `tel:` address of a cleaned Brazilian number."""
    return f"tel:+55{digits}"


def agendas(count: int) -> str:
    """A number of agendas: 1 agenda, 2 agendas."""
    return f"{number(count)} {'agenda' if count == 1 else 'agendas'}"


def clients(count: int) -> str:
    """A number of clients: 1 cliente, 2 clientes."""
    return f"{number(count)} {'cliente' if count == 1 else 'clientes'}"


def name_order(name: str) -> tuple[str, str]:
    """The key that sorts names as a Brazilian reader expects: accents and case do not matter."""
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
