"""Removes row values from messages of PostgreSQL."""

from __future__ import annotations

import re

# Messages quote values after a colon or `value`, and in whole lines. A value may contain quotes and
# line ends, so everything after it is dropped.
_VALUE = re.compile(r'(: |value )".*', re.DOTALL)
_LINES_WITH_VALUES = ("DETAIL:", "CONTEXT:", "LINE ")


def without_values(message: str) -> str:
    """Return a message of PostgreSQL, or of dbt quoting it, without row values."""
    told = []
    for line in _VALUE.sub(r"\1…", message.strip()).splitlines():
        if line.strip().startswith(_LINES_WITH_VALUES):
            break
        told.append(line)
    return "\n".join(told)
