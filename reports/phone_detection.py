"""Detects phone numbers in free text, such as the note of a call."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

# Eight digits (a subscriber number) or more, whatever separates them, including unusual dashes and
# invisible characters. Dates are not numbers.
_DATE = r"(?<!\d)(?:[0-3]?\d(?P<sign>[/.\-])[01]?\d(?P=sign)\d{4}|\d{4}-\d\d-\d\d)(?!\d)"
_NUMBER = r"[+(]?\d(?:[\W_]{0,4}\d){7,}"
_FOUND = re.compile(f"(?P<date>{_DATE})|{_NUMBER}")


class TextPiece(NamedTuple):
    """A piece of a text: a possible phone number, or the text between."""

    text: str
    is_number: bool


def split_phones(text: str) -> tuple[TextPiece, ...]:
    """Split a text into pieces that concatenate to the whole text."""
    return tuple(_pieces(text))


def _pieces(text: str) -> Iterator[TextPiece]:
    place = 0
    for found in _FOUND.finditer(text):
        if found["date"]:
            continue
        if place < found.start():
            yield TextPiece(text[place : found.start()], False)
        yield TextPiece(found[0], True)
        place = found.end()
    if place < len(text):
        yield TextPiece(text[place:], False)
