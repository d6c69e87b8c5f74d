"""The dice of a demo: every random choice comes from here, so that a seed fixes every byte.

Only `random()` is used: its sequence for a seed is promised to stay the same across versions of
Python, which is not so for every other method of `random.Random`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


class Rng(random.Random):
    """Seeded dice."""

    def pick(self, items: Sequence[Item]) -> Item:
        """One of the items."""
        return items[int(self.random() * len(items))]

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` up to, but not including, `high`."""
        return low + int(self.random() * (high - low))

    def chance(self, share: float) -> bool:
        """True in that share of cases."""
        return self.random() < share
