"""Failures of a run as typed metadata: written by its steps and resources, read by its result."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import dagster as dg
import psycopg
import psycopg2
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.events import EngineEventData

from checks.runner import CheckCrashed
from orchestration.errors import FAILED, UserError
from reports.editions import PublishError

# What the database, the machine or Dagster did to a run. Each is also a word of
# `reports/labels.py`.
DATABASE_AWAY, DISK_FULL = "DatabaseAway", "DiskFull"
RUN_DIED, RUN_NOT_STARTED, RUN_STOPPED, RUN_TOO_LONG = (
    "RunDied",
    "RunNotStarted",
    "RunStopped",
    "RunTooLong",
)

_KIND, _EXIT_CODE, _REASON = "failure_kind", "exit_code", "reason"
# The server was stopped, has crashed, or is starting; without any, the connection was lost.
_SERVER_GONE = ("57P01", "57P02", "57P03", None)
_DISK_FULL = "53100"

Step = TypeVar("Step", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run failed, for a person.

    `kind` is the name of a `UserError`, or one of the constants of this module.
    """

    kind: str
    exit_code: int
    reason: str

    @property
    def metadata(self) -> dict[str, Any]:
        """The failure as metadata of an event of Dagster's."""
        return {_KIND: self.kind, _EXIT_CODE: self.exit_code, _REASON: self.reason}


def failure_in(metadata: Mapping[str, dg.MetadataValue]) -> Failure | None:
    """The failure that an event's metadata holds, or None."""
    if _KIND not in metadata:
        return None
    kind, exit_code, reason = (metadata[name].value for name in (_KIND, _EXIT_CODE, _REASON))
    return Failure(str(kind), cast(int, exit_code), str(reason))


def failure_of(error: BaseException) -> Failure | None:
    """What an error, or what it was raised from, says to a person; None for a program error."""
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, UserError):
            return Failure(cause.kind, cause.exit_code, str(cause))
        # `checks` and `reports` do not import `orchestration`, so these are no UserError.
        if isinstance(cause, CheckCrashed | PublishError):
            return Failure(type(cause).__name__, FAILED, str(cause))
        cause = cause.__cause__
    kind = external_cause(error)
    return Failure(kind, FAILED, "") if kind else None


def external_cause(error: BaseException) -> str | None:
    """Which of `RUN_STOPPED`, `DISK_FULL` and `DATABASE_AWAY` an error came of."""
    chain = list(_chain(error))
    if any(
        isinstance(each, DagsterExecutionInterruptedError | KeyboardInterrupt) for each in chain
    ):
        return RUN_STOPPED
    states = [
        each.sqlstate if isinstance(each, psycopg.Error) else each.pgcode
        for each in chain
        if isinstance(
            each,
            psycopg.OperationalError
            | psycopg.InterfaceError
            | psycopg2.OperationalError
            | psycopg2.InterfaceError,
        )
    ]
    if _DISK_FULL in states:
        return DISK_FULL
    return DATABASE_AWAY if any(state in _SERVER_GONE for state in states) else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


@contextmanager
def dagster_failure() -> Iterator[None]:
    """Raise an error that a person can act on as a `dagster.Failure` with typed metadata."""
    try:
        yield
    except dg.Failure:
        raise
    except Exception as error:
        failure = failure_of(error)
        if failure is None:
            raise
        raise dg.Failure(failure.reason or failure.kind, metadata=failure.metadata) from error


def typed_failures(step: Step) -> Step:
    """Decorate the function of an asset so that it fails by `dagster_failure`."""
    if inspect.isgeneratorfunction(step):

        @functools.wraps(step)
        def generate(*args: Any, **kwargs: Any) -> Iterator[Any]:
            with dagster_failure():
                yield from step(*args, **kwargs)

        return cast(Step, generate)
    return dagster_failure()(step)


@contextmanager
def reported_failures(context: dg.InitResourceContext) -> Iterator[None]:
    """Report why a resource could not be made, in an event of the run.

    Dagster passes on the metadata of a `dagster.Failure` of a step, and not that of a resource.
    """
    try:
        yield
    except Exception as error:
        failure = failure_of(error)
        if failure and context.run and context.instance:
            context.instance.report_engine_event(
                failure.reason or failure.kind, context.run, EngineEventData(failure.metadata)
            )
        raise
