"""The results of the checks: the latest of each check, and its history run by run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

import psycopg

from reports import formats, labels
from reports.pages.runs import Run

Words = Mapping[tuple[str, str], str]
"""The Portuguese text of each check, by suite and name."""

_SHOWN_ROWS = 3


class Result(NamedTuple):
    """A row of `ops.check_result`; `details` is set only if the check did not pass."""

    suite: str
    check_name: str
    run_id: str
    blocking: bool
    passed: bool
    unexpected_count: int
    details: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class CheckMark:
    """The result of a check in one run: a sign and a word, never only a colour."""

    code: str
    sign: str
    words: str


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One check: its text, latest result and history, oldest run first.

    `when` is the time of the latest result if that is not of the last run.
    """

    words: str
    name: str
    severity: str
    mark: CheckMark
    when: str
    figure: str
    rows: tuple[str, ...]
    marks: tuple[CheckMark, ...]
    history: str


@dataclass(frozen=True, slots=True)
class SuiteHistory:
    """The checks of one suite, ordered by their text, and how many had each result."""

    label: str
    checks: tuple[CheckLine, ...]
    counts: str


_RESULTS = """
select
    suite,
    check_name,
    run_id,
    blocking,
    passed,
    unexpected_count,
    case when not passed then details end as details
from ops.check_result
where run_id = any(%(runs)s)
order by suite collate "C", check_name collate "C"
"""


def find_check_results(conn: psycopg.Connection, runs: Sequence[Run]) -> list[Result]:
    """Read the check results of the runs, ordered by suite and check."""
    found = conn.execute(_RESULTS, {"runs": [run.run_id for run in runs]})
    return sorted(map(Result._make, found), key=lambda result: (result.suite, result.check_name))


def suite_histories(
    runs: Sequence[Run], results: Sequence[Result], words: Words
) -> list[SuiteHistory]:
    """Group check results by suite.

    Args:
        runs: The runs, newest first.
        results: Their results, from `find_check_results`.
        words: The text of each check.

    Returns:
        The suites, in the order of `labels.SUITES`.
    """
    by_suite = {
        suite: list(_lines(runs, list(found), words))
        for suite, found in groupby(results, key=lambda result: result.suite)
    }
    order = [*labels.SUITES, *sorted(by_suite.keys() - labels.SUITES.keys())]
    return [
        SuiteHistory(
            label=labels.SUITES.get(suite, suite),
            checks=tuple(sorted(by_suite[suite], key=lambda line: formats.name_order(line.words))),
            counts=counts(by_suite[suite]),
        )
        for suite in order
        if suite in by_suite
    ]


def _lines(runs: Sequence[Run], results: Sequence[Result], words: Words) -> Iterator[CheckLine]:
    for (suite, name), found in groupby(results, key=lambda one: (one.suite, one.check_name)):
        by_run = {result.run_id: result for result in found}
        last = next(run for run in runs if run.run_id in by_run)
        result = by_run[last.run_id]
        yield CheckLine(
            words=words.get((suite, name), name.replace("_", " ")),
            name=name,
            severity=labels.BLOCKS if result.blocking else labels.WARNS,
            mark=mark_of(result),
            when="" if last == runs[0] else formats.moment(last.ended_at),
            figure=_figure(result),
            rows=tuple(_rows(result)),
            marks=tuple(mark_of(by_run.get(run.run_id)) for run in reversed(runs)),
            history=_history(runs, by_run),
        )


def mark_of(result: Result | None) -> CheckMark:
    """Return the mark of a result; None means that the run did not reach the check."""
    if result is None:
        code = "absent"
    elif result.passed:
        code = "passed"
    elif _crashed(result):
        code = "crashed"
    else:
        code = "blocked" if result.blocking else "warned"
    words = labels.CHECK_RESULTS[code]
    return CheckMark(code, words.sign, words.words)


def _crashed(result: Result) -> bool:
    return bool(result.details) and "crashed" in (result.details or {})


def _figure(result: Result) -> str:
    if result.passed:
        return ""
    if _crashed(result):
        return labels.CHECK_CRASHED
    if result.unexpected_count == 1:
        return labels.CHECK_FOUND_ONE
    return labels.CHECK_FOUND_MANY.format(count=formats.number(result.unexpected_count))


def _rows(result: Result) -> Iterator[str]:
    """Describe the first failing rows, of which checks store ids and numbers only."""
    for row in ((result.details or {}).get("rows") or [])[:_SHOWN_ROWS]:
        yield "; ".join(
            f"{labels.FIGURES.get(name, name)} {_value(value)}" for name, value in row.items()
        )


def _value(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return formats.number(value)
    if isinstance(value, float):
        return f"{value:.1f}".replace(".", ",")
    return str(value)


def _history(runs: Sequence[Run], by_run: Mapping[str, Result]) -> str:
    """Describe the history, as the text alternative of its marks."""
    done = [run for run in runs if run.run_id in by_run]
    worse = [run for run in done if not by_run[run.run_id].passed]
    history = labels.CHECK_HISTORY.format(passed=len(done) - len(worse), runs=len(done))
    if not worse:
        return history
    return labels.CHECK_HISTORY_WORSE.format(
        history=history, when=formats.moment(worse[0].ended_at)
    )


def counts(lines: Sequence[CheckLine]) -> str:
    """Say how many checks had each result."""
    found = Counter(line.mark.code for line in lines)
    return ", ".join(
        f"{formats.number(found[code])} {result.words if found[code] == 1 else result.many}"
        for code, result in labels.CHECK_RESULTS.items()
        if found[code]
    )
