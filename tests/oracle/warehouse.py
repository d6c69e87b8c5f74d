"""The way round the other path: a delivery through load and build, read back.

Belongs here: the harness. Does not: the comparison, nor what is expected.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from unittest.mock import patch

from psycopg import sql
from psycopg.rows import dict_row

from orchestration.bookkeeping import prepare
from orchestration.database import Database
from orchestration.ingest.load import LoadSettings, load_delivery
from tests.oracle.comparison import COLUMNS, columns_of
from tests.oracle.delivery_files import write_delivery
from tests.oracle.rows import SourceRows

ROOT = Path(__file__).resolve().parent.parent.parent
# The day's set enters the history when an edition is published, which comes after the build.
BUILT_TABLES = tuple(table for table in COLUMNS if table != "totalizer_history")


def load(database: Database, rows: SourceRows, folder: Path, seed: int) -> None:
    """Write the delivery and load it; AssertionError when a row of it was set aside."""
    write_delivery(rows, folder, seed)
    with database.connect() as conn:
        prepare(conn)
    load_delivery(database, folder, LoadSettings())
    assert rejected(database) == []


def build(database: Database, as_of: datetime, scratch: Path) -> None:
    """Build every model and run every data test as of that instant.

    With a parsed project of its own: the parse holds the name of the database, and each example
    has another.
    """
    from dbt.cli.main import dbtRunner

    project = str(ROOT / "dbt_project")
    arguments = [
        *("build", "--quiet", "--exclude-resource-type", "unit_test"),
        *("--project-dir", project, "--profiles-dir", project),
        *("--target-path", str(scratch), "--log-path", str(scratch)),
        *("--vars", json.dumps({"as_of": as_of.isoformat()})),
    ]
    with patch.dict(os.environ, database.dbt_environment()):
        result = dbtRunner().invoke(arguments)
    assert result.exception is None, result.exception
    failed = [
        f"{one.node.name}: {one.message}"
        for one in getattr(result.result, "results", [])
        if str(one.status) not in ("success", "pass", "warn")
    ]
    assert not failed, failed


def read_published(database: Database) -> dict[str, list[dict[str, object]]]:
    """The rows of every table dbt built, in the columns of section 4."""
    with database.connect() as conn, conn.cursor(row_factory=dict_row) as cursor:
        return {
            table: cursor.execute(
                sql.SQL("select {} from {}").format(
                    sql.SQL(", ").join(map(sql.Identifier, columns_of(table))),
                    sql.Identifier("marts_next", table),
                )
            ).fetchall()
            for table in BUILT_TABLES
        }


def rejected(database: Database) -> list[tuple[object, ...]]:
    """How many rows were set aside, by table and reason."""
    with database.connect() as conn:
        return conn.execute(
            "select table_name, reason, count(*) from raw.rejected_row group by 1, 2"
        ).fetchall()
