"""The way round the other path: a delivery through load, build and publication, read back."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from psycopg import sql
from psycopg.rows import dict_row

from orchestration.ingest.load import LoadSettings, load_delivery
from orchestration.postgres.database import Database
from orchestration.publication.dbt import build
from orchestration.publication.swap import swap_schemas
from tests.oracle.comparison import COLUMNS, columns_of
from tests.oracle.delivery_files import write_delivery
from tests.oracle.rows import SourceRows

GROUP_TIMEZONE = "America/Sao_Paulo"


def load(database: Database, rows: SourceRows, folder: Path, seed: int) -> None:
    """Write the delivery and load it; AssertionError when a row of it was set aside."""
    write_delivery(rows, folder, seed)
    load_delivery(database, folder, LoadSettings())
    assert rejected(database) == []


def publish(database: Database, as_of: datetime, scratch: Path) -> None:
    """Build as of that instant and publish; AssertionError when a data test fails."""
    failed = [outcome.name for outcome in build(database, as_of, scratch) if not outcome.passed]
    assert failed == []
    with database.connect() as conn:
        swap_schemas(
            conn,
            run_id=as_of.isoformat(),
            as_of=as_of,
            group_timezone=GROUP_TIMEZONE,
            edition="none",
            expected=COLUMNS,
        )


def read_published(database: Database, as_of: datetime) -> dict[str, list[dict[str, object]]]:
    """The rows of every published table for that instant, in the columns of section 4."""
    with database.connect() as conn, conn.cursor(row_factory=dict_row) as cursor:
        return {
            table: cursor.execute(
                sql.SQL("select {} from {} where {} = %s").format(
                    sql.SQL(", ").join(map(sql.Identifier, columns_of(table))),
                    sql.Identifier("marts", table),
                    # What has no instant of its own is all of this edition.
                    sql.Identifier("as_of") if "as_of" in columns_of(table) else sql.Literal(as_of),
                ),
                [as_of],
            ).fetchall()
            for table in COLUMNS
        }


def rejected(database: Database) -> list[tuple[object, ...]]:
    """How many rows were set aside, by table and reason."""
    with database.connect() as conn:
        return conn.execute(
            "select table_name, reason, count(*) from raw.rejected_row group by 1, 2"
        ).fetchall()
