"""Runs a suite with Great Expectations, in the worker's process; no other module imports it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

import great_expectations as gx

from checks.marts_suite import ZONES
from checks.spec import Check, Expectation, Finding, Limits, Measurement, Suite
from checks.zones import offsets_by_python

SAMPLE = 10
_ERROR_CLASS = re.compile(r"\bpsycopg\.errors\.(\w+)\)\s*([^\n]*)")
# Their first line names tables and columns; that of others may hold a value of a row.
_SPEAKS_OF_NAMES = {
    "InsufficientPrivilege", "SyntaxError", "UndefinedColumn", "UndefinedFunction",
    "UndefinedTable",
}  # fmt: skip


def run(suite: Suite, url: str, as_of: datetime, limits: Limits) -> Iterator[Finding]:
    """Find out what each check of the suite says of the database as it stands.

    A check that could not be computed is a finding that crashed.

    Args:
        suite: The checks.
        url: The database's SQLAlchemy URL, for psycopg.
        as_of: The instant of the run (R3).
        limits: Where warnings begin.

    Raises:
        Exception: The database cannot be reached.
    """
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_postgres(
        "warehouse",
        connection_string=url,
        # A measurement is computed once, into a temporary table of the one connection.
        create_temp_table=True,
        kwargs={"pool_size": 1, "max_overflow": 0},
    )
    engine = source.get_execution_engine().engine
    try:
        engine.connect().close()
        parameters = {
            **asdict(limits),
            "instants": [as_of],
            "zone_offsets": _zone_offsets(engine, suite, as_of),
        }
        for measurement, checks in groupby(
            sorted(suite.checks, key=lambda check: check.expectation.over.name),
            key=lambda check: check.expectation.over,
        ):
            for finding in _measure(source, measurement, list(checks), as_of, parameters):
                yield replace(finding, suite=suite.name)
    finally:
        for used in (engine, source.get_engine()):
            used.dispose()


def _zone_offsets(engine: Any, suite: Suite, as_of: datetime) -> list[str]:
    """What `ZONES` measures, by Python's zone data: of each zone that is used."""
    if not any(check.expectation.over is ZONES for check in suite.checks):
        return []
    with engine.connect() as conn:
        used = conn.exec_driver_sql(
            "select distinct timezone from marts_next.company where timezone is not null"
        )
        return [f"{zone} {offsets_by_python(zone, as_of)}" for (zone,) in used]


def _measure(
    source: Any,
    measurement: Measurement,
    checks: Sequence[Check],
    as_of: datetime,
    parameters: Mapping[str, Any],
) -> Iterator[Finding]:
    """Compute the measurement, then every expectation over it."""
    expectations = list(dict.fromkeys(check.expectation for check in checks))
    query = measurement.query.format(as_of=f"(timestamptz '{as_of.isoformat()}')")
    try:
        batch = (
            # Great Expectations takes a query only when it begins with `select`.
            source.add_query_asset(measurement.name, query=f"select * from ({query}) as measured")  # noqa: S608 — queries of the suites
            .add_batch_definition_whole_table("all")
            .get_batch()
        )
        results = _validate(batch, expectations, parameters, {"result_format": "BOOLEAN_ONLY"})
        # What is unexpected costs as much again, so it is asked only where something is.
        unmet = [expectation for expectation, result in results.items() if not result.success]
        results |= _validate(
            batch,
            unmet,
            parameters,
            # The rows are the finding: ids and counts, which is all that a measurement holds.
            {
                "result_format": "COMPLETE",
                "unexpected_index_column_names": sorted(_columns_shown(checks)),
            },
        )
    except Exception as error:
        crash = _explain(f"({type(error).__module__}.{type(error).__name__}) {error}")
        yield from (_finding(check, details={"crashed": crash}) for check in checks)
        return
    yield from (_read(check, results.get(check.expectation)) for check in checks)


def _validate(
    batch: Any,
    expectations: Sequence[Expectation],
    parameters: Mapping[str, Any],
    result_format: Mapping[str, Any],
) -> dict[Expectation, Any]:
    """The result of each expectation; one that Great Expectations does not take has none."""
    if not expectations:
        return {}
    suite = gx.ExpectationSuite(
        "suite",
        expectations=[
            {"type": expected.type, "kwargs": dict(expected.kwargs), "meta": {"number": number}}
            for number, expected in enumerate(expectations)
        ],
    )
    validated = batch.validate(
        suite, result_format=result_format, expectation_parameters=parameters
    )
    return {
        expectations[result.expectation_config.meta["number"]]: result
        for result in validated.results
    }


def _columns_shown(checks: Sequence[Check]) -> set[str]:
    shown = {column for check in checks for column in check.shown}
    return shown | {"table_name"} if any(check.subject for check in checks) else shown


def _read(check: Check, result: Any) -> Finding:
    """What the result of an expectation says of one of its checks."""
    if result is None:
        return _finding(check, details={"crashed": "Great Expectations gave no result"})
    if _raised(result.exception_info):
        return _finding(check, details={"crashed": _explain(str(result.exception_info))})
    if result.success:
        return _finding(check)
    rows = [
        {column: _plain(row[column]) for column in check.shown}
        for row in result.result["unexpected_index_list"]
        if not check.subject or row["table_name"] == check.subject
    ]
    return _finding(check, len(rows), {"rows": rows[:SAMPLE]} if rows else {})


def _raised(exception_info: dict[str, Any]) -> bool:
    """Great Expectations gives one exception, or one for each metric that raised."""
    if "raised_exception" in exception_info:
        return bool(exception_info["raised_exception"])
    return any(each.get("raised_exception") for each in exception_info.values())


def _finding(check: Check, unexpected: int = 0, details: dict[str, Any] | None = None) -> Finding:
    crashed = "crashed" in (details or {})
    return Finding(
        suite="",
        check=check.name,
        table=check.table,
        blocking=check.blocking,
        passed=not unexpected and not crashed,
        unexpected_count=unexpected,
        description=check.description,
        screen=check.screen,
        details=details or {},
        crashed=crashed,
    )


def _explain(said: str) -> str:
    """The kind of the error, and its first line where that can only name tables and columns."""
    found = _ERROR_CLASS.search(said)
    if not found:
        kind = re.match(r"\((?:\w+\.)*(\w+)\)", said)
        return kind.group(1) if kind else "an error inside Great Expectations"
    name, line = found.groups()
    return f"{name}: {line.strip()}" if name in _SPEAKS_OF_NAMES else name


def _plain(value: object) -> object:
    """A value of a row as JSON can hold it."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
