"""Passwords: hashing with Argon2id, and which ones are accepted."""

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
# Without letters and digits that are taken for each other when read aloud or from paper.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_AT_ONCE = 2


class Hasher:
    """Hashes and verifies, a few at a time: each takes 64 MB, and anybody may ask."""

    def __init__(self, cost: HashCost) -> None:
        self._hasher = PasswordHasher(
            time_cost=cost.passes, memory_cost=cost.memory, parallelism=cost.lanes, type=Type.ID
        )
        self._turn = threading.BoundedSemaphore(_AT_ONCE)
        self._nobodys = self._hasher.hash(secrets.token_urlsafe())

    def hash(self, password: str) -> str:
        """The hash to keep."""
        with self._turn:
            return self._hasher.hash(_plain(password))

    def verify(self, kept: str | None, password: str) -> bool:
        """Whether it is the password of the hash. Without a hash it takes as long, and is not."""
        with self._turn:
            try:
                matches = self._hasher.verify(kept or self._nobodys, _plain(password))
            except (VerificationError, InvalidHashError):
                return False
        return matches and kept is not None


def generate_password() -> str:
    """A password to hand over: 15 letters in threes, 74 bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(3)) for _ in range(5))


def password_problem(password: str, *, login: str, name: str) -> str | None:
    """Why a new password is not accepted, as a code of `labels`; None when it is."""
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
    """One spelling of the same signs, whatever keyboard they come from; never without an end."""
    return unicodedata.normalize("NFKC", password[: LONGEST * 4])
