"""Sends a message to a chat (Teams, Slack and others) by Apprise, in a child process.

Apprise has no time-out for an attempt as a whole; a process can be killed.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apprise import NotifyBase

    from orchestration.notifications.messages import Message

TIMEOUT = 25.0  # seconds; less than `channels.py` gives an attempt, so that the child is killed
_LOCAL = ("localhost", "127.0.0.1")


def send(url: str, message: Message) -> str:
    """Send the message to one chat.

    Args:
        url: Apprise's URL of the chat, which holds its secret.
        message: The subject and the text.

    Returns:
        Why it was not accepted, without the URL, or an empty string.
    """
    request = {
        "url": url,
        "title": message.subject,
        "body": message.text,
        "notify_type": "warning" if message.began else "success" if message.ended else "info",
    }
    try:
        child = subprocess.run(
            [sys.executable, "-P", __file__],
            input=json.dumps(request),  # an argument could be read by other accounts
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what Apprise logs may repeat the URL
            encoding="utf-8",
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it did not end within {TIMEOUT:g} seconds"
    return child.stdout if child.returncode == 0 else f"Apprise ended with {child.returncode}"


def main() -> None:
    """Send the request on standard input; write why it failed to standard output."""
    import requests
    from apprise import NotifyFormat

    signal.alarm(int(TIMEOUT))  # the parent may have been killed before it could end this process
    reasons: list[str] = []
    send_request = requests.Session.send

    def recorded(session: requests.Session, *args: Any, **options: Any) -> requests.Response:
        """Send a request and keep why it failed, which Apprise only logs."""
        try:
            response = send_request(session, *args, **options)
        except requests.RequestException as error:
            reasons.append(f"it could not be reached: {type(error).__name__}")
            raise
        if response.status_code >= 300:
            reasons.append(f"it answered {response.status_code}")
        return response

    requests.Session.send = recorded  # type: ignore[assignment, method-assign]
    request = json.load(sys.stdin)
    try:
        chat = open_chat(request.pop("url"))
    except ValueError as error:
        print(error, end="")
        return
    if not chat.notify(body_format=NotifyFormat.TEXT, **request):
        print(reasons[-1] if reasons else "Apprise could not send it", end="")


def open_chat(url: str) -> NotifyBase:
    """Return Apprise's service of this URL.

    Raises ValueError when it names none, several recipients, or a service that would be told
    without encryption.
    """
    from apprise import Apprise, AppriseAsset

    chat = Apprise.instantiate(url, asset=AppriseAsset(http_redirects=False))
    if chat is None:
        raise ValueError("its address is not one of Apprise's: see the service's page there")
    scheme, protocol = url.partition("://")[0].lower(), chat.protocol or ()
    if scheme in ((protocol,) if isinstance(protocol, str) else protocol) and (
        chat.host not in _LOCAL
    ):
        raise ValueError(f"{scheme}:// is not encrypted: use the service's encrypted scheme")
    if len(chat) > 1:
        raise ValueError("its address names several recipients: give each an address of its own")
    return chat


if __name__ == "__main__":
    main()
