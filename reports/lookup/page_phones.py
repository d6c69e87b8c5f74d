"""The phones of a generated page, for readers who do not work its rows.

A page says in its head that its phones are marked, each with `data-phone`. One that does not say
so, or holds a number to phone that is not marked, is not shown at all: an edition of an earlier
version is such.
"""

from __future__ import annotations

import re
from html import escape, unescape

from reports.lookup.masking import masked

_IS_MARKED = b'<meta name="phones" content="marked">'
_MARK = b" data-phone>"
_PHONE = re.compile(
    rb'<(?:a class="phone" href="tel:[^"]*"|(bdi))' + _MARK + rb"([^<]*)</(?:a|bdi)>"
)
_TO_PHONE = b'href="tel:'


def hidden(page: bytes) -> bytes | None:
    """The page with masked phones; None when it is not sure that these are all.

    Its files are asked for on a page of their own, so a browser must not save what it finds there.
    """
    head, _, _ = page.partition(b"<style")
    shown, count = _PHONE.subn(_masked, page)
    if _IS_MARKED not in head or count != page.count(_MARK) or _TO_PHONE in shown:
        return None
    return shown.replace(b" download>", b">")


def _masked(phone: re.Match[bytes]) -> bytes:
    text = escape(masked(unescape(phone[2].decode()))).encode()
    return b"<bdi>%b</bdi>" % text if phone[1] else b'<p class="phone">%b</p>' % text
