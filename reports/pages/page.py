"""What every page has: its name, the way back, and the proof of its age.

Belongs here: the base view model, which `base.html` shows, and the pieces that several pages
share. Does not: anything only one page shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, NamedTuple

from reports import formats


class Link(NamedTuple):
    """A text and the relative address that it leads to."""

    text: str
    href: str


class Stamp(NamedTuple):
    """How old the page's facts are, in local clock time of `timezone`."""

    as_of: datetime
    data_until: datetime | None
    timezone: str


class Share(NamedTuple):
    """A part of a whole."""

    part: int
    whole: int

    @property
    def text(self) -> str:
        """How it is written; N/D when the whole is empty."""
        return formats.percent(self.part, self.whole)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The fields of the base template."""

    template: ClassVar[str]

    title: str
    trail: tuple[Link, ...]
    stamp: Stamp
