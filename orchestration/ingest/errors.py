"""Errors of a load, and the reasons for which a row is rejected or parked."""

from __future__ import annotations

import psycopg

from orchestration.errors import DatabaseError, UserError


class DeliveryRefused(UserError):
    """The whole delivery is refused; `str(error)` is the complete message for the user."""


class RetryableRefusal(DeliveryRefused, kind="DeliveryRefused"):
    """The delivery may be loaded unchanged once another delivery has brought what it lacks."""


class SourceUnreadable(DeliveryRefused, kind="DeliveryRefused"):
    """A file of the delivery cannot be read, for example for lack of permission."""


class NeedsRowByRow(Exception):
    """The fast path cannot handle the table; read it row by row instead."""


LARGEST_SETTING = "ATENDIMENTO_MAX_FILE_MB"
UNCHANGED = "Nothing was loaded; the state before stays."

# Reasons in `raw.rejected_row`, where rows are stored as delivered (R2).
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
# A parked row: retried at every later load.
UNKNOWN_REFERENCE = "unknown_reference"

# Faults of reference tables only; they refuse the delivery.
DUPLICATE_KEY = "duplicate_key"
NOT_UNIQUE = "not_unique"
LOSS_REASON_WITHOUT_REFUSE = "loss_reason_without_refuse"

# SQLSTATE classes whose messages never quote row values.
_SAFE_CLASSES = ("08", "25", "3F", "40", "42", "53", "55", "57", "58", "XX")


def refused(
    what: str, next_step: str, kind: type[DeliveryRefused] = DeliveryRefused
) -> DeliveryRefused:
    """Build the error of a refused delivery.

    Args:
        what: What happened.
        next_step: What the user should do.
        kind: The class of the error.

    Returns:
        The error, its message stating also that nothing was loaded.
    """
    return kind(f"{what}\n{UNCHANGED} {next_step}")


def too_large(name: str, largest: int) -> DeliveryRefused:
    """Build the error for a file with more than `largest` bytes, decompressed."""
    return refused(
        f"{name}: the file has more than {largest >> 20:,} MB, decompressed.",
        f"Check what it holds; for more, raise {LARGEST_SETTING}.",
    )


def unsupported_type(name: str, column: str, kind: str) -> DeliveryRefused:
    """Build the error for a column of a type that a CSV file could not hold.

    Args:
        name: The file or relation.
        column: Its column.
        kind: The type.

    Returns:
        The error.
    """
    return refused(
        f"{name}: the column {column} holds {kind}, for which a file of text has no spelling.",
        "Deliver text, numbers, dates, timestamps, booleans or UUIDs.",
    )


def interruption(error: BaseException) -> BaseException | None:
    """Return the interruption (such as KeyboardInterrupt) that caused an error, or None."""
    seen: list[BaseException] = []
    current: BaseException | None = error
    while current and current not in seen:
        if not isinstance(current, Exception):
            return current
        seen.append(current)
        current = current.__cause__ or current.__context__
    return None


def unreadable_url(form: str) -> DeliveryRefused:
    """Build the error for an ambiguous source URL, without repeating the URL."""
    return refused(
        "The URL of the source cannot be read.",
        f"Write it as {form}, with special characters in a password percent-encoded: %, @, :, /, "
        "? and # as %25, %40, %3A, %2F, %3F and %23.",
    )


def database_failed(error: psycopg.Error) -> DatabaseError:
    """Convert an error of the project's own database."""
    return DatabaseError(
        f"The database stopped the load: {_said(error)}.\n{UNCHANGED} "
        "Look at the database's log, then run again."
    )


def source_failed(what: str, error: psycopg.Error) -> DeliveryRefused:
    """Convert an error of the source database; `what` names the relation or schema."""
    return refused(
        f"The source cannot be read, {what}: {_said(error)}.",
        "Look at that table or view, and at the log of the source's server, then run again.",
    )


def _said(error: psycopg.Error) -> str:
    """A database error without the row values that it may quote, which can be personal data."""
    state = error.sqlstate or ""
    if not state:
        return "the connection was lost"
    if state[:2] in _SAFE_CLASSES and error.diag.message_primary:
        return f"{error.diag.message_primary} (SQLSTATE {state})"
    return f"SQLSTATE {state}"
