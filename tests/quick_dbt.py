"""dbt, without looking through the whole stack for who made each of its flags.

Each start of dbt does so, for a text that nobody reads: in a test's process, whose stack is deep
and whose modules are many, for seconds. Belongs here: leaving that out, for tests alone.
"""

from __future__ import annotations


def make_quick() -> None:
    """From now on a flag of dbt in this process says that its source is unknown."""
    from dbt_common.behavior_flags import BehaviorFlagRendered

    BehaviorFlagRendered._default_source = staticmethod(lambda: "Unknown")  # type: ignore[method-assign]
