"""The program `atendimento`: its commands, and how each one ends."""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from orchestration.cli.account import account
from orchestration.cli.backfill import backfill
from orchestration.cli.backup import backup
from orchestration.cli.cleanup import cleanup, tidy
from orchestration.cli.dagster import dagster
from orchestration.cli.deliveries import deliveries
from orchestration.cli.demo import demo
from orchestration.cli.doctor import doctor
from orchestration.cli.erase import erase
from orchestration.cli.metrics import metrics
from orchestration.cli.notify import notify
from orchestration.cli.prepare import prepare
from orchestration.cli.restore import restore
from orchestration.cli.run import run
from orchestration.cli.serve import serve
from orchestration.cli.start import start
from orchestration.cli.stop import stop
from orchestration.cli.webhook import webhook
from orchestration.errors import FAILED, OK, Interrupted, UserError

_HANDLE_SIGNALS_THEMSELVES = {"serve", "webhook"}


class _Commands(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        """Run the command. Typer would turn an interrupt into exit code 130 without a word."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted("Interrupted before the end. Run the same command again.") from None


# Plain help and errors: the last line of a box would not say how the command ended.
app = typer.Typer(
    name="atendimento",
    cls=_Commands,
    help="What became of every scheduled client contact.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
_COMMANDS: tuple[Callable[..., None], ...] = (
    *(run, demo, backfill, dagster, deliveries, doctor, serve, erase),
    *(notify, metrics, cleanup, backup, restore, webhook, prepare, start, stop),
)
for command in _COMMANDS:
    app.command()(command)
app.add_typer(account, name="account")
app.command(hidden=True)(tidy)


@app.callback()
def _before_every_command(context: typer.Context) -> None:
    # Whatever is written may hold personal data, and so may a core dump.
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if context.invoked_subcommand not in _HANDLE_SIGNALS_THEMSELVES:
        context.with_resource(_sigterm_as_interrupt())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: the only place that turns an error into one."""
    try:
        app(arguments, prog_name="atendimento")
    except SystemExit as end:
        return int(end.code or OK)
    except UserError as error:
        _print_failure(str(error), error.prefix)
        return error.exit_code
    except Exception as error:
        from orchestration.cli.unexpected_error import describe_error

        _print_failure(describe_error(error), UserError.prefix)
        return FAILED
    return OK


def _print_failure(message: str, prefix: str) -> None:
    *details, last = message.strip().split("\n")
    if details:
        print(prefix + "\n".join(details), file=sys.stderr)
    print(prefix + last, file=sys.stderr, flush=True)


@contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """End the command on SIGTERM, which `kill` and service managers send, as on Ctrl-C."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
