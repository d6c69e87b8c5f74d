"""WhatsApp's bodies as events: what is understood, what is unhandled, and that nothing raises."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whatsapp_payloads import body, click, preference, seconds, status

from orchestration.ingest.whatsapp.payload import WhatsAppEvent, events_of, message_key

AT = "2026-11-20T12:00:00+00:00"
FIXTURES = Path(__file__).resolve().parents[4] / "shared" / "data" / "whatsapp_webhooks"


def one(line: bytes) -> WhatsAppEvent:
    (event,) = events_of(line)
    return event


def kind(line: bytes) -> str:
    event = one(line)
    assert event.family == "unhandled"
    return event.what


@pytest.mark.parametrize("name", ["sent", "delivered", "read", "failed"])
def test_a_status_is_of_its_message(name: str) -> None:
    event = one(body([status(name, AT)]))
    assert (event.family, event.key, event.what) == ("status", "d1", name)
    assert event.at is not None
    assert event.at.isoformat() == AT


def test_a_voice_message_that_was_played_was_read() -> None:
    assert one(body([status("played", AT)])) == one(body([status("read", AT)]))


def test_a_failure_keeps_its_code_as_text_and_its_words_once() -> None:
    error = {
        "code": 131026, "title": "Undeliverable", "message": "Undeliverable",
        "error_data": {"details": "No WhatsApp"},
    }  # fmt: skip
    event = one(body([status("failed", AT, errors=[error])]))
    assert (event.error_code, event.error_message) == ("131026", "Undeliverable: No WhatsApp")
    bare = one(body([status("failed", AT)]))
    assert (bare.error_code, bare.error_message) == (None, None)


@pytest.mark.parametrize("form", ["button_reply", "list_reply", "button"])
def test_a_click_is_told_by_its_id_never_by_its_text(form: str) -> None:
    event = one(body(messages=[click("o1", AT, form=form)]))
    assert (event.family, event.key, event.what, event.about) == ("reply", "wamid.r1", "o1", "d1")


@pytest.mark.parametrize("value", ["stop", "resume"])
def test_a_preference_is_of_a_number(value: str) -> None:
    event = one(body(preferences=[preference(value, AT)]))
    assert (event.family, event.key, event.what) == ("preference", "5511987654321", value)


def test_a_body_may_hold_many_events() -> None:
    line = body(
        [status("sent", AT), status("deleted", AT)],
        [
            click("o1", AT),
            {"id": "m", "type": "text", "text": {"body": "Oi"}, "timestamp": seconds(AT)},
        ],
        [preference("stop", AT), preference("signup", AT)],
    )
    assert [(event.family, event.what) for event in events_of(line)] == [
        ("status", "sent"),
        ("unhandled", "statuses/deleted"),
        ("reply", "o1"),
        ("unhandled", "messages/text"),
        ("preference", "stop"),
        ("unhandled", "user_preferences/signup"),
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"{", "unreadable"),
        (b"\xff\xfe\x00", "unreadable"),
        (b"[" * 100_000, "unreadable"),
        (b'{"entry": NaN}', "unreadable"),
        (b"null", "no_webhook"),
        (b'{"entry": [1, {"changes": 3}]}', "no_webhook"),
        (b'{"entry": [{"changes": [{"field": "calls", "value": {"statuses": [{}]}}]}]}', "calls"),
        (b'{"entry": [{"changes": [{"field": 7, "value": null}]}]}', "other"),
        (b'{"entry": [{"changes": [{"field": "messages", "value": {}}]}]}', "messages"),
        (body([status("sent", AT) | {"timestamp": "TIMESTAMP"}]), "statuses/sent/without_time"),
        (body([status("sent", AT) | {"timestamp": "9" * 15}]), "statuses/sent/without_time"),
        (body([status("sent", AT) | {"timestamp": True}]), "statuses/sent/without_time"),
        (body([status("sent", AT) | {"timestamp": "0"}]), "statuses/sent/without_time"),
        (body([status("sent", "2008-12-31T23:59:59+00:00")]), "statuses/sent/without_time"),
        (b'{"entry": [{"changes": [{"field": "x", "value": 1e999}]}]}', "x"),
        (body([status("sent", AT) | {"id": ["d1"]}]), "statuses/sent"),
        (body([status("Rui, 11 98765-4321", AT)]), "statuses/other"),
        (
            body(messages=[click("o1", AT) | {"context": None}]),
            "messages/interactive/button_reply/without_context",
        ),
        (body(messages=[click("", AT)]), "messages/interactive/button_reply"),
        (body(preferences=[preference("stop", AT, "BR.11a98b0000c005")]),
         "user_preferences/stop/without_number"),
        (body(messages=[click("o1", AT) | {"timestamp": ""}]),
         "messages/interactive/button_reply/without_time"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_unhandled_under_a_kind_without_personal_data(
    line: bytes, expected: str
) -> None:
    assert kind(line) == expected


def told(body: object) -> list[tuple[str, str, str | None]]:
    """The kinds of its events, and what of them is unhandled."""
    found = events_of(body if isinstance(body, bytes) else json.dumps(body).encode())
    return [(event.family, event.what, event.payload) for event in found]


SENT = status("sent", AT)


def changed(value: object) -> dict[str, object]:
    return {"field": "messages", "value": value}


@pytest.mark.parametrize(
    ("entries", "unhandled"),
    [
        ([{"changes": [changed({"statuses": SENT}), changed({"statuses": [SENT]})]}],
         ("statuses/no_list", SENT)),
        ([{"changes": [changed({"statuses": [SENT], "messages": "Oi"})]}],
         ("messages/no_list", "Oi")),
        ([{"changes": [changed({"statuses": [SENT, "y"]})]}], ("statuses/no_object", "y")),
        ([{"changes": [changed({"statuses": [SENT, None]})]}], ("statuses/no_object", None)),
        ([{"changes": ["x", changed({"statuses": [SENT]})]}], ("no_change", "x")),
        (["z", {"changes": [changed({"statuses": [SENT]})]}], ("no_entry", "z")),
        ([{"changes": {}}, {"changes": [changed({"statuses": [SENT]})]}],
         ("no_entry", {"changes": {}})),
    ],
)  # fmt: skip
def test_what_is_not_shaped_as_it_should_be_is_unhandled_and_the_rest_is_used(
    entries: list[object], unhandled: tuple[str, object]
) -> None:
    events = told({"entry": entries})
    assert ("status", "sent", None) in events
    ((_, kind, payload),) = (event for event in events if event[0] == "unhandled")
    assert (kind, json.loads(payload or "")) == unhandled


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 5000])
def test_a_number_without_end_spoils_nothing_beside_it(number: str) -> None:
    change = {"field": "x", "value": "NUMBER"}
    whole = {"entry": [{"changes": [changed({"statuses": [SENT]}), change]}]}
    events = told(json.dumps(whole).replace('"NUMBER"', number).encode())
    assert [event[:2] for event in events] == [("status", "sent"), ("unhandled", "x")]
    assert number in str(events[1][2])


def test_an_id_of_the_contract_has_at_most_64_characters() -> None:
    assert message_key("x" * 64) == "x" * 64
    shortened = {message_key("x" * 65), message_key("x" * 66), message_key("x" * 64 + "y")}
    assert len(shortened) == 3
    assert all(len(key) == 50 for key in shortened)


def test_what_postgresql_cannot_store_is_replaced() -> None:
    event = one(body(messages=[click("o\0\ud800", AT, message="d\0")]))
    assert (event.what, event.about) == ("o␀?", "d␀")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["messages", "sent", "interactive", "button_reply", "stop", "1763640000"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["entry", "changes", "field", "value", "statuses", "messages", "errors", "id", "type",
             "timestamp", "status", "context", "interactive", "button", "payload",
             "user_preferences", "wa_id"]
        ),
        inner,
        max_size=6,
    ),
    max_leaves=20,
)  # fmt: skip


@given(json_values, json_values)
def test_no_body_raises_and_none_vanishes(value: Any, field: Any) -> None:
    entry = [{"changes": [{"field": field, "value": value}]}]
    for whole in (value, {"entry": value}, {"entry": entry}):
        events = events_of(json.dumps(whole).encode())
        assert events or whole == {"entry": entry}
        for event in events:
            assert all("\0" not in text for text in event.row if isinstance(text, str))


def fixtures() -> Iterator[tuple[str, Any]]:
    """Every payload of the outside files, some of which hold several under names."""
    for path in sorted(FIXTURES.rglob("*.json")):
        held = json.loads(path.read_text(encoding="utf-8"))
        several = path.parent.name == "pywa" and "entry" not in held
        for name, payload in held.items() if several else [("", held)]:
            yield f"{path.stem} {name}".strip(), payload


@pytest.mark.skipif(not FIXTURES.is_dir(), reason=f"{FIXTURES.name} is not beside the checkout")
def test_every_outside_payload_is_understood_or_unhandled() -> None:
    events = {name: events_of(json.dumps(payload).encode()) for name, payload in fixtures()}
    assert len(list(FIXTURES.rglob("*.json"))) == 66
    assert all(events.values())
    understood = {
        name: [(event.family, event.what) for event in found if event.family != "unhandled"]
        for name, found in events.items()
    }
    assert {name: found for name, found in understood.items() if found} == {
        "callback_button button": [("reply", "callback_data")],
        "callback_button quick_reply": [("reply", "callback_data")],
        "callback_selection callback": [("reply", "callback_data")],
        "callback_selection description": [("reply", "callback_data")],
        "message_status sent": [("status", "sent")],
        "message_status delivered": [("status", "delivered")],
        "message_status read": [("status", "read")],
        "message_status played": [("status", "read")],
        "message_status failed": [("status", "failed")],
        "message_status with_tracker": [("status", "sent")],
        "message_status group": [("status", "read")],
        "user_marketing_preferences resume": [("preference", "resume")],
        "webhook-incoming-message-button": [("reply", "No-Button-Payload")],
        "webhook-incoming-message-status-bsuid": [("status", "delivered")],
        "webhook-incoming-message-status-errors": [("status", "failed")],
        "webhook-incoming-message-status-group-bsuid": [("status", "read")],
    }
    codes = {e.error_code for found in events.values() for e in found if e.what == "failed"}
    assert codes == {"130472", "131026"}
