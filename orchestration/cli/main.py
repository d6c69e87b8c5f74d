"""The command line, `atendimento`: every command."""

from __future__ import annotations

import argparse
import os
import resource
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from orchestration.cli import accounts, dagster, upkeep
from orchestration.runs.as_of import parse_as_of
from orchestration.runs.run_result import FAILED, OK, STOPPED_BY_CHECK, WRONG_USAGE
from orchestration.settings import Settings, SettingsError, load_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code (running.md)."""
    options = command_line().parse_args(arguments)
    try:
        settings = load_settings()
    except SettingsError as error:
        return _end(WRONG_USAGE, f"Wrong settings: {error}")
    os.umask(0o077)  # whatever is written may hold personal data
    # So does the memory of each process, which a core dump would be a copy of.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if options.command in (_serve, _webhook, _dagster):
        return int(options.command(options, settings))  # servers know what to do with a signal
    with _ended_by_sigterm():
        try:
            return int(options.command(options, settings))
        except KeyboardInterrupt:
            return _end(FAILED, "Stopped before its end. Nothing is half done: call it again.")


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """What `kill` and a service manager send ends a command in order, as Ctrl-C does."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop) if _is_main_thread() else None
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def command_line() -> argparse.ArgumentParser:
    """Every command with its arguments."""
    parser = argparse.ArgumentParser(
        prog="atendimento", description="What became of every scheduled client contact."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="load, build, check, publish: the main job")
    run.add_argument("--source", help="delivery folder, or postgresql://…?schema=NAME")
    run.add_argument("--whole", action="store_true", help="read a database whole, not what is new")
    run.add_argument("--as-of", type=_instant, help="ISO 8601 with an offset; default now")
    run.set_defaults(command=_run)

    demo = commands.add_parser("demo", help="write a demo delivery")
    demo.add_argument("folder", type=Path)
    demo.add_argument("--agendas", type=int, default=20_000)
    demo.add_argument("--seed", type=int, default=1)
    demo.add_argument("--as-of", type=_instant, help="ISO 8601 with an offset; default now")
    demo.set_defaults(command=_demo)

    backfill = commands.add_parser("backfill", help="the history of past days, as of their ends")
    backfill.add_argument("--from", dest="first", type=_date, required=True, metavar="DATE")
    backfill.add_argument("--to", dest="last", type=_date, required=True, metavar="DATE")
    backfill.add_argument("--again", action="store_true", help="also days that are done already")
    backfill.set_defaults(command=_backfill)

    dagster.add_command(commands)
    commands.choices["dagster"].set_defaults(command=_dagster)

    deliveries = commands.add_parser("deliveries", help="what came when, and what became of it")
    deliveries.add_argument("--from", dest="first", type=_date, metavar="DATE")
    deliveries.add_argument("--to", dest="last", type=_date, metavar="DATE")
    deliveries.set_defaults(command=_deliveries)

    doctor = commands.add_parser("doctor", help="what is configured, reachable, fresh and wrong")
    doctor.set_defaults(command=_doctor)

    serve = commands.add_parser("serve", help="the lookup page over what was published")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8000)
    serve.set_defaults(command=_serve)

    erase = commands.add_parser("erase", help="erase a client's personal data everywhere (LGPD)")
    erase.add_argument("client", metavar="CLIENT", help="the client's id")
    erase.set_defaults(command=_erase)

    accounts.add_commands(commands)
    commands.choices["account"].set_defaults(command=_account)

    for name in upkeep.add_commands(commands):
        commands.choices[name].set_defaults(command=_upkeep)

    webhook = commands.add_parser("webhook", help="receive WhatsApp's events; off unless started")
    webhook.add_argument("--host", default="127.0.0.1")
    webhook.add_argument("--port", type=int, default=8001)
    webhook.set_defaults(command=_webhook)

    prepare = commands.add_parser("prepare", help="parse the dbt project (part of `make setup`)")
    prepare.set_defaults(command=_prepare)
    start = commands.add_parser("start", help="start the embedded PostgreSQL")
    start.set_defaults(command=_start)
    stop = commands.add_parser("stop", help="stop the embedded PostgreSQL")
    stop.set_defaults(command=_stop)
    return parser


def _instant(text: str) -> datetime:
    try:
        return parse_as_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _date(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 — a date has no zone
    except ValueError as error:
        message = f"{text!r} is not a date: write it as 2026-11-20"
        raise argparse.ArgumentTypeError(message) from error


def _run(options: argparse.Namespace, settings: Settings) -> int:
    source = options.source or settings.source
    if not source:
        return _end(
            WRONG_USAGE,
            "No source is named. Write a demo delivery with `atendimento demo var/demo` and run "
            "`atendimento run --source var/demo`, or set ATENDIMENTO_SOURCE.",
        )
    as_of: datetime = options.as_of or datetime.now(UTC)
    _print_progress(settings)

    import psycopg

    from orchestration.launch import daily_run
    from orchestration.maintenance import post_run
    from orchestration.postgres.database import DatabaseError

    try:
        ended, database = daily_run.execute_daily_job(settings, _absolute(source), as_of)
    except SettingsError as error:
        return _end(WRONG_USAGE, f"Wrong settings: {error}")
    except DatabaseError as error:
        post_run.notify_database_unreachable(settings)
        return _fail(str(error))
    post_run.run_post_run_hooks(settings, database)
    if ended.exit_code == STOPPED_BY_CHECK:
        return _end(ended.exit_code, f"Not published: {ended.reason} Published state unchanged.")
    if ended.exit_code:
        return _fail(ended.reason)
    try:
        for warning in daily_run.warnings(database, ended.run_id):
            print(f"Warning: check {warning}")
        print()
        for line in daily_run.totals(database):
            print(line)
    except (DatabaseError, psycopg.Error):
        print("The totals cannot be shown: the database does not answer any more.")
    print(f"\n{daily_run.peak_memory()}")
    index = settings.published / "current" / "index.html"
    return _end(OK, f"Published as of {as_of.isoformat()}. Open {index}")


def _demo(options: argparse.Namespace, _: Settings) -> int:
    from orchestration.demo import DemoError, DemoNotWritten, write_demo

    as_of: datetime = options.as_of or datetime.now(UTC)

    def on_progress(rows: int) -> None:
        print(f"\r{rows:,} of {options.agendas:,} agendas", end="", file=sys.stderr, flush=True)

    try:
        write_demo(
            options.folder,
            agendas=options.agendas,
            seed=options.seed,
            as_of=as_of,
            on_progress=on_progress,
        )
    except DemoNotWritten as error:
        return _end(FAILED, f"\n{error}")
    except DemoError as error:
        return _end(WRONG_USAGE, f"\n{error}")
    print(file=sys.stderr)
    return _end(OK, f"Wrote {options.folder}. Next: atendimento run --source {options.folder}")


def _backfill(options: argparse.Namespace, settings: Settings) -> int:
    _print_progress(settings)

    from orchestration.launch import backfill
    from orchestration.postgres.database import DatabaseError
    from orchestration.publication.dbt import BuildFailed
    from orchestration.runs.bootstrap import RunInProgress, RunLockLost

    try:
        ended = backfill.run_backfill(
            settings,
            options.first,
            options.last,
            clock=datetime.now(UTC),
            again=options.again,
        )
    except SettingsError as error:
        return _end(WRONG_USAGE, f"Wrong settings: {error}")
    except backfill.InvalidDates as error:
        return _end(WRONG_USAGE, str(error))
    except backfill.DayStopped as error:
        return _end(STOPPED_BY_CHECK, str(error))
    except (
        backfill.NothingLoaded,
        BuildFailed,
        DatabaseError,
        RunInProgress,
        RunLockLost,
    ) as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return _end(FAILED, "Stopped. Finished days stay; the same command does the others.")
    known = f" Done before: {ended.known} (--again computes them anew)." if ended.known else ""
    return _end(OK, f"Days of history computed: {ended.computed}.{known}")


def _dagster(options: argparse.Namespace, settings: Settings) -> int:
    return dagster.execute(options, settings, _end)


def _serve(options: argparse.Namespace, settings: Settings) -> int:
    from orchestration.cli.listening import bind_socket
    from orchestration.lookup_server import serve as lookup_server_serve
    from orchestration.postgres.database import DatabaseError

    host, port = options.host, options.port
    try:
        database, logins = lookup_server_serve.prepare_lookup_server(settings)
        listening = bind_socket(host, port)
    except SettingsError as error:
        return _end(WRONG_USAGE, f"Wrong settings: {error}")
    except (DatabaseError, lookup_server_serve.UnfitRole) as error:
        return _fail(str(error))
    except OSError as error:
        return _not_listening(host, port, error)
    for line in lookup_server_serve.startup_messages(settings, database):
        print(line)
    named = f"[{host}]" if ":" in host else host
    print(f"The lookup page is on http://{named}:{port}", flush=True)
    lookup_server_serve.serve_lookup(settings, logins, listening, host)
    return _end(OK, "Stopped serving.")


def _erase(options: argparse.Namespace, settings: Settings) -> int:
    _print_progress(settings)

    import psycopg

    from orchestration.ingest.errors import DeliveryRefused
    from orchestration.postgres.database import DatabaseError
    from orchestration.privacy import erasure
    from orchestration.runs.bootstrap import RunInProgress

    try:
        receipt = erasure.erase_client(settings, options.client)
    except SettingsError as error:
        return _end(WRONG_USAGE, f"Wrong settings: {error}")
    except erasure.UnknownClient as error:
        return _end(WRONG_USAGE, str(error))
    except (
        erasure.NotErased,
        erasure.EraseIncomplete,
        DatabaseError,
        DeliveryRefused,
        RunInProgress,
    ) as error:
        return _fail(str(error))
    except psycopg.Error as error:
        # Its own words may repeat rows.
        said = f"SQLSTATE {error.sqlstate}" if error.sqlstate else "the connection was lost"
        return _fail(
            f"The database stopped the erasure: {said}. The client {options.client} is not wholly "
            "erased. Look at the database's log, then run the same command again: it does what is "
            "left."
        )
    for line in receipt.lines():
        print(line)
    return _end(OK, "Erased. Keep this receipt.")


def _account(options: argparse.Namespace, settings: Settings) -> int:
    return accounts.execute(options, settings, _end)


def _webhook(options: argparse.Namespace, settings: Settings) -> int:
    secret, token = settings.whatsapp_app_secret, settings.whatsapp_verify_token
    if secret is None or token is None:
        return _end(
            WRONG_USAGE,
            "The receiver is off: set ATENDIMENTO_WHATSAPP_APP_SECRET to the app secret and "
            "ATENDIMENTO_WHATSAPP_VERIFY_TOKEN to a token of your own (docs/whatsapp.md).",
        )
    from orchestration.cli.listening import bind_socket
    from orchestration.webhook.server import serve_webhook

    _print_progress(settings)
    folder = settings.whatsapp_spool
    try:
        listening = bind_socket(options.host, options.port)
    except OSError as error:
        return _not_listening(options.host, options.port, error)
    print(f"Receiving into {folder} on {options.host}, port {options.port}.", flush=True)
    try:
        serve_webhook(
            folder,
            secret.get_secret_value(),
            token.get_secret_value(),
            listening,
            settings.log_format,
        )
    except OSError as error:
        return _end(FAILED, f"Failed: {folder} cannot be used: {error.strerror}.")
    return _end(OK, "Stopped receiving. The next run loads what has come.")


def _not_listening(host: str, port: int, error: OSError) -> int:
    return _end(FAILED, f"Failed: {host}, port {port} cannot be listened on: {error.strerror}.")


def _upkeep(options: argparse.Namespace, settings: Settings) -> int:
    return upkeep.execute(options, settings, _end)


def _deliveries(options: argparse.Namespace, settings: Settings) -> int:
    from orchestration.monitoring import delivery_report
    from orchestration.postgres.database import DatabaseError

    today = datetime.now(ZoneInfo(settings.group_timezone)).date()
    try:
        for line in delivery_report.delivery_report(settings, options.first, options.last, today):
            print(line)
    except DatabaseError as error:
        return _fail(str(error))
    return OK


def _doctor(_: argparse.Namespace, settings: Settings) -> int:
    from orchestration.monitoring.doctor import run_checks

    well = True
    for line in run_checks(settings):
        print(f"{'ok   ' if line.well else 'WRONG'}  {line.what}: {line.says}")
        well = well and line.well
    return OK if well else FAILED


def _prepare(_: argparse.Namespace, __: Settings) -> int:
    from orchestration.publication.dbt import BuildFailed, manifest_path

    try:
        manifest_path()
    except BuildFailed as error:
        return _fail(str(error))
    return OK


def _start(_: argparse.Namespace, settings: Settings) -> int:
    from orchestration.postgres.database import DatabaseError
    from orchestration.runs.bootstrap import open_database, prepare_home

    try:
        prepare_home(settings)
        database = open_database(settings.model_copy(update={"embedded_autostart": True}))
    except SettingsError as error:
        return _end(WRONG_USAGE, f"Wrong settings: {error}")
    except DatabaseError as error:
        return _fail(str(error))
    return _end(OK, f"{database.label} answers.")


def _stop(_: argparse.Namespace, settings: Settings) -> int:
    from orchestration.postgres import embedded
    from orchestration.postgres.database import DatabaseError

    try:
        embedded.stop_server(settings.home / "postgres")
    except DatabaseError as error:
        return _fail(str(error))
    return OK


def _absolute(source: str) -> str:
    """A folder by its full name: the job may run in another folder than the caller."""
    return source if "://" in source else str(Path(source).expanduser().absolute())


def _print_progress(settings: Settings) -> None:
    from orchestration import logs

    logs.show_progress(settings.log_format)


def _fail(reason: str) -> int:
    """A reason of several lines is told whole; its last line says by itself how it ended."""
    told, _, last = reason.strip().rpartition("\n")
    if told:
        print(f"Failed: {told}", file=sys.stderr)
    return _end(FAILED, f"Failed: {last}")


def _end(exit_code: int, sentence: str) -> int:
    """The last line of output says how it ended and what to do."""
    print(sentence, flush=True, file=sys.stdout if exit_code == OK else sys.stderr)
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
