"""Webhook bodies for tests, shaped as WhatsApp shapes them, and loading them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestration.ingest.load import LoadResult, LoadSettings, load_delivery
from orchestration.postgres.database import Database

NUMBER = "5511987654321"


def seconds(instant: str) -> str:
    """An instant as WhatsApp writes it."""
    return str(int(datetime.fromisoformat(instant).timestamp()))


def status(
    name: str, at: str, message: str = "d1", errors: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    """What became of a message."""
    told = {"id": message, "status": name, "timestamp": seconds(at), "recipient_id": NUMBER}
    return told | ({"errors": list(errors)} if errors else {})


def click(
    option: str, at: str, message: str = "d1", own: str = "wamid.r1", form: str = "button_reply"
) -> dict[str, Any]:
    """A button (of a message or of a template) or a row of a list, clicked."""
    said: dict[str, Any] = {
        "from": NUMBER, "id": own, "timestamp": seconds(at), "context": {"id": message},
    }  # fmt: skip
    if form == "button":
        return said | {"type": form, "button": {"payload": option, "text": "Ligar"}}
    chosen = {"type": form, form: {"id": option, "title": "Ligar"}}
    return said | {"type": "interactive", "interactive": chosen}


def preference(value: str, at: str, number: str = NUMBER) -> dict[str, Any]:
    """Marketing messages stopped or resumed in WhatsApp itself."""
    return {
        "wa_id": number, "category": "marketing_messages", "value": value,
        "timestamp": int(seconds(at)),
    }  # fmt: skip


def body(
    statuses: Sequence[dict[str, Any]] = (),
    messages: Sequence[dict[str, Any]] = (),
    preferences: Sequence[dict[str, Any]] = (),
) -> bytes:
    """One webhook body with these events."""
    changes: list[dict[str, Any]] = []
    if statuses or messages:
        told = {"statuses": list(statuses), "messages": list(messages)}
        changes.append(
            {"field": "messages", "value": {key: items for key, items in told.items() if items}}
        )
    if preferences:
        value = {"user_preferences": list(preferences)}
        changes.append({"field": "user_preferences", "value": value})
    entry = [{"id": "1", "changes": changes}]
    return json.dumps({"object": "whatsapp_business_account", "entry": entry}).encode()


def spooled(folder: Path, bodies: Iterable[bytes], name: str = "1") -> Path:
    """A closed file of bodies in a spool folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.jsonl").write_bytes(b"".join(line + b"\n" for line in bodies))
    return folder


def receive(database: Database, spool: Path, *bodies: bytes) -> LoadResult:
    """Load these bodies, and nothing else, from a spool folder."""
    settings = LoadSettings(whatsapp_spool=spooled(spool, bodies))
    return load_delivery(database, None, settings)
