"""Carries into a restored database what a backup must not undo: erasures, accounts, the log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from orchestration.backup.create import TRANSIENT
from orchestration.ingest import ledger
from orchestration.ingest.redaction import erased_numbers, erasure_key, erasure_record
from orchestration.ingest.redaction.erased_numbers import ErasedNumbers
from orchestration.ingest.redaction.erasure_record import ErasureRecord
from orchestration.ingest.redaction.stored_rows import (
    UnknownClient,
    erase_stored,
    vacuum_erased_tables,
)
from orchestration.postgres.database import Database

_SEEN = "at, user_id, action, company_id, agenda_id, client_id, details"


@dataclass(frozen=True, slots=True)
class ReappliedErasures:
    """Clients whom the backup still had, how many; all numbers that are erased."""

    clients: int
    numbers: ErasedNumbers


def erased_by_now(home: Path, present: Database) -> ErasureRecord:
    """Who was erased, by the present database and by the home. ValueError as `erased_ids.kept`."""
    with present.connect() as conn:
        return erasure_record.read_file(home) | erasure_record.read_database(conn)


def preserve_state(
    home: Path,
    present: Database,
    restored: Database,
    erased: ErasureRecord,
    *,
    without_key: bool = False,
) -> ReappliedErasures:
    """Bring accounts, the access log and erasures of the present state into the restored one.

    Accounts are those of the present state, also when it has none left: a password withdrawn since
    must not come back. Only a state in which nothing was ever loaded, as on a new machine, knows of
    no withdrawals: there the accounts of the backup stay. All sessions end. Published tables that
    show a client erased anew are dropped: the next run makes them.

    Args:
        home: The state folder, which has the key of erased numbers.
        present: The database in use.
        restored: The database that takes its place.
        erased: Who was erased by now.
        without_key: Go on without keys that the state folder lacks; numbers that were hashed with
            them are not recognized any more.

    Returns:
        How many clients were erased again, and all erased numbers.

    Raises:
        ErasureKeyMissing: The state folder lacks a key that hashes of either were made with, and
            `without_key` is not set.
    """
    clients = 0
    with (
        present.connect(application="atendimento restore") as old,
        restored.connect(application="atendimento restore") as conn,
    ):
        for table in TRANSIENT:
            conn.execute(sql.SQL("delete from {}").format(sql.Identifier(*table.split("."))))
        if ledger.any_loaded(old) or old.execute("select from access.account limit 1").rowcount:
            conn.execute("delete from access.account")
            _copy(old, conn, "access.account", _columns(conn, "access.account"), "true")
        last = conn.execute(
            "select coalesce(cast(max(at) as text), '-infinity') from access.access_log"
        )
        (moment,) = last.fetchone() or ("-infinity",)
        _copy(old, conn, "access.access_log", _SEEN, f"at > '{moment}'")
        before = erasure_record.read_database(conn)
        erasure_record.insert_erasures(conn, erased)
        if without_key:
            erasure_key.forget_missing_keys(home, conn)
        erasure_key.read_keys(home, conn)
        for client in sorted(erased.clients - before.clients):
            try:
                erase_stored(conn, home, client)
            except UnknownClient:
                # Loaded after the backup, and erased: a later delivery must not bring them back.
                conn.execute("insert into access.erased_client (client_id) values (%s)", [client])
                continue
            clients += 1
        if clients:
            conn.execute("drop schema if exists marts cascade")
        numbers = erased_numbers.read_erased_numbers(conn, home)
    vacuum_erased_tables(restored)
    return ReappliedErasures(clients, numbers)


def _columns(conn: psycopg.Connection, table: str) -> str:
    """The columns of a table, as the restored database has them."""
    rows = conn.execute(
        "select quote_ident(attname) from pg_attribute"
        " where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum",
        [table],
    )
    return ", ".join(name for (name,) in rows)


def _copy(
    old: psycopg.Connection, new: psycopg.Connection, table: str, columns: str, which: str
) -> None:
    """Rows of one database into the same table of another."""
    query = f"copy (select {columns} from {table} where {which} order by 1) to stdout"  # noqa: S608
    with (
        old.cursor().copy(query.encode()) as reading,
        new.cursor().copy(f"copy {table} ({columns}) from stdin".encode()) as writing,
    ):
        for block in reading:
            writing.write(block)
