"""Phones for those who do not work the row: enough to recognise one, too little to phone.

Belongs here: who works a row, and what they see of a number when they do not. Does not: showing a
number after all, which is an action of its own (`ficha_page.py`).
"""

from __future__ import annotations

from reports import labels
from reports.lookup.users import User

_HIDDEN = "•"
_WHOLE_NUMBER = 10  # DDD and subscriber
_SHORTEST = 6


def works(user: User, agent_id: str | None) -> bool:
    """Whether an agenda is the user's own to work."""
    return agent_id == user.user_id


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
