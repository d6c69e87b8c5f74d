"""Suites as Dagster asset checks: known before anything runs, blocking where they say so."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

import dagster as dg

from checks.results import Connection, store
from checks.spec import Check, Finding, SuiteName
from checks.suites import SUITES


class Warehouse(Protocol):
    """The database, as far as the checks know it."""

    def sqlalchemy_url(self, driver: str, /) -> str:
        """Its address for SQLAlchemy with that driver."""

    def connect(self) -> AbstractContextManager[Connection]:
        """A connection to it."""


class Checker(Protocol):
    """What runs a suite: a `CheckWorker`."""

    def run(self, suite_set: SuiteName, url: str, as_of: datetime, /) -> Sequence[Finding]:
        """What every check of the suite finds."""


class RunSettings(Protocol):
    """The run's settings, as far as the checks know them."""

    @property
    def instant(self) -> datetime:
        """The instant that the run computes for (R3)."""


RunSuite = Callable[..., Iterator[dg.AssetCheckResult]]


def layer_key(table: tuple[str, str]) -> Sequence[str]:
    """The asset key of a table: its layer and its name. `marts_next` is where marts are built."""
    schema, name = table
    return ["marts" if schema == "marts_next" else schema, name]


def asset_checks(
    suite_set: SuiteName,
    key: Callable[[tuple[str, str]], Sequence[str]] = layer_key,
    around: Callable[[RunSuite], RunSuite] = lambda run_suite: run_suite,
) -> dg.AssetChecksDefinition:
    """The checks of a suite; `key` gives the asset key of a table, `around` decorates the step.

    A blocking check that fails stops what comes after its asset, any other warns. What was found
    is stored first, so that a run that is stopped has its reasons in `ops.check_result`.
    """
    suite = SUITES[suite_set]

    @dg.multi_asset_check(
        name=f"{suite.name}_suite",
        specs=[_spec(check, key) for check in suite.checks],
    )
    @around
    def run_suite(
        context: dg.AssetCheckExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        checker: dg.ResourceParam[Checker],
        run_settings: dg.ResourceParam[RunSettings],
    ) -> Iterator[dg.AssetCheckResult]:
        as_of = run_settings.instant
        findings = checker.run(suite.name, warehouse.sqlalchemy_url("psycopg"), as_of)
        with warehouse.connect() as conn:
            store(conn, context.run.run_id, as_of, findings)
        for finding in findings:
            yield _result(finding, key)

    return run_suite


def _spec(check: Check, key: Callable[[tuple[str, str]], Sequence[str]]) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        check.name,
        asset=dg.AssetKey(key(check.table)),
        description=check.description,
        blocking=check.blocking,
    )


def _result(
    finding: Finding, key: Callable[[tuple[str, str]], Sequence[str]]
) -> dg.AssetCheckResult:
    schema, name = finding.table
    severity = dg.AssetCheckSeverity.ERROR if finding.blocking else dg.AssetCheckSeverity.WARN
    return dg.AssetCheckResult(
        check_name=finding.check,
        asset_key=dg.AssetKey(key((schema, name))),
        passed=finding.passed,
        severity=severity,
        metadata={
            "unexpected": finding.unexpected_count,
            "crashed": finding.crashed,
            "details": dg.MetadataValue.json(finding.details),
        },
    )
