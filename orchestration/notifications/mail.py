"""Sends a message by e-mail, over TLS but to a mail server on this machine."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from email.utils import formatdate

from orchestration.notifications.messages import Message
from orchestration.settings import Settings

_TIMEOUT = 10  # seconds of each step: connecting, one answer


def send(settings: Settings, recipient: str, message: Message) -> str:
    """Send the message to one recipient.

    Args:
        settings: The mail server and the sender.
        recipient: The recipient's address.
        message: The subject and the text.

    Returns:
        Why the server did not accept it, without the address, or an empty string.
    """
    sender = settings.notify_email_from or ""
    mail = EmailMessage()
    mail["From"], mail["To"] = sender, recipient
    mail["Subject"] = f"[Atendimento] {message.subject}"
    mail["Date"] = formatdate()
    mail["Message-ID"] = f"<{message.message_id}@{sender.rpartition('@')[2].strip('> ')}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    try:
        server = _connect(settings)
        try:
            if settings.notify_smtp_user:
                password = settings.notify_smtp_password
                server.login(
                    settings.notify_smtp_user, password.get_secret_value() if password else ""
                )
            server.send_message(mail)
            # The mail has been accepted, whatever the server answers now.
            with suppress(smtplib.SMTPException, OSError):
                server.putcmd("QUIT")
        finally:
            server.close()
    except smtplib.SMTPResponseException as error:
        return f"the mail server answered {error.smtp_code}"
    except (smtplib.SMTPException, OSError, ValueError) as error:
        # The server's own words may repeat the address.
        return f"the mail could not be sent: {type(error).__name__}"
    return ""


def _connect(settings: Settings) -> smtplib.SMTP:
    host, port = settings.notify_smtp_host or "", settings.notify_smtp_port
    if settings.notify_smtp_security == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT, context=ssl.create_default_context())
    server = smtplib.SMTP(host, port, timeout=_TIMEOUT)
    if settings.notify_smtp_security == "starttls":
        try:
            server.starttls(context=ssl.create_default_context())
        except BaseException:
            server.close()
            raise
    return server
