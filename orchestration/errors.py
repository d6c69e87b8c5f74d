"""Errors that the person at the terminal can act on, each with the exit code of its command."""

from __future__ import annotations

OK, FAILED, WRONG_USAGE, STOPPED_BY_CHECK = 0, 1, 2, 3


# What `ops.run_failure.kind` says of a run that a check stopped; the last one before 0.4.0.
STOPPED_BY_CHECK_KINDS = ("ChecksStopped", "BlockingChecksFailed", "DagsterAssetCheckFailedError")


class UserError(Exception):
    """A failure that the person at the terminal can act on.

    The message says what happened, to which file or row, what was left untouched and what to do
    next. The last of several lines says by itself how the command ended.
    """

    exit_code: int = FAILED
    prefix: str = "Failed: "  # what the message is printed with
    kind: str = "UserError"  # what `ops.run_failure` and Dagster's metadata store

    def __init_subclass__(cls, kind: str = "") -> None:
        """Set the kind: the name of the class, or that of the error it is a variant of."""
        cls.kind = kind or cls.__name__


class UsageError(UserError):
    """A command line or a setting that cannot be used; nothing was changed."""

    exit_code = WRONG_USAGE
    prefix = ""


class Interrupted(UserError):
    """The command was told to stop, by Ctrl-C or SIGTERM."""

    prefix = ""


class CheckFailed(UserError):
    """A check stopped publication; the published state is as it was."""

    exit_code = STOPPED_BY_CHECK
    prefix = ""


class DatabaseError(UserError):
    """A database cannot be used; the message says which one and what to do."""
