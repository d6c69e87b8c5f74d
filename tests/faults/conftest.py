"""What the tests of faults share: a published state to begin from, made once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kept_state import Kept, kept_state


@pytest.fixture(scope="session")
def kept() -> Iterator[Kept]:
    """A published state, and the run of a second delivery that nobody disturbed."""
    with kept_state() as state:
        yield state
