"""Random numbers of a demo: all come from one seeded generator, so that a seed fixes every byte.

Only `random()` is used: Python promises its sequence for a seed across versions, unlike that of
other methods of `random.Random`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


class Rng(random.Random):
    """A seeded random number generator."""

    def pick(self, items: Sequence[Item]) -> Item:
        """Return a random item."""
        return items[int(self.random() * len(items))]

    def between(self, low: int, high: int) -> int:
        """Return a random integer from `low` up to, but not including, `high`."""
        return low + int(self.random() * (high - low))

    def chance(self, share: float) -> bool:
        """Return True with probability `share`."""
        return self.random() < share
