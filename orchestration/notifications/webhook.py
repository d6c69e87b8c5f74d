"""Posts a message as JSON to a webhook, signed with the installation's key."""

from __future__ import annotations

import hashlib
import hmac
import json
import urllib.error
import urllib.request
from dataclasses import asdict
from http.client import HTTPException
from typing import Any

from orchestration.notifications.messages import Message

SIGNATURE = "X-Atendimento-Signature-256"
_TIMEOUT = 10  # seconds of each step: connecting, one part of an answer


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Treats a redirect as a failure: a message is for the address that was set."""

    def redirect_request(self, *_: Any) -> None:
        """Follow nothing."""


def post(url: str, secret: bytes, message: Message) -> str:
    """Post the message.

    Args:
        url: The webhook's address, which may hold a secret.
        secret: The key of the signature; empty for none.
        message: What is posted, as JSON.

    Returns:
        Why it was not accepted, without the address, or an empty string.
    """
    body = json.dumps(asdict(message), ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "atendimento",
        "Idempotency-Key": message.message_id,
    }
    if secret:
        headers[SIGNATURE] = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 — https
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=_TIMEOUT):
            return ""
    except urllib.error.HTTPError as error:
        with error:
            return f"it answered {error.code}"
    except urllib.error.URLError as error:
        reason = error.reason
        said = reason.strerror if isinstance(reason, OSError) and reason.strerror else str(reason)
        return f"it could not be reached: {said}"
    except (OSError, HTTPException, ValueError) as error:
        return f"it could not be reached: {type(error).__name__}"
