"""Parses a webhook body into events: statuses, replies, preferences, and unhandled content.

Values of an event are text that PostgreSQL can store, and its ids fit the contract.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NoReturn, TypeGuard

from orchestration.ingest.contract import ID_LENGTH, LATEST_YEAR

Family = Literal["status", "reply", "preference", "unhandled"]

# `played` is reported for voice messages and implies that they were read.
STATUSES = {
    "sent": "sent", "delivered": "delivered", "read": "read", "played": "read", "failed": "failed",
}  # fmt: skip
PREFERENCES = ("stop", "resume")

# WhatsApp exists since 2009. The earliest time of a status wins, so a zero would stay forever.
_EARLIEST = int(datetime(2009, 1, 1, tzinfo=UTC).timestamp())
_AFTER_LATEST = int(datetime(LATEST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp())
_SECONDS = re.compile(r"[0-9]{1,15}")
_PLAIN_KIND = re.compile(r"[a-z0-9_]{1,40}")
_ERROR_LENGTH = 500
_LONGEST_INTEGER = 100
_UNREADABLE_LENGTH = 1 << 20


@dataclass(frozen=True, slots=True)
class WhatsAppEvent:
    """One event, stored as one row.

    `key` is the message of a status, the id of a reply, the number of a preference, or the digest
    of unhandled content. `what` is the status, the option, `stop` or `resume`, or the kind of
    unhandled content. `about` is the message replied to.
    """

    family: Family
    key: str
    what: str
    at: datetime | None = None
    about: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    payload: str | None = None

    @property
    def row(self) -> tuple[object, ...]:
        """The values in the order of the COPY columns."""
        return (
            self.family, self.key, self.what, self.at, self.about,
            self.error_code, self.error_message, self.payload,
        )  # fmt: skip


def events_of(line: bytes) -> list[WhatsAppEvent]:
    """Parse a body into events; an unreadable body becomes one unhandled event."""
    try:
        body = json.loads(
            line, parse_constant=_no_constant, parse_float=_fraction, parse_int=_integer
        )
        return list(_of_body(body))
    except (ValueError, RecursionError):
        text = line[:_UNREADABLE_LENGTH].decode("utf-8", "backslashreplace")
        return [_unhandled("unreadable", text)]


def message_key(message_id: str) -> str:
    """Return a message's id, or its digest when it is longer than the contract allows.

    Ids of messages from clients often have 66 or 82 characters; the contract allows 64.
    """
    if len(message_id) <= ID_LENGTH:
        return _storable(message_id)
    digest = hashlib.sha256(message_id.encode("utf-8", "surrogatepass")).digest()
    return "sha256." + base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _of_body(body: Any) -> Iterator[WhatsAppEvent]:
    entries = _items(body.get("entry")) if _is_object(body) else []
    if not any(_is_object(change) for entry in entries for change in _changes(entry)):
        yield _unhandled("no_webhook", body)
        return
    for entry in entries:
        if not _is_object(entry) or not isinstance(entry.get("changes", []), list):
            yield _unhandled("no_entry", entry)
        for change in _changes(entry):
            yield from (
                _of_change(entry, change)
                if _is_object(change)
                else [_unhandled("no_change", change)]
            )


def _of_change(entry: dict[str, Any], change: dict[str, Any]) -> Iterator[WhatsAppEvent]:
    # The id and time of the entry tell a repeated notice about an account from a new one.
    whole = {"id": entry.get("id"), "time": entry.get("time"), **change}
    value = change.get("value")
    found = list(_of_value(change.get("field"), value, whole) if _is_object(value) else ())
    yield from found or [_unhandled(_kind(change.get("field")), whole)]


def _of_value(
    field: object, value: dict[str, Any], whole: dict[str, Any]
) -> Iterator[WhatsAppEvent]:
    if field == "messages":
        yield from _of_list(value, "statuses", _of_status)
        yield from _of_list(value, "messages", _of_message)
        if value.get("errors"):
            yield _unhandled("messages/errors", {**whole, "value": {"errors": value["errors"]}})
    elif field == "user_preferences":
        yield from _of_list(value, "user_preferences", _of_preference)


def _of_list(
    value: dict[str, Any], name: str, understood: Callable[[dict[str, Any]], WhatsAppEvent]
) -> Iterator[WhatsAppEvent]:
    items = value.get(name)
    if items is not None and not isinstance(items, list):
        yield _unhandled(_kind(name, "no_list"), items)
    for item in _items(items):
        yield understood(item) if _is_object(item) else _unhandled(_kind(name, "no_object"), item)


def _of_status(item: dict[str, Any]) -> WhatsAppEvent:
    message, status, at = item.get("id"), item.get("status"), _instant(item.get("timestamp"))
    said = STATUSES.get(status) if _is_text(status) else None
    if said is None or not _is_text(message) or at is None:
        return _unhandled(_kind("statuses", status, *_without_time(at)), item)
    code = explained = None
    if said == "failed":
        code, explained = _first_error(item.get("errors"))
    return WhatsAppEvent("status", message_key(message), said, at, None, code, explained)


def _of_message(item: dict[str, Any]) -> WhatsAppEvent:
    """A reply is identified by the id of its option, since labels may be reworded."""
    kind, option = item.get("type"), None
    parts: list[object] = ["messages", kind]
    if kind == "button" and _is_object(button := item.get("button")):
        option = button.get("payload")
    elif kind == "interactive" and _is_object(interactive := item.get("interactive")):
        form = interactive.get("type")
        parts.append(form)
        chosen = interactive.get(form) if form in ("button_reply", "list_reply") else None
        option = chosen.get("id") if _is_object(chosen) else None
    context = item.get("context")
    about = context.get("id") if _is_object(context) else None
    own, at = item.get("id"), _instant(item.get("timestamp"))
    if not _is_text(option) or not _is_text(own) or at is None:
        return _unhandled(_kind(*parts, *_without_time(at)), item)
    if len(option) > ID_LENGTH:
        return _unhandled(_kind(*parts, "too_long"), item)
    if not _is_text(about):
        return _unhandled(_kind(*parts, "without_context"), item)
    return WhatsAppEvent("reply", message_key(own), _storable(option), at, message_key(about))


def _of_preference(item: dict[str, Any]) -> WhatsAppEvent:
    number, value, at = item.get("wa_id"), item.get("value"), _instant(item.get("timestamp"))
    if value not in PREFERENCES or not _is_text(number) or len(number) > ID_LENGTH or at is None:
        return _unhandled(_kind("user_preferences", value, *_without_time(at)), item)
    if any(map(str.isalpha, number)):  # R10: a user id such as BR.1a2 is no number
        return _unhandled(_kind("user_preferences", value, "without_number"), item)
    return WhatsAppEvent("preference", _storable(number), value, at)


def _first_error(errors: object) -> tuple[str | None, str | None]:
    """WhatsApp's numeric code as text, and its description."""
    for error in filter(_is_object, _items(errors)):
        code = error.get("code")
        data = error.get("error_data")
        said = [
            error.get("message") or error.get("title"),
            data.get("details") if _is_object(data) else None,
        ]
        words = ": ".join(dict.fromkeys(_storable(part) for part in said if _is_text(part)))
        known = isinstance(code, (int, str)) and not isinstance(code, bool)
        return (
            _storable(str(code))[:ID_LENGTH] or None if known else None,
            words[:_ERROR_LENGTH] or None,
        )
    return None, None


def _instant(value: object) -> datetime | None:
    """Parse seconds since 1970, from WhatsApp's first year to the contract's last."""
    text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    if not _SECONDS.fullmatch(text) or not _EARLIEST <= int(text) < _AFTER_LATEST:
        return None
    return datetime.fromtimestamp(int(text), UTC)


def _without_time(at: datetime | None) -> tuple[str, ...]:
    return () if at else ("without_time",)


def _unhandled(kind: str, payload: object) -> WhatsAppEvent:
    text = json.dumps(payload, sort_keys=True, allow_nan=False, separators=(",", ":"))
    return WhatsAppEvent(
        "unhandled", hashlib.sha256(f"{kind} {text}".encode()).hexdigest(), kind, payload=text
    )


def _kind(*parts: object) -> str:
    """Join identifiers of the API; any other value could be personal data and becomes `other`."""
    return "/".join(
        part if isinstance(part, str) and _PLAIN_KIND.fullmatch(part) else "other" for part in parts
    )


def _changes(entry: object) -> list[Any]:
    return _items(entry.get("changes")) if _is_object(entry) else []


def _items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and value != ""


def _storable(text: str) -> str:
    """Replace NUL and lone surrogates, which PostgreSQL cannot store."""
    return text.replace("\0", "\N{SYMBOL FOR NULL}").encode("utf-8", "replace").decode()


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"JSON has no {name}")


def _fraction(text: str) -> float | str:
    """Keep a number that overflows a float as text."""
    number = float(text)
    return number if math.isfinite(number) else text


def _integer(text: str) -> int | str:
    """Keep an integer too long for Python to parse as text."""
    return int(text) if len(text) <= _LONGEST_INTEGER else text
