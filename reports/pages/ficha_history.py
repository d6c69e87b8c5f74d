"""The timeline of a Ficha: the events of an agenda."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from reports import formats, labels
from reports.phone_detection import TextPiece, split_phones
from reports.queries.ficha import HistoryRow


class TimelineEvent(NamedTuple):
    """An event at a local time; `kind` is its code, `note` free text split at phone numbers."""

    kind: str
    at: datetime
    words: str
    note: tuple[TextPiece, ...]


_DETAILS = {
    "queued": labels.PURPOSES,
    "failed": {code: cause.words for code, cause in labels.CAUSES.items()},
    "called": labels.OUTCOMES,
    "booked": labels.CHANNELS,
    "no_show": labels.NO_SHOW_KINDS,
}


def build_timeline(rows: Iterable[HistoryRow]) -> tuple[TimelineEvent, ...]:
    """Format the events of an agenda."""
    return tuple(
        [
            TimelineEvent(
                event, at, _words(event, detail, moment), split_phones(_note(person, note))
            )
            for _, at, event, detail, moment, person, note in rows
        ]
    )


@lru_cache(maxsize=1024)
def _words(event: str, detail: str | None, moment: datetime | None) -> str:
    words = labels.EVENTS.get(event, event)
    return words.format(
        detail=_DETAILS.get(event, {}).get(detail or "", detail or ""),
        moment=formats.moment(moment) if moment is not None else "",
    )


def _note(person: str | None, note: str | None) -> str:
    if person is None:
        return note or ""
    by = labels.CALLED_BY.format(person=person)
    return f"{by}: {note}" if note else by
