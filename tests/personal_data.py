"""Looking for personal data that tests have planted: in every table, in every file."""

from __future__ import annotations

import csv
from collections.abc import Collection, Sequence
from pathlib import Path

from orchestration.postgres.database import Database


def rows_of(folder: Path, table: str) -> list[dict[str, str]]:
    """The rows of a delivery's file."""
    with (folder / f"{table}.csv").open(encoding="utf-8-sig", newline="") as file:
        sample = file.readline()
        file.seek(0)
        return list(csv.DictReader(file, delimiter=";" if ";" in sample else ","))


def write(folder: Path, table: str, rows: list[dict[str, str]]) -> None:
    """Write a delivery's file."""
    folder.mkdir(exist_ok=True)
    with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def tables_with(
    database: Database, planted: Sequence[str], besides: Collection[str] = ()
) -> list[str]:
    """Every table of any schema with a planted string in a row, but those of the schemas `besides`;
    statistics too, when no schema is left out.
    """
    patterns = [f"%{one}%" for one in planted]
    with database.connect() as conn:
        names = conn.execute(
            "select c.oid::regclass::text from pg_class as c where c.relkind in ('r', 'm')"
            " and not c.relnamespace::regnamespace::text = any(%s)",
            [["pg_catalog", "information_schema", *besides]],
        ).fetchall()
        hits = [
            name
            for (name,) in names
            if conn.execute(
                f"select 1 from {name} as t where t::text like any(%s) limit 1".encode(), [patterns]
            ).fetchone()
        ]
        statistics = (
            not besides
            and conn.execute(
                "select 1 from pg_stats"
                " where concat(most_common_vals, histogram_bounds) like any(%s) limit 1",
                [patterns],
            ).fetchone()
        )
    return [*hits, "pg_stats"] if statistics else hits


def files_with(folder: Path, planted: Sequence[str], besides: Collection[str] = ()) -> list[str]:
    """Every file with a planted string in it or in its name, but those below `besides`."""
    sought = [one.encode() for one in planted]
    return [
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
        and not path.is_symlink()
        and path.relative_to(folder).parts[0] not in besides
        and any(one in path.name.encode() or one in path.read_bytes() for one in sought)
    ]
