"""The database that a backup is restored into has the encoding and locale of the present one."""

from __future__ import annotations

import psycopg
from tests_database import database_with_locale

from orchestration.backup import restore
from orchestration.postgres.database import Database

LOCALE = "select encoding, datlocprovider, datcollate, datctype, datlocale from pg_database"


def test_the_locale_is_that_of_the_present_database(
    postgres: Database, maintenance: psycopg.Connection
) -> None:
    with database_with_locale(postgres, maintenance, "C.utf8") as present:
        name = present.parts["dbname"]
        for like in (name, postgres.parts["dbname"]):
            coming = postgres.named(f"{name}_restoring")
            restore._make(maintenance, like, coming)
            found = maintenance.execute(
                f"{LOCALE} where datname in (%s, %s)".encode(), [like, coming.parts["dbname"]]
            ).fetchall()
            restore.drop_database(maintenance, coming.parts["dbname"])
            assert len(found) == 2
            assert found[0] == found[1]
