"""Masking of phones for users who do not work the row, and the reason required to see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reports import labels
from reports.lookup import lookup_labels
from reports.lookup.users import User
from reports.lookup.view_model import Choice
from reports.pages.call_list import CallListPage
from reports.pages.ficha import Ficha, FichaPage
from reports.phone_detection import TextPiece
from reports.phrases import Phone
from reports.view_model import Page

REASONS = tuple(Choice(code, text, False) for code, text in lookup_labels.REASONS.items())
"""The options of the form that requests unmasked numbers; none is preselected."""

_HIDDEN = "•"
_WHOLE_NUMBER = 10  # DDD and subscriber
_SHORTEST = 6


class NoReason(Exception):
    """Unmasked numbers were requested without a valid reason."""


def reason_of(form: Mapping[str, str]) -> str:
    """Return the reason code of a request for unmasked numbers, for the access log."""
    reason = form.get("motivo", "")
    if reason not in lookup_labels.REASONS:
        raise NoReason
    return reason


def works(user: User, agent_id: str | None) -> bool:
    """Whether the user works an agenda: their own or, for a manager, one without an agent."""
    return agent_id == user.user_id or (agent_id is None and user.is_manager)


def masked(phone: str) -> str:
    """Mask a phone except DDD, first digit and last two: (11) 9••••-••21.

    A short number shows its last two digits, a very short one none.
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


def masked_page(page: Page) -> Page:
    """Mask every phone on a call list or Fichas page; other pages hold none."""
    if isinstance(page, CallListPage):
        rows = tuple([row._replace(phone=_masked_phone(row.phone)) for row in page.rows])
        return replace(page, rows=rows, is_masked=True)
    if isinstance(page, FichaPage):
        return replace(page, fichas=tuple([masked_ficha(ficha) for ficha in page.fichas]))
    return page


def masked_ficha(ficha: Ficha) -> Ficha:
    """Mask every phone in a Ficha, including those in notes."""
    return ficha._replace(
        phone=_masked_phone(ficha.phone),
        mobile=masked(ficha.mobile),
        landline=masked(ficha.landline),
        history=tuple([event._replace(note=masked_in(event.note)) for event in ficha.history]),
    )


def _masked_phone(phone: Phone | None) -> Phone | None:
    # The link holds the full number.
    return phone and phone._replace(text=masked(phone.text), href="")


def masked_in(text: Iterable[TextPiece]) -> tuple[TextPiece, ...]:
    """Mask the phone numbers in free text."""
    return tuple(
        [piece._replace(text=masked(piece.text)) if piece.is_number else piece for piece in text]
    )
