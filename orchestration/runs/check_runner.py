"""The checks as a run sees them: the worker of room `checks`, with its limits, as a stage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from checks.runner import CheckWorker
from checks.spec import Finding, Limits, SuiteName
from orchestration.progress import stage
from orchestration.settings import Settings


class CheckRunner:
    """Runs suites in the worker; each is a stage on screen."""

    def __init__(self, worker: CheckWorker) -> None:
        self._worker = worker

    def warm(self) -> None:
        """Let Great Expectations be imported meanwhile."""
        self._worker.start()

    def run(self, suite_set: SuiteName, url: str, as_of: datetime) -> list[Finding]:
        """What every check of the suite finds; CheckCrashed when it could not be run."""
        with stage("check") as progress:
            findings = self._worker.run(suite_set, url, as_of)
            failed = sum(not finding.passed for finding in findings)
            progress.say(f"{suite_set}: {len(findings)} checks, {failed} found something")
        return findings


@contextmanager
def open_check_runner(settings: Settings) -> Iterator[CheckRunner]:
    """A checker with the limits of the settings; its process ends with the block."""
    limits = Limits(
        rejected_share=settings.max_rejected_share,
        agenda_drop_share=settings.agenda_drop_share,
        invalid_phone_share=settings.invalid_phone_share,
        stale_hours=settings.stale_hours,
    )
    with CheckWorker(limits, module="orchestration.runs.check_worker") as worker:
        yield CheckRunner(worker)
