"""Phones for those who do not work the row: enough to recognise one, too little to phone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reports import labels
from reports.lookup import lookup_labels
from reports.lookup.users import User
from reports.lookup.view_model import Choice
from reports.phone_detection import TextPiece

REASONS = tuple(Choice(code, text, False) for code, text in lookup_labels.REASONS.items())
"""For the form that asks for whole numbers: one must be chosen."""

_HIDDEN = "•"
_WHOLE_NUMBER = 10  # DDD and subscriber
_SHORTEST = 6


class NoReason(Exception):
    """Numbers were asked for without saying why."""


def reason_of(form: Mapping[str, str]) -> str:
    """Why somebody asks for numbers that they do not work, as a code for the access log."""
    reason = form.get("motivo", "")
    if reason not in lookup_labels.REASONS:
        raise NoReason
    return reason


def works(user: User, agent_id: str | None) -> bool:
    """Whether an agenda is the user's to work: their own, and a manager's what has no agent."""
    return agent_id == user.user_id or (agent_id is None and user.is_manager)


def masked(phone: str) -> str:
    """A phone with only DDD, first and last two digits: (11) 9••••-••21. Of a short number the last
    two, of a shorter one nothing.
    """
    if phone == labels.NOT_GIVEN:
        return phone
    places = [place for place, sign in enumerate(phone) if sign.isalnum()]
    kept = set(places[-2:]) if len(places) >= _SHORTEST else set()
    if len(places) >= _WHOLE_NUMBER:
        kept.update(places[:3])
    return "".join(
        _HIDDEN if sign.isalnum() and place not in kept else sign
        for place, sign in enumerate(phone)
    )


def masked_in(text: Iterable[TextPiece]) -> tuple[TextPiece, ...]:
    """A text that somebody wrote, with its phone numbers masked."""
    return tuple(
        [piece._replace(text=masked(piece.text)) if piece.is_number else piece for piece in text]
    )
