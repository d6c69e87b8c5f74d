"""The worker's life: it dies, it hangs, it answers nonsense; results kept; Dagster's side."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from checks.asset_checks import asset_checks
from checks.results import store
from checks.runner import CheckCrashed, CheckWorker
from checks.spec import Finding, SuiteName
from checks.suites import SUITES
from orchestration.postgres.database import Database

AS_OF = datetime(2026, 11, 20, 15, tzinfo=UTC)


def finding(check: str, *, passed: bool = True, blocking: bool = False) -> Finding:
    return Finding(
        suite="loaded",
        check=check,
        table=("raw", "agenda"),
        blocking=blocking,
        passed=passed,
        unexpected_count=0 if passed else 3,
        description="A sentence.",
        screen="Uma frase.",
        details={} if passed else {"rows": [{"company_id": "sul"}]},
    )


def test_a_worker_that_is_killed_is_a_crash() -> None:
    with CheckWorker() as worker:
        worker.start()
        assert worker.process_id
        os.kill(worker.process_id, signal.SIGKILL)
        with pytest.raises(CheckCrashed, match="killed by signal 9"):
            worker.run("loaded", "postgresql+psycopg://nowhere/none", AS_OF)
        assert worker.process_id is None  # the next call starts another


def test_a_worker_that_takes_too_long_is_a_crash() -> None:
    started = time.monotonic()
    with (
        CheckWorker(timeout=0.2) as worker,
        pytest.raises(CheckCrashed, match=r"took more than 0\.2 s"),
    ):
        worker.run("loaded", "postgresql+psycopg://nowhere/none", AS_OF)
    assert time.monotonic() - started < 5


def test_a_worker_that_cannot_import_says_what_it_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "great_expectations"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('no wheel for this machine')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with CheckWorker() as worker, pytest.raises(CheckCrashed, match="no wheel for this machine"):
        worker.run("loaded", "postgresql+psycopg://nowhere/none", AS_OF)


def test_closing_twice_and_without_a_start_is_fine() -> None:
    worker = CheckWorker()
    worker.close()
    worker.start()
    process_id = worker.process_id
    worker.close()
    worker.close()
    assert process_id
    with pytest.raises(ProcessLookupError):
        os.kill(process_id, 0)


def test_results_are_stored_once_a_run(database: Database) -> None:
    with database.connect() as conn:
        store(conn, "run", AS_OF, [finding("a", passed=False, blocking=True), finding("b")])
        store(conn, "run", AS_OF, [finding("a"), finding("b", passed=False)])
        store(conn, "other", AS_OF, [finding("a")])
    with database.connect() as conn:
        rows = conn.execute(
            "select run_id, check_name, blocking, passed, unexpected_count, details"
            " from ops.check_result order by 1, 2"
        ).fetchall()
    assert rows == [
        ("other", "a", False, True, 0, {}),
        ("run", "a", False, True, 0, {}),
        ("run", "b", False, False, 3, {"rows": [{"company_id": "sul"}]}),
    ]


def test_results_are_stored_all_or_none(database: Database) -> None:
    with database.connect() as conn:
        broken = finding("b")
        broken.details["not json"] = object()
        with pytest.raises(TypeError):
            store(conn, "run", AS_OF, [finding("a"), broken])
        assert conn.execute("select count(*) from ops.check_result").fetchone() == (0,)


class Checker:
    """A checker whose findings are given."""

    def __init__(self, fails: str) -> None:
        self.fails = fails

    def run(self, suite_set: SuiteName, url: str, as_of: datetime) -> Sequence[Finding]:
        """One check fails, the others pass."""
        assert url.startswith("postgresql+psycopg://")
        assert as_of == AS_OF
        return [
            Finding(
                suite=suite_set,
                check=check.name,
                table=check.table,
                blocking=check.blocking,
                passed=check.name != self.fails,
                unexpected_count=int(check.name == self.fails),
                description=check.description,
                screen=check.screen,
            )
            for check in SUITES[suite_set].checks
        ]


class RunSettings:
    """The instant of a run."""

    instant = AS_OF


def _run(database: Database, fails: str) -> tuple[dg.ExecuteInProcessResult, list[str]]:
    """Tables, their checks and a page after them, in one job."""
    names = sorted({check.table[1] for check in SUITES["loaded"].checks})
    pages: list[str] = []

    @dg.multi_asset(specs=[dg.AssetSpec(["raw", name]) for name in names])
    def raw_tables():  # type: ignore[no-untyped-def]
        for name in names:
            yield dg.MaterializeResult(asset_key=["raw", name])

    @dg.asset(deps=[dg.AssetKey(["raw", name]) for name in names])
    def page() -> None:
        pages.append("written")

    defs = dg.Definitions(
        assets=[raw_tables, page],
        asset_checks=[asset_checks("loaded")],
        jobs=[dg.define_asset_job("daily")],
        resources={
            "warehouse": database,
            "checker": Checker(fails),
            "run_settings": RunSettings(),
        },
    )
    result = defs.resolve_job_def("daily").execute_in_process(raise_on_error=False)
    return result, pages


def test_a_blocking_check_stops_the_page_and_its_result_is_kept(database: Database) -> None:
    result, pages = _run(database, fails="company_is_not_empty")
    assert not result.success
    assert pages == []
    with database.connect() as conn:
        kept = conn.execute(
            "select run_id, check_name, blocking from ops.check_result where not passed"
        ).fetchall()
    assert kept == [(result.run_id, "company_is_not_empty", True)]


def test_a_warning_lets_the_page_be_written(database: Database) -> None:
    result, pages = _run(database, fails="dispatch_is_not_empty")
    assert result.success
    assert pages == ["written"]
    (failed,) = [each for each in result.get_asset_check_evaluations() if not each.passed]
    assert failed.severity == dg.AssetCheckSeverity.WARN
    assert failed.asset_key == dg.AssetKey(["raw", "dispatch"])


def test_checks_of_marts_stand_on_the_assets_of_their_layer() -> None:
    specs = list(asset_checks("published").check_specs)
    assert {tuple(spec.asset_key.path) for spec in specs} >= {("marts", "agenda_status")}
    other = asset_checks("published", key=lambda table: ["models", table[1]])
    assert {spec.asset_key.path[0] for spec in other.check_specs} == {"models"}
