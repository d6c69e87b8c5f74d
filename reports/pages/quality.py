"""The quality page: deliveries, quarantined rows, check results and runs.

It is a status page beside the editions, rewritten at the end of every run, failed ones included. It
shows no row contents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, NamedTuple

import psycopg

from reports import formats, labels
from reports.pages import check_history, deliveries
from reports.pages import runs as runs_of
from reports.pages.check_history import CheckLine, SuiteHistory, Words
from reports.pages.deliveries import DeliveryLines, SetAsideLine, SetAsideRow
from reports.pages.runs import LEGEND, LegendEntry, Run, RunDay, RunLine
from reports.view_model import Identity, Link, Page, Proof, Stamp


class Warned(NamedTuple):
    """A warning above all numbers, and its reason if known."""

    words: str
    reason: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityPage(Page):
    """The page of one publish folder."""

    template: ClassVar[str] = "quality.html"

    warned: Warned | None
    last_run: RunLine | None
    checks_said: str
    failing: tuple[CheckLine, ...]
    last_delivery: DeliveryLines | None
    days: tuple[RunDay, ...]
    legend: tuple[LegendEntry, ...]
    runs: tuple[RunLine, ...]
    deliveries: tuple[DeliveryLines, ...]
    rejected: tuple[SetAsideLine, ...]
    parked: tuple[SetAsideLine, ...]
    suites: tuple[SuiteHistory, ...]

    @property
    def rejected_count(self) -> int:
        """The number of rejected rows."""
        return sum(line.rows for line in self.rejected)

    @property
    def parked_count(self) -> int:
        """The number of parked rows, which wait for a referenced row."""
        return sum(line.rows for line in self.parked)


class QualityFacts(NamedTuple):
    """Everything that the page needs, read in one transaction."""

    runs: Sequence[Run]
    days: tuple[RunDay, ...]
    suites: Sequence[SuiteHistory]
    deliveries: Sequence[DeliveryLines]
    set_aside: Sequence[SetAsideRow]


def find_quality(
    conn: psycopg.Connection, now: datetime, timezone: str, words: Words
) -> QualityFacts:
    """Read the facts of the page.

    Args:
        conn: A connection that reads the `ops` tables.
        now: The current time.
        timezone: The group's time zone.
        words: The Portuguese text of each check.

    Returns:
        The facts.
    """
    found = runs_of.find_runs(conn, now, timezone)
    last = found[: runs_of.LAST_RUNS]
    today = formats.local(now, timezone).date()
    return QualityFacts(
        runs=last,
        days=runs_of.days(found, today, runs_of.find_first_day(conn, timezone)),
        suites=check_history.suite_histories(
            last, check_history.find_check_results(conn, last), words
        ),
        deliveries=deliveries.find_deliveries(conn, timezone),
        set_aside=deliveries.find_set_aside(conn),
    )


def build_quality_page(
    facts: QualityFacts, stamp: Stamp, proof: Proof, trail: tuple[Link, ...]
) -> QualityPage:
    """Build the page.

    Args:
        facts: The facts, from `find_quality`.
        stamp: The stamp of the page.
        proof: The proof of the page.
        trail: The links to the pages above it.

    Returns:
        The page, with failing checks worst first.
    """
    rejected, parked = deliveries.set_aside(facts.set_aside)
    last_run = facts.runs[0] if facts.runs else None
    checks = [check for suite in facts.suites for check in suite.checks]
    loaded = next((one for one in facts.deliveries if one.is_loaded), None)
    return QualityPage(
        title=labels.QUALITY,
        trail=trail,
        up="",
        stamp=stamp,
        proof=proof.with_identities(*(_delivered_rows(loaded) if loaded else ())),
        warned=_warned(last_run, stamp) if last_run else None,
        last_run=runs_of.line_of(last_run) if last_run else None,
        checks_said=check_history.counts([check for check in checks if not check.when]),
        failing=tuple(
            sorted(
                (check for check in checks if check.mark.code != "passed"),
                key=lambda check: list(labels.CHECK_RESULTS).index(check.mark.code),
            )
        ),
        last_delivery=facts.deliveries[0] if facts.deliveries else None,
        days=facts.days,
        legend=LEGEND,
        runs=tuple(map(runs_of.line_of, facts.runs)),
        deliveries=tuple(facts.deliveries),
        rejected=rejected,
        parked=parked,
        suites=tuple(facts.suites),
    )


def _delivered_rows(delivery: DeliveryLines) -> tuple[Identity, ...]:
    total = delivery.total
    became = total.new + total.known + total.rejected + total.parked
    return (Identity(labels.IDENTITY_DELIVERED_ROWS, total.read, became),)


def _warned(last: Run, stamp: Stamp) -> Warned | None:
    """Return the warning if the last run did not publish or published nothing."""
    line = runs_of.line_of(last)
    when = formats.moment(last.ended_at)
    if last.outcome == "zero":
        return Warned(labels.LAST_RUN_FOUND_ZERO.format(when=when), "", "")
    if last.outcome not in ("failed", "stopped"):
        return None
    stopped = last.outcome == "stopped"
    if stamp.as_of is None:
        first = labels.LAST_RUN_STOPPED_FIRST if stopped else labels.LAST_RUN_FAILED_FIRST
        return Warned(first.format(when=when), line.reason, line.sentence)
    pattern = labels.LAST_RUN_STOPPED if stopped else labels.LAST_RUN_FAILED
    words = pattern.format(when=when, as_of=formats.moment(stamp.as_of))
    return Warned(words, line.reason, line.sentence)
