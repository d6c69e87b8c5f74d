"""Great Expectations: the only module that talks to it, and only inside the worker's process.

No row leaves the database but what a check's own query returns: ids and numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from string import Template
from typing import Any

import great_expectations as gx
import great_expectations.expectations as gxe
import sqlalchemy as sa

from checks.declaration import Check, Finding, Limits, Measurement, Suite

SAMPLE = 10
# Great Expectations takes a query only when it begins so: not with a common table expression.
_AS_SELECT = Template("select * from ($query) as measured")
_ERROR_CLASS = re.compile(r"\bpsycopg\.errors\.(\w+)\)\s*([^\n]*)")
# Their first line names tables and columns; that of others may hold a value of a row.
_SPEAKS_OF_NAMES = {
    "InsufficientPrivilege", "SyntaxError", "UndefinedColumn", "UndefinedFunction",
    "UndefinedTable",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Run:
    """What one run of a suite holds fast: its names, its instant, its limits, its database."""

    suite: Suite
    source: Any
    placeholders: dict[str, str]

    def sql(self, template: str, **more: str) -> str:
        return Template(template).substitute(self.placeholders, **more)


def run(suite: Suite, url: str, as_of: datetime, limits: Limits) -> Iterator[Finding]:
    """Find out what each check of the suite says of the database as it stands.

    A check that could not be computed is a finding that crashed; a database that cannot be reached
    raises.
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
        placeholders = {"as_of": f"(timestamptz '{as_of.isoformat()}')"}
        placeholders |= {name: repr(value) for name, value in asdict(limits).items()}
        this = _Run(suite, source, placeholders)
        for measurement in suite.measurements:
            checks = [check for check in suite.checks if check.over == measurement]
            yield from _measure(this, measurement, checks, engine)
    finally:
        for used in (engine, source.get_engine()):
            used.dispose()


def _measure(
    this: _Run, measurement: Measurement, checks: Sequence[Check], engine: sa.Engine
) -> Iterator[Finding]:
    """Compute the measurement, then every check over it."""
    comparison, absent, rows = measurement.comparison, False, {}
    if comparison:
        absent = not _exists(engine, comparison.relation)
        rows = {comparison.placeholder: comparison.no_rows if absent else comparison.rows}
    try:
        sql = this.sql(measurement.sql, **rows)
        batch = (
            this.source.add_query_asset(
                measurement.name, query=_AS_SELECT.substitute(query=_without_comments(sql))
            )
            .add_batch_definition_whole_table("all")
            .get_batch()
        )
    except Exception as error:
        crash = _explain(f"({type(error).__module__}.{type(error).__name__}) {error}")
        yield from (_crashed(this.suite, check, crash) for check in checks)
        return
    comparable = []
    for check in checks:
        if check.compares and absent and comparison:
            yield _finding(this.suite, check, 0, {"nothing_to_compare_with": comparison.relation})
        else:
            comparable.append(check)
    results = batch.validate(
        gx.ExpectationSuite(
            measurement.name,
            expectations=[
                gxe.UnexpectedRowsExpectation(
                    unexpected_rows_query=_with_batch(this, check), meta={"check": check.name}
                )
                for check in comparable
            ],
        ),
        # The rows are the finding: a check's query returns ids and numbers.
        result_format={"result_format": "COMPLETE"},
    ).results
    found = {result.expectation_config.meta["check"]: result for result in results}
    for check in comparable:
        yield _read(this.suite, check, found.get(check.name))


def _with_batch(this: _Run, check: Check) -> str:
    """Great Expectations reads braces as placeholders: ours are doubled, its own is not."""
    sql = _without_comments(check.unexpected).replace("{", "{{").replace("}", "}}")
    return this.sql(sql, batch="{batch}", table=check.table[1], subject=check.subject)


def _without_comments(sql: str) -> str:
    """A comment's apostrophe or colon would be read as SQL by SQLAlchemy's text."""
    return re.sub(r"--[^\n]*", "", sql).strip()


def _exists(engine: sa.Engine, relation: str) -> bool:
    with engine.connect() as conn:
        found = conn.execute(sa.text("select to_regclass(:name)"), {"name": relation}).scalar()
    return found is not None


def _read(suite: Suite, check: Check, result: Any) -> Finding:
    """A result of Great Expectations as a finding."""
    if result is None:
        return _crashed(suite, check, "Great Expectations gave no result")
    if _raised(result.exception_info):
        return _crashed(suite, check, _explain(str(result.exception_info)))
    if result.success:
        return _finding(suite, check, 0, {})
    rows = result.result["details"]["unexpected_rows"][:SAMPLE]
    return _finding(
        suite,
        check,
        int(result.result["observed_value"]),
        {"rows": [{name: _plain(value) for name, value in row.items()} for row in rows]},
    )


def _raised(exception_info: dict[str, Any]) -> bool:
    """Great Expectations gives one exception, or one for each metric that raised."""
    if "raised_exception" in exception_info:
        return bool(exception_info["raised_exception"])
    return any(each.get("raised_exception") for each in exception_info.values())


def _finding(suite: Suite, check: Check, unexpected: int, details: dict[str, Any]) -> Finding:
    return Finding(
        suite=suite.name,
        check=check.name,
        table=check.table,
        blocking=check.blocking,
        passed=unexpected == 0,
        unexpected_count=unexpected,
        description=check.description,
        screen=check.screen,
        details=details,
    )


def _crashed(suite: Suite, check: Check, crash: str) -> Finding:
    return Finding(
        suite=suite.name,
        check=check.name,
        table=check.table,
        blocking=check.blocking,
        passed=False,
        unexpected_count=0,
        description=check.description,
        screen=check.screen,
        details={"crashed": crash},
        crashed=True,
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
    if isinstance(value, date):
        return value.isoformat()
    return value
