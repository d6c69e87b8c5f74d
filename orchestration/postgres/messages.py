"""Messages of PostgreSQL without the values of rows that they quote."""

from __future__ import annotations

import re

# Where a message of PostgreSQL repeats values: after a colon or `value`, and in whole lines. A
# value may have quotes and line ends in it, so all that follows is left out.
_VALUE = re.compile(r'(: |value )".*', re.DOTALL)
_LINES_WITH_VALUES = ("DETAIL:", "CONTEXT:", "LINE ")


def without_values(message: str) -> str:
    """Return a message of PostgreSQL, or of dbt quoting it, without values of rows."""
    told = []
    for line in _VALUE.sub(r"\1…", message.strip()).splitlines():
        if line.strip().startswith(_LINES_WITH_VALUES):
            break
        told.append(line)
    return "\n".join(told)
