"""Argon2id password hashing, and the rules for new passwords."""

from __future__ import annotations

import re
import secrets
import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from reports.lookup.config import HashCost

SHORTEST = 12
LONGEST = 200
# Of zxcvbn's scores: at least 10^10 guesses by leaked passwords, words, names, dates and patterns.
_LEAST_SCORE = 4
_MOST_SCORED = 72  # zxcvbn's own limit: its time grows faster than the length
# What people here choose, which zxcvbn's lists lack; it finds them with digits and signs too.
_OBVIOUS = """
senha minhasenha novasenha mudar trocar acesso entrar usuario brasil brasileiro deus jesus cristo
jesuscristo senhor familia amor amorzinho amordaminhavida meuamor teamo euteamo gatinha princesa
flamengo corinthians palmeiras saopaulo santos vasco gremio internacional cruzeiro atletico
botafogo fluminense bahia segunda terca quarta quinta sexta sabado domingo feira janeiro fevereiro
marco abril maio junho julho agosto setembro outubro novembro dezembro primavera verao outono
inverno atendimento atendente agenda agendamento gerente telefone whatsapp leadzap oficina
concessionaria carro carros veiculo empresa trabalho primeira temporaria administrador
"""
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
    """Check a new password, also against leaked and obvious ones.

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
    from zxcvbn import zxcvbn  # imported late: its lists take 300 ms

    parts = [part for part in re.split(r"[\W_]+", _folded(f"{login} {name}")) if len(part) > 2]
    folded = _folded(plain)
    if any(len(part) > 3 and part in folded for part in parts):
        return "guessable"
    inputs = [_folded(login), _folded(name), *parts, *_OBVIOUS.split()]
    scores = (zxcvbn(text[:_MOST_SCORED], inputs)["score"] for text in {plain, folded})
    return "guessable" if min(scores) < _LEAST_SCORE else None


def _folded(text: str) -> str:
    """Return a text in lower case and without accents, which no list has."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))


def _plain(password: str) -> str:
    """Normalize the Unicode of a password, which depends on the keyboard, and limit its length."""
    return unicodedata.normalize("NFKC", password[: LONGEST * 4])
