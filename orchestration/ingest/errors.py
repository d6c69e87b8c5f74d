"""How a delivery fails, and the reasons a row is set aside for."""

from __future__ import annotations

import psycopg

from orchestration.errors import DatabaseError, UserError


class DeliveryRefused(UserError):
    """The whole delivery is refused; `str(error)` is the complete message for a person."""


class RetryableRefusal(DeliveryRefused, kind="DeliveryRefused"):
    """Refused for lack of what another delivery may bring; with that, it may be loaded as it is."""


class SourceUnreadable(DeliveryRefused, kind="DeliveryRefused"):
    """Refused since a file of it cannot be read; a right or a disk may be all it lacks."""


class NeedsRowByRow(Exception):
    """Something in a file needs its rows looked at one by one (the slow path)."""


UNCHANGED = "Nothing was loaded; the state before stays."

# A row goes, as it came, to `raw.rejected_row` with one of these (R2).
MISSING_KEY = "missing_key"
MISSING_VALUE = "missing_value"
DOES_NOT_CAST = "does_not_cast"
TOO_LONG = "too_long"
UNKNOWN_CODE = "unknown_code"
OUT_OF_RANGE = "out_of_range"
UNKNOWN_TIMEZONE = "unknown_timezone"
WRONG_NUMBER_OF_FIELDS = "wrong_number_of_fields"
MALFORMED_QUOTES = "malformed_quotes"
DUPLICATE_VERSION = "duplicate_version"
PARENT_CHANGED = "parent_changed"
COMPANY_MISMATCH = "company_mismatch"
# Parked: tried again at every later load.
UNKNOWN_REFERENCE = "unknown_reference"

# Only a reference table has these; they refuse the delivery.
DUPLICATE_KEY = "duplicate_key"
NOT_UNIQUE = "not_unique"
LOSS_REASON_WITHOUT_REFUSE = "loss_reason_without_refuse"

# The classes of SQLSTATE whose text never repeats a value of a row.
_SAFE_CLASSES = ("08", "25", "3F", "40", "42", "53", "55", "57", "58", "XX")


def refused(
    what: str, next_step: str, kind: type[DeliveryRefused] = DeliveryRefused
) -> DeliveryRefused:
    """The message of a refusal: what happened, what was left untouched, what to do next."""
    return kind(f"{what}\n{UNCHANGED} {next_step}")


def interruption(error: BaseException) -> BaseException | None:
    """What told the program to stop, when that is what an error came of."""
    seen: list[BaseException] = []
    current: BaseException | None = error
    while current and current not in seen:
        if not isinstance(current, Exception):
            return current
        seen.append(current)
        current = current.__cause__ or current.__context__
    return None


def unreadable_url(form: str) -> DeliveryRefused:
    """A source's URL that may be read in more than one way; it is not repeated."""
    return refused(
        "The URL of the source cannot be read.",
        f"Write it as {form}, with special characters in a password percent-encoded: %, @, :, /, "
        "? and # as %25, %40, %3A, %2F, %3F and %23.",
    )


def database_failed(error: psycopg.Error) -> DatabaseError:
    """An error of our own database."""
    return DatabaseError(
        f"The database stopped the load: {_said(error)}.\n{UNCHANGED} "
        "Look at the database's log, then run again."
    )


def source_failed(what: str, error: psycopg.Error) -> DeliveryRefused:
    """An error of the database that is read; `what` of it."""
    return refused(
        f"The source cannot be read, {what}: {_said(error)}.",
        "Look at that table or view, and at the log of the source's server, then run again.",
    )


def _said(error: psycopg.Error) -> str:
    """A database's error without the values it may quote: they can be personal data."""
    state = error.sqlstate or ""
    if not state:
        return "the connection was lost"
    if state[:2] in _SAFE_CLASSES and error.diag.message_primary:
        return f"{error.diag.message_primary} (SQLSTATE {state})"
    return f"SQLSTATE {state}"
