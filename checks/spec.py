"""What a measurement, an expectation, a check, a suite and a finding are, free of heavy imports."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

SuiteName = Literal["loaded", "published"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a warning begins. Each is an expectation parameter of its name."""

    rejected_share: float = 0.05
    agenda_drop_share: float = 0.2
    invalid_phone_share: float = 0.4
    no_client_share: float = 0.2
    failed_message_share: float = 0.2
    unknown_error_share: float = 0.2
    stale_hours: float = 24
    totalizer_change_factor: float = 3

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
class Measurement:
    """A query whose small result (a row a table, a company, a totalizer) is computed once.

    Its columns are ids and counts, never a name or a phone. `{as_of}` is the instant of the run.
    """

    name: str
    query: str


@dataclass(frozen=True, slots=True, eq=False)
class Expectation:
    """A column expectation of Great Expectations, by its type and arguments.

    Args:
        over: The measurement whose rows are looked at.
        type: Its name, as `expect_column_values_to_be_between`.
        kwargs: Its arguments; `{"$PARAMETER": name}` stands for a limit or for `as_of`.
    """

    over: Measurement
    type: str
    kwargs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Check:
    """One sentence about the data, held by the rows that an expectation does not find.

    Args:
        name: Unique in the suite.
        table: Schema and name of the table it speaks of.
        expectation: Several checks may share one; each is about the rows of its `subject`.
        shown: The columns of an unexpected row that a finding shows.
        description: The sentence in English.
        screen: The sentence in Portuguese.
        subject: The `table_name` of the rows it is about; empty for all rows.
        blocking: Whether it stops publication.
    """

    name: str
    table: tuple[str, str]
    expectation: Expectation
    shown: tuple[str, ...]
    description: str
    screen: str
    subject: str = ""
    blocking: bool = False


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


def values_in_set(over: Measurement, column: str, values: object, **kwargs: Any) -> Expectation:
    """Every value of the column is one of these, or of the parameter of that name."""
    given = {"$PARAMETER": values} if isinstance(values, str) else values
    return Expectation(
        over, "expect_column_values_to_be_in_set", {"column": column, "value_set": given, **kwargs}
    )


def values_between(over: Measurement, column: str, **kwargs: Any) -> Expectation:
    """Every value of the column is within `min_value` and `max_value`; a text names a parameter."""
    given = {
        name: {"$PARAMETER": value} if isinstance(value, str) else value
        for name, value in kwargs.items()
    }
    return Expectation(over, "expect_column_values_to_be_between", {"column": column, **given})


def rows_where(column: str, operator: str, value: object) -> dict[str, Any]:
    """The rows an expectation is limited to (its `row_condition`), in the form that it stores."""
    return {
        "type": "comparison",
        "column": {"name": column},
        "operator": operator,
        "parameter": value,
    }
