"""What a check, its measurement, its limits and its finding are: plain data, free of imports.

A measurement is one query whose small result (a row a table, a company, a totalizer) is computed
once; the checks over it are queries of that result and return the rows that should not be there:
ids and numbers, never a name or a phone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

SuiteName = Literal["loaded", "published"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a warning begins. The name is the placeholder in a check's SQL (`$stale_hours`)."""

    agenda_drop_share: float = 0.2
    invalid_phone_share: float = 0.4
    no_client_share: float = 0.2
    failed_message_share: float = 0.2
    unknown_error_share: float = 0.2
    least_agendas: int = 20  # of fewer agendas a share says nothing
    sending_starts_hour: int = 8  # local; before it, yesterday's messages count too
    stale_hours: float = 24
    parked_days: float = 2
    totalizer_change_factor: float = 3
    totalizer_change_least: int = 50
    history_days: int = 3  # days of history without which a median says nothing

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or not math.isfinite(value):
                raise ValueError(f"the limit {name} must be a number, not {value!r}")

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any]) -> Limits:
        """The defaults with what is given; ValueError names an unknown limit."""
        unknown = sorted(set(given) - {limit.name for limit in fields(cls)})
        if unknown:
            raise ValueError(f"unknown limits: {', '.join(unknown)}")
        return cls(**given)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A relation that may not be there yet, as in the first run.

    `placeholder`: where it stands in the measurement's SQL. `rows`: the query of it.
    `no_rows`: a query of the same columns and no rows, for a database that has none.
    """

    placeholder: str
    relation: str
    rows: str
    no_rows: str


@dataclass(frozen=True, slots=True)
class Measurement:
    """One query, run once; `$as_of` is the run's instant (R3)."""

    name: str
    sql: str
    comparison: Comparison | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One sentence about the data, and the query of the rows that contradict it.

    `table`: schema and name of the table it speaks of. `unexpected`: SQL over `$batch`, the
    measurement's result, with `$table` for the table's name, `$subject` for the row it is about,
    and the limits. `compares`: says nothing while the measurement's comparison is absent.
    `screen`: the sentence in Portuguese.
    """

    name: str
    table: tuple[str, str]
    over: Measurement
    unexpected: str
    description: str
    screen: str
    blocking: bool = False
    compares: bool = False
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Suite:
    """The checks of one point of the run; their names are unique in it."""

    name: SuiteName
    checks: tuple[Check, ...]

    def __post_init__(self) -> None:
        names = [check.name for check in self.checks]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"the suite {self.name} has these checks twice: {', '.join(twice)}")

    @property
    def measurements(self) -> tuple[Measurement, ...]:
        """What has to be measured for the checks, in their order."""
        return tuple(dict.fromkeys(check.over for check in self.checks))


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    `crashed`: it could not be computed; it counts as failed, which is not the same as a fault in
    the data. `details`: ids and numbers only.
    """

    suite: str
    check: str
    table: tuple[str, ...]
    blocking: bool
    passed: bool
    unexpected_count: int
    description: str
    screen: str
    details: dict[str, Any] = field(default_factory=dict)
    crashed: bool = False
