"""`atendimento notify`, `metrics`, `tidy`, `backup`, `restore`: what keeps the house in order."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.runs.run_result import FAILED, OK, WRONG_USAGE
from orchestration.settings import Settings, SettingsError

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from orchestration.postgres.database import Database

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

End = Callable[[int, str], int]


def add_commands(commands: Commands) -> tuple[str, ...]:
    """Add the commands to the program's; their names."""
    notify = commands.add_parser("notify", help="tell what is wrong, or well again, by now")
    notify.add_argument("--test", action="store_true", help="send a test by each channel instead")
    commands.add_parser("metrics", help="print the metrics in Prometheus' text form")
    commands.add_parser("tidy", help="remove old runs, logs and results")
    backup = commands.add_parser("backup", help="back up what no run can make anew")
    backup.add_argument("folder", nargs="?", type=Path, help="default HOME/backups")
    restore = commands.add_parser("restore", help="put a backup in the place of what is there")
    restore.add_argument("folder", type=Path, help="the folder of one backup")
    for name in (names := ("notify", "metrics", "tidy", "backup", "restore")):
        commands.choices[name].set_defaults(upkeep=name)
    return names


def execute(options: argparse.Namespace, settings: Settings, end: End) -> int:
    """Run the command; its exit code, after `end` said how it went."""
    from orchestration.postgres.database import DatabaseError

    act = {
        "notify": _notify,
        "metrics": _metrics,
        "tidy": _tidy,
        "backup": _backup,
        "restore": _restore,
    }[options.upkeep]
    try:
        return act(options, settings, end)
    except SettingsError as error:
        return end(WRONG_USAGE, f"Wrong settings: {error}")
    except DatabaseError as error:
        told, _, last = str(error).strip().rpartition("\n")
        if told:
            print(f"Failed: {told}", file=sys.stderr)
        return end(FAILED, f"Failed: {last}")


def _notify(options: argparse.Namespace, settings: Settings, end: End) -> int:
    import psycopg

    from orchestration.notifications import channels, dispatcher, fallback
    from orchestration.postgres.database import DatabaseError
    from orchestration.runs.bootstrap import open_database

    if options.test:
        return _notify_test(settings, end)
    places = channels.configured_channels(settings)
    try:
        failures = dispatcher.dispatch_notifications(settings, open_database(settings), to=places)
    except (DatabaseError, psycopg.Error) as error:
        for failure in fallback.notify_database_unreachable(settings, places):
            print(failure)
        if isinstance(error, DatabaseError):
            raise
        # PostgreSQL's own words may repeat rows.
        return end(
            FAILED,
            f"Failed: the database did not take what there was to keep ({type(error).__name__}). "
            "See whether its disk is full (`atendimento doctor`).",
        )
    for failure in failures:
        print(failure)
    if failures:
        return end(FAILED, "Failed: not everything was told. It is tried again next time.")
    return end(OK, f"Told what there was to tell; channels: {len(places)}.")


def _notify_test(settings: Settings, end: End) -> int:
    from orchestration.notifications import dispatcher

    tried = list(dispatcher.send_test_messages(settings))
    if not tried:
        return end(
            WRONG_USAGE,
            "No channel is set: set ATENDIMENTO_NOTIFY_WEBHOOKS or ATENDIMENTO_NOTIFY_EMAIL_TO.",
        )
    for label, failure in tried:
        print(f"{'WRONG' if failure else 'ok   '}  {label}: {failure or 'it took the test'}")
    failed = sum(bool(failure) for _, failure in tried)
    if failed:
        return end(FAILED, f"Failed: {failed} of {len(tried)} channels. Correct their settings.")
    return end(OK, f"Sent; channels: {len(tried)}. See that it arrived.")


def _metrics(_: argparse.Namespace, settings: Settings, __: End) -> int:
    with ExitStack() as stack:
        database, instance = _open(settings, stack)

        from orchestration.monitoring import metrics

        print(metrics.read_metrics(settings, database, instance), end="")
    return OK


def _tidy(_: argparse.Namespace, settings: Settings, end: End) -> int:
    with ExitStack() as stack:
        database, instance = _open(settings, stack)

        from orchestration.maintenance import retention

        removed = retention.apply_retention(settings, database, instance)
    return end(OK, f"Removed {removed}.")


def _backup(options: argparse.Namespace, settings: Settings, end: End) -> int:
    from orchestration.backup import create

    began = time.monotonic()
    try:
        made = create.create_backup(
            settings, options.folder and options.folder.expanduser().absolute()
        )
    except create.BackupError as error:
        return end(FAILED, f"Failed: {error}")
    rows = sum(made.manifest.rows.values())
    print(f"{rows:,} rows, {made.bytes / 2**20:,.1f} MB, {time.monotonic() - began:.1f} s")
    if made.removed:
        print(f"Older backups removed: {made.removed} (ATENDIMENTO_BACKUP_RETENTION_COUNT)")
    return end(OK, f"Backed up. It holds personal data; keep a copy elsewhere: {made.folder}")


def _restore(options: argparse.Namespace, settings: Settings, end: End) -> int:
    from orchestration.backup import restore
    from orchestration.runs.bootstrap import RunInProgress

    began = time.monotonic()
    try:
        done = restore.restore_backup(settings, options.folder.expanduser().absolute())
    except (restore.RestoreError, RunInProgress) as error:
        return end(FAILED, f"Failed: {error}")
    print(f"{done.rows:,} rows as of {done.made_at.isoformat(timespec='seconds')}, made by version")
    print(f"{done.program}, restored in {time.monotonic() - began:.1f} s. All users sign in again.")
    if done.events:
        print(f"Files of WhatsApp events that wait for the next run: {done.events}")
    if done.erased:
        print(f"Clients erased since, and now erased anew: {done.erased}. Nothing is shown until a")
        print("run has published.")
    print(f"What was there before stays as the database {done.former} until the next restore.")
    return end(OK, "Restored. Now load what came since, and write the pages: `atendimento run`.")


def _open(settings: Settings, stack: ExitStack) -> tuple[Database, DagsterInstance]:
    """The database, and what Dagster keeps."""
    from orchestration.runs.bootstrap import export_environment, open_database, prepare_home

    prepare_home(settings)
    database = open_database(settings)
    export_environment(settings, database)

    from dagster import DagsterInstance

    return database, stack.enter_context(DagsterInstance.get())
