"""`atendimento webhook`: receive WhatsApp's events."""

from __future__ import annotations

from orchestration.cli.parameters import Host, Port, show_progress
from orchestration.errors import UsageError, UserError


def webhook(host: Host = "127.0.0.1", port: Port = 8001) -> None:
    """Receive WhatsApp's events; off unless started."""
    from orchestration.settings import load_settings

    settings = load_settings()
    secret, token = settings.whatsapp_app_secret, settings.whatsapp_verify_token
    if secret is None or token is None:
        raise UsageError(
            "The receiver is off: set ATENDIMENTO_WHATSAPP_APP_SECRET to the app secret and "
            "ATENDIMENTO_WHATSAPP_VERIFY_TOKEN to a token of your own (docs/whatsapp.md)."
        )
    from orchestration.http_server.listening import bind_socket
    from orchestration.webhook.server import serve_webhook

    show_progress(settings)
    folder = settings.whatsapp_spool
    listening = bind_socket(host, port)
    print(f"Receiving into {folder} on {host}, port {port}.", flush=True)
    try:
        serve_webhook(settings, secret.get_secret_value(), token.get_secret_value(), listening)
    except OSError as error:
        raise UserError(f"{folder} cannot be used: {error.strerror}.") from error
    print("Stopped receiving. The next run loads what has come.")
