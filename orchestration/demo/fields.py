"""How a text of the demo becomes a field, a login or an e-mail."""

from __future__ import annotations

import unicodedata


def csv_field(text: str) -> str:
    """The text as a field of RFC 4180: quoted only where it must be."""
    if any(sign in text for sign in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def ascii_login(text: str) -> str:
    """The text in lower-case ASCII, for logins and e-mails."""
    decomposed = unicodedata.normalize("NFKD", text.lower())
    return "".join(sign for sign in decomposed if sign.isascii() and sign.isalnum())
