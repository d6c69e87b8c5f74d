"""Phone numbers that somebody wrote into a text of their own, a note on a call for example.

Belongs here: finding them. Does not: who may read them (`lookup/masking.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

# 8 digits, a subscriber's, and more, however they are parted. A date written with `/` is none.
_NUMBER = re.compile(r"[+(]?\d(?:[\s().\-]{0,3}\d){7,}")


class Piece(NamedTuple):
    """A part of a text: what may be a phone number, or what stands between."""

    text: str
    is_number: bool


def pieces(text: str) -> tuple[Piece, ...]:
    """The whole text, piece by piece; of an empty one none."""
    return tuple(_pieces(text))


def _pieces(text: str) -> Iterator[Piece]:
    place = 0
    for found in _NUMBER.finditer(text):
        if place < found.start():
            yield Piece(text[place : found.start()], False)
        yield Piece(found[0], True)
        place = found.end()
    if place < len(text):
        yield Piece(text[place:], False)
