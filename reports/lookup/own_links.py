"""Links of a generated page, as far as its reader may follow them.

A link that is all of a list's item goes with its item; of any other its text stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from posixpath import join, normpath

# As the templates write them, without links into the page itself and to phones.
_LINK = re.compile(
    rb"(\s*<li>)?<a (?:class=\"[^\"]*\" )?href=\"(?!#|tel:)([^\"]+)\"[^>]*>(.*?)</a>(</li>)?",
    re.DOTALL,
)


def only_own(page: bytes, folder: str, opens: Callable[[str], str | None]) -> bytes:
    """The page with such links alone as `opens` has an address for.

    `opens` takes an address below the publish folder, without the place within the page, and
    returns it, or another one that the reader is led to instead, or None.
    """
    known: dict[bytes, str | None] = {}

    def checked(link: re.Match[bytes]) -> bytes:
        href = link[2]
        file = href.partition(b"#")[0]
        if file not in known:
            sought = normpath(join(folder, unescape(file.decode())))
            found = opens(sought)
            known[file] = None if found is None else ("" if found == sought else found)
        leads = known[file]
        if leads == "":
            return link[0]
        if leads is not None:
            # Only from a page beside the editions, whose addresses begin at the publish folder.
            start, end = link.start(2) - link.start(), link.end(2) - link.start()
            return link[0][:start] + leads.encode() + link[0][end:]
        if link[1] and link[4]:
            return b""
        return b"%b<span>%b</span>%b" % (link[1] or b"", link[3], link[4] or b"")

    return _LINK.sub(checked, page)
