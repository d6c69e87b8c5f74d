"""Phone numbers that somebody wrote into a text of their own, a note on a call for example."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

# 8 digits, a subscriber's, and more, however they are parted: people write all kinds of dashes, and
# signs that are not seen. A date is none.
_DATE = r"(?<!\d)(?:[0-3]?\d(?P<sign>[/.\-])[01]?\d(?P=sign)\d{4}|\d{4}-\d\d-\d\d)(?!\d)"
_NUMBER = r"[+(]?\d(?:[\W_]{0,4}\d){7,}"
_FOUND = re.compile(f"(?P<date>{_DATE})|{_NUMBER}")


class TextPiece(NamedTuple):
    """A part of a text: what may be a phone number, or what stands between."""

    text: str
    is_number: bool


def split_phones(text: str) -> tuple[TextPiece, ...]:
    """The whole text, piece by piece; of an empty one none."""
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
