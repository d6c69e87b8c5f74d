"""Phone numbers of erased clients: kept as keyed hashes, and found again in what comes later.

A number kept as it is would not be erased, and a plain hash of eleven digits is guessed in a
minute; the key is in the state folder. What somebody tells after their number was erased is new.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from orchestration.ingest.redaction import erasure_key

# Digits that belong together, however they are parted: `+55 (93) 9 9871-2345`, `93";"998712345`.
_SEQUENCE = re.compile(r"[0-9]+(?:\W{1,3}[0-9]+)*")
_RUN = re.compile(r"[0-9]+")
_SHORTEST, _LONGEST = 10, 15
_PREFIX = re.compile(r"0*(?:55)?0*")
_WITH_COUNTRY = re.compile(r"55[0-9]{10,11}")
_WITH_NINTH_DIGIT = re.compile(r"[0-9]{2}9[6-9][0-9]{7}")
# Wider than the widest gap within a number.
_APART = " | | "
# Seconds since 1970 look like a number of DDD 17.
_TIMES = re.compile(r"time(?:stamp)?\W{1,6}[0-9]+")


@dataclass(frozen=True, slots=True)
class ErasedNumbers:
    """The hashes, each with the moment until which what has the number in it is erased."""

    secrets: tuple[bytes, ...] = ()
    until: Mapping[bytes, datetime] = field(default_factory=dict)

    def __contains__(self, key: str) -> bool:
        return self._until(key) is not None

    def whenever(self) -> ErasedNumbers:
        """The same for what is stored, which was all told before."""
        return replace(self, until=dict.fromkeys(self.until, datetime.max.replace(tzinfo=UTC)))

    def in_text(self, text: str, told_at: datetime | None = None) -> bool:
        """Whether a text told then (None: nobody knows when) has an erased number in it."""
        return any(
            until is not None and (told_at is None or told_at <= until)
            for until in map(self._until, numbers_in(text))
        )

    def in_event(self, line: str | bytes) -> bool:
        """The same for what WhatsApp sent, or a part of it."""
        text = line if isinstance(line, str) else line.decode("utf-8", "backslashreplace")
        try:
            value = json.loads(text)
            return self.in_text(_APART.join(_texts(value)), max(_times(value), default=None))
        except (ValueError, RecursionError):
            return self.in_text(_TIMES.sub("", text))

    def _until(self, key: str) -> datetime | None:
        hashes = (hash_of(secret, key) for secret in self.secrets)
        return next((self.until[one] for one in hashes if one in self.until), None)


def number_keys(digits: str) -> set[str]:
    """What the digits may be known by: the key of R10 where they have one, and the key of what is
    left without zeros in front and the country. Empty when they are too few or too many to be a
    number with its DDD.
    """
    forms = (digits, digits.lstrip("0"), _PREFIX.sub("", digits))
    return {key for form in forms if _SHORTEST <= len(key := _key(form)) <= _LONGEST}


def numbers_in(text: str) -> Iterator[str]:
    """The keys of all that may be a number in a text: whole runs of digits, or some in a row."""
    for sequence in _SEQUENCE.finditer(text):
        runs = _RUN.findall(sequence[0])
        for first in range(len(runs)):
            digits = ""
            for run in runs[first:]:
                digits += run
                if len(digits) > _LONGEST:
                    break
                yield from number_keys(digits)


def _key(digits: str) -> str:
    national = digits[2:] if _WITH_COUNTRY.fullmatch(digits) else digits
    return national[:2] + national[3:] if _WITH_NINTH_DIGIT.fullmatch(national) else national


def hash_of(secret: bytes, key: str) -> bytes:
    """What is kept of a number."""
    return hmac.digest(secret, key.encode(), "sha256")


def read_erased_numbers(
    conn: psycopg.Connection, home: Path | None, client_id: str | None = None
) -> ErasedNumbers:
    """Return the numbers of one client, or all that are kept.

    Args:
        conn: A connection to the database.
        home: The state folder, which has the key.
        client_id: The client; None for all.

    Returns:
        The hashes with the keys they were made with.

    Raises:
        ErasureKeyMissing: The state folder lacks a key.
    """
    keys = erasure_key.read_keys(home, conn)
    rows = conn.execute(
        "select number_hash, erased_at from access.erased_number"
        " where client_id = %(client)s or %(client)s::text is null",
        {"client": client_id},
    )
    return ErasedNumbers(keys, dict(rows.fetchall()))


def insert_erased_numbers(
    conn: psycopg.Connection, home: Path | None, client_id: str, keys: Iterable[str]
) -> None:
    """Keep the hashes of a client's numbers, erased now.

    Args:
        conn: A connection on which the erasure's transaction is open.
        home: The state folder, which has the key or gets one.
        client_id: The client.
        keys: The numbers, as `number_keys` returns them.

    Raises:
        ErasureKeyMissing: The state folder lacks a key that the database needs.
    """
    secret = erasure_key.ensure_key(home, conn)
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into access.erased_number (number_hash, client_id) values (%s, %s)"
            " on conflict (number_hash) do update"
            " set client_id = excluded.client_id, erased_at = excluded.erased_at",
            [(hash_of(secret, key), client_id) for key in sorted(keys)],
        )


def _texts(value: Any) -> Iterator[str]:
    """Every value that is no time."""
    if isinstance(value, dict):
        for name, part in value.items():
            if name != "time" and not name.endswith("timestamp"):
                yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, str | int):
        yield str(value)


def _times(value: Any) -> Iterator[datetime]:
    """When somebody said something; what became of a message to them is nothing they said."""
    if isinstance(value, dict):
        seconds = str(value.get("timestamp"))
        if "recipient_id" not in value and re.fullmatch("[0-9]{1,11}", seconds):
            yield datetime.fromtimestamp(int(seconds), UTC)
        for part in value.values():
            yield from _times(part)
    elif isinstance(value, list):
        for part in value:
            yield from _times(part)
