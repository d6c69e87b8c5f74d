"""The code location as it is, but a run whose process is gone is taken for dead at once.

For tests: in production a run that was launched has a minute to take its lock.
"""

from datetime import timedelta

from orchestration.definitions import defs
from orchestration.runs import stale_runs

stale_runs._GRACE = dict.fromkeys(stale_runs._GRACE, timedelta(seconds=5))

__all__ = ["defs"]
