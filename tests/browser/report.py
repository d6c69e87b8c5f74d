"""How the faults of pages are told when a test fails. Nothing else belongs here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest


def expect_none(faults: Mapping[str, Sequence[str]]) -> None:
    """Fail with what is wrong, by where it is wrong, unless nothing is."""
    lines = [
        line
        for where, found in faults.items()
        if found
        for line in (f"{where}:", *(f"  - {fault}" for fault in found))
    ]
    if lines:
        pytest.fail("\n".join(lines), pytrace=False)
