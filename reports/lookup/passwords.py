"""Argon2id password hashing, and the rules for new passwords."""

from __future__ import annotations

import secrets
import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from reports.lookup.config import HashCost

SHORTEST = 10
LONGEST = 200
# Without letters and digits that are easily confused.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_AT_ONCE = 2


class Hasher:
    """Hashes and verifies two passwords at a time: each takes 64 MB, and anybody may request it."""

    def __init__(self, cost: HashCost) -> None:
        self._hasher = PasswordHasher(
            time_cost=cost.passes, memory_cost=cost.memory, parallelism=cost.lanes, type=Type.ID
        )
        self._turn = threading.BoundedSemaphore(_AT_ONCE)
        self._nobodys = self._hasher.hash(secrets.token_urlsafe())

    def hash(self, password: str) -> str:
        """Return the hash to store."""
        with self._turn:
            return self._hasher.hash(_plain(password))

    def verify(self, kept: str | None, password: str) -> bool:
        """Whether the password matches the hash; without a hash, False after the same time."""
        with self._turn:
            try:
                matches = self._hasher.verify(kept or self._nobodys, _plain(password))
            except (VerificationError, InvalidHashError):
                return False
        return matches and kept is not None


def generate_password() -> str:
    """Return an initial password: 15 characters in groups of three, 74 bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(3)) for _ in range(5))


def password_problem(password: str, *, login: str, name: str) -> str | None:
    """Check a new password.

    Args:
        password: The password.
        login: The user's login, which it must not contain.
        name: The user's name, whose words it must not contain.

    Returns:
        A key of `lookup_labels.OBJECTIONS`, or None if it is accepted.
    """
    plain = _plain(password)
    if len(plain) < SHORTEST:
        return "short"
    if len(plain) > LONGEST:
        return "long"
    told = plain.casefold()
    parts = {login, *login.split("."), *name.split()}
    if len(set(told)) < 5 or any(part.casefold() in told for part in parts if len(part) > 3):
        return "guessable"
    return None


def _plain(password: str) -> str:
    """Normalize the Unicode of a password, which depends on the keyboard, and limit its length."""
    return unicodedata.normalize("NFKC", password[: LONGEST * 4])
