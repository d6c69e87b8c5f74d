r"""How long a clean delivery takes to load, against `psql \copy` of the same files.

Belongs here: the measurement, and plain files to measure with. Does not: believable data (the
demo). Run it as `python -m benchmarks.load [FOLDER] [--agendas N] [--home DIR]`; without a
folder it writes one. Both loads go into empty databases of one server, one after the other.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
from psycopg import sql

from orchestration.ingest import raw_tables
from orchestration.ingest.contract import SOURCE_TABLES
from orchestration.ingest.load import LoadSettings, load_delivery
from orchestration.ingest.sources.delivery import open_folder
from orchestration.postgres import embedded
from orchestration.postgres.database import Database
from orchestration.postgres.migrate import migrate
from orchestration.postgres.server_place import installed_programs

_AT = (
    "to_char(timestamptz '2026-01-01' + g * interval '20 second', "
    "'YYYY-MM-DD\"T\"HH24:MI:SS-03:00')"
)
_DAY = "(date '2026-01-01' + (g % 300)::integer)"

# Table, rows per 1,000 agendas, its columns as SQL over the row's number `g`.
_ROWS: tuple[tuple[str, float | int, str], ...] = (
    ("company", -5, "'c' || g, 'Company ' || g, 'America/Sao_Paulo', 2, 2, 12"),
    ("app_user", -50, "'u' || g, 'login' || g, 'User ' || g, 'attendant', 'c' || 1 + g % 5, true"),
    ("user_company", -50, "'u' || g, 'c' || 1 + (g + 1) % 5"),
    ("team", -10, "'t' || g, 'c' || 1 + g % 5, 'Team ' || g, true"),
    ("campaign", -5, "'p' || g, 'Campaign ' || g, true"),
    ("event_type", -20, "'e' || g, 'p' || 1 + g % 5, 'Event ' || g"),
    ("loss_reason", -5, "'l' || g, 'Reason ' || g"),
    ("chatbot_option", -5, "'o' || g, null, 'Option ' || g, 'book', null"),
    (
        "client", 400,
        f"'h' || g, {_AT}, 'Cliente, o ' || g, '11', (910000000 + g)::text, null, "
        "'c' || g || '@example.com', 'true'",
    ),
    ("vehicle", 400, f"'v' || g, {_AT}, 'h' || g, 'ABC' || g % 9999, 'Model ' || g % 50, 'true'"),
    (
        "agenda", 1300,
        f"'a' || lpad((g % %(agendas)s)::text, 9, '0'), {_AT}, 'c' || 1 + g % %(agendas)s % 5, "
        "'h' || 1 + g % %(shared)s, 'v' || 1 + g % %(shared)s, 'e' || 1 + g % 20, "
        f"'t' || 1 + g % 10, 'u' || 1 + g % 50, 'active', {_DAY}, {_AT}, "
        f"case when g % 3 = 0 then {_AT} end",
    ),
    (
        "dispatch", 1200,
        f"'d' || lpad(g::text, 9, '0'), {_AT}, 'a' || lpad((g % %(agendas)s)::text, 9, '0'), "
        f"'first_contact', {_AT}, {_AT}, {_AT}, case when g % 2 = 0 then {_AT} end, "
        "null, null, null",
    ),
    (
        "booking", 300,
        f"'b' || g, {_AT}, 'a' || lpad((g % %(agendas)s)::text, 9, '0'), 'leadzap', {_AT}, {_AT}, "
        f"{_AT}, null, null, null",
    ),
    ("reply", 500, f"'r' || g, {_AT}, 'd' || lpad(g::text, 9, '0'), 'o' || 1 + g % 5, {_AT}"),
    (
        "passive_contact", 20,
        f"'w' || g, {_AT}, 'c' || 1 + g % 5, '5511912345678', 'book', {_AT}, null, null",
    ),
)  # fmt: skip


def write_delivery(conn: psycopg.Connection, folder: Path, agendas: int) -> None:
    """Plain, clean files of a size."""
    sizes = {"agendas": agendas, "shared": agendas * 4 // 10}
    for name, rows, columns in _ROWS:
        for word, size in sizes.items():
            columns = columns.replace(f"%({word})s", str(size))
        count = -int(rows) if rows < 0 else agendas * int(rows) // 1000
        table = next(table for table in SOURCE_TABLES if table.name == name)
        rows_of_table = f"select {columns} from generate_series(1, {count}) as g"
        with (
            conn.cursor() as cursor,
            cursor.copy(f"copy ({rows_of_table}) to stdout (format csv)".encode()) as copy,
            (folder / f"{name}.csv").open("wb") as file,
        ):
            file.write((",".join(raw_tables.column_names(table)) + "\n").encode())
            for block in copy:
                file.write(block)


def baseline(database: Database, folder: Path) -> float:
    """Seconds that psql takes for the files, one by one, into typed tables with the same keys."""
    delivery = open_folder(folder, "utf-8", LoadSettings().max_file_bytes)
    script = []
    with database.connect() as conn:
        conn.execute("create schema baseline")
        for name, source in delivery.tables.items():
            table = source.table
            columns = [table.column(column) for column in source.header]
            key = (*table.key, *(["updated_at"] if table.kind == "entity" else []))
            conn.execute(
                sql.SQL("create table baseline.{} ({}, primary key ({}))").format(
                    sql.Identifier(name),
                    sql.SQL(", ").join(
                        sql.SQL("{} {}").format(
                            sql.Identifier(column.name), raw_tables.column_type(column)
                        )
                        for column in columns
                    ),
                    raw_tables.identifiers(key),
                )
            )
            path = folder / source.name
            origin = f"program 'gzip -dc {path}'" if path.suffix == ".gz" else f"'{path}'"
            script.append(
                f"\\copy baseline.{name} from {origin} "
                f"(format csv, header, delimiter '{source.delimiter}')"
            )
    started = time.monotonic()
    subprocess.run(
        [str(installed_programs() / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", database.url],
        input="\n".join(script),
        text=True,
        check=True,
    )
    return time.monotonic() - started


def main() -> None:
    """Measure both and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--agendas", type=int, default=1_000_000)
    parser.add_argument("--home", type=Path, help="where the server and the files are made")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.home, prefix="bench-") as home:
        database = embedded.start_server(Path(home) / "postgres")
        try:
            _measure(database, arguments.folder, Path(home), arguments.agendas)
        finally:
            embedded.remove_server(Path(home) / "postgres")


def _measure(database: Database, folder: Path | None, home: Path, agendas: int) -> None:
    if folder is None:
        folder = home / "delivery"
        folder.mkdir()
        with database.connect() as conn:
            write_delivery(conn, folder, agendas)
    with psycopg.connect(database.named("postgres", "postgres").url, autocommit=True) as conn:
        conn.execute("create database baseline owner atendimento")
        conn.execute("checkpoint")
    theirs = baseline(database.named("baseline"), folder.resolve())
    with psycopg.connect(database.named("postgres", "postgres").url, autocommit=True) as conn:
        conn.execute("checkpoint")
    with database.connect() as conn:
        migrate(conn)
    for run in ("first", "again"):
        started = time.monotonic()
        loaded = load_delivery(database, folder, LoadSettings())
        ours = time.monotonic() - started
        for table in loaded.tables:
            print(f"  {table.table:16} {table.read:>10} rows {table.seconds:6.1f} s")
        print(
            f"{run}: load {ours:.1f} s, psql {theirs:.1f} s, ratio {ours / theirs:.2f}; "
            f"rows {sum(table.read for table in loaded.tables)}, "
            f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB"
        )


if __name__ == "__main__":
    main()
