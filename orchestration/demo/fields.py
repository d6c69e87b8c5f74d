"""Formats texts of the demo as CSV fields and logins."""

from __future__ import annotations

import unicodedata


def csv_field(text: str) -> str:
    """Return a text as an RFC 4180 field, quoted only if necessary."""
    if any(sign in text for sign in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def ascii_login(text: str) -> str:
    """Return a text in lower-case ASCII, for logins and e-mail addresses."""
    decomposed = unicodedata.normalize("NFKD", text.lower())
    return "".join(sign for sign in decomposed if sign.isascii() and sign.isalnum())
