"""The index of the existing editions, by date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, NamedTuple

import psycopg

from reports import formats, labels
from reports.editions import EditionFolder
from reports.paths import INDEX
from reports.view_model import Link, Page, Proof, Stamp


class EditionRow(NamedTuple):
    """The facts of an edition in `ops.edition`."""

    fingerprint: str
    pages: int


@dataclass(frozen=True, slots=True)
class EditionLine:
    """An edition; times are in the group's time zone."""

    link: Link
    made_at: datetime
    is_current: bool
    pages: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class EditionsOfDay:
    """The editions whose as_of is on one date."""

    day: date
    weekday: str
    editions: tuple[EditionLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionsPage(Page):
    """The page of one publish folder."""

    template: ClassVar[str] = "editions.html"

    days: tuple[EditionsOfDay, ...]


_MADE_OF = "select edition, fingerprint, pages from ops.edition where edition = any(%(editions)s)"


def find_editions(conn: psycopg.Connection, kept: Sequence[EditionFolder]) -> dict[str, EditionRow]:
    """Read the facts of editions from `ops.edition`, by name."""
    found = conn.execute(_MADE_OF, {"editions": [edition.name for edition in kept]})
    return {edition: EditionRow(fingerprint, pages) for edition, fingerprint, pages in found}


def build_editions_index(
    kept: Sequence[EditionFolder],
    current: str | None,
    made_of: Mapping[str, EditionRow],
    stamp: Stamp,
    proof: Proof,
    trail: tuple[Link, ...],
) -> EditionsPage:
    """Build the index page.

    Args:
        kept: The editions in the publish folder.
        current: The name of the current edition.
        made_of: The facts from `ops.edition`, by name; may lack editions.
        stamp: The stamp of the page.
        proof: The proof of the page.
        trail: The links to the pages above it.

    Returns:
        The page, with the editions by date, newest first.
    """
    days: dict[date, list[EditionLine]] = {}
    for edition in sorted(kept, key=lambda one: (one.as_of, one.made_at, one.name), reverse=True):
        as_of = formats.local(edition.as_of, stamp.timezone)
        made = made_of.get(edition.name)
        days.setdefault(as_of.date(), []).append(
            EditionLine(
                link=Link(formats.moment(as_of), f"{edition.name}/{INDEX}"),
                made_at=formats.local(edition.made_at, stamp.timezone),
                is_current=edition.name == current,
                pages=formats.number(made.pages) if made else labels.NOT_AVAILABLE,
                fingerprint=made.fingerprint if made else labels.NOT_AVAILABLE,
            )
        )
    return EditionsPage(
        title=labels.EDITIONS,
        trail=trail,
        up="",
        stamp=stamp,
        proof=proof,
        days=tuple(
            EditionsOfDay(day, labels.WEEKDAYS[day.weekday()], tuple(lines))
            for day, lines in days.items()
        ),
    )
