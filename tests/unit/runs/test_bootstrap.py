"""What a run needs: the lock of the one run at a time, for those who wait and those who do not."""

from __future__ import annotations

import threading
from pathlib import Path

import psycopg
import pytest
from tests_database import database_with_locale

from orchestration.errors import DatabaseError
from orchestration.monitoring.doctor import run_checks
from orchestration.postgres.database import Database
from orchestration.runs.bootstrap import RunInProgress, open_database, run_lock
from orchestration.settings import Settings


def test_a_run_asked_for_by_a_sensor_waits_for_the_one_in_progress(database: Database) -> None:
    entered = threading.Event()

    def asked_for_by_a_sensor() -> None:
        with run_lock(database, wait=True):
            entered.set()

    waiting = threading.Thread(target=asked_for_by_a_sensor)
    with run_lock(database):
        with pytest.raises(RunInProgress, match="Another run is in progress"), run_lock(database):
            pass
        waiting.start()
        assert not entered.wait(0.3)
    waiting.join(timeout=20)
    assert entered.is_set()
    with run_lock(database):
        pass


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_of_another_encoding_is_refused_in_a_sentence(
    postgres: Database, maintenance: psycopg.Connection, tmp_path: Path, encoding: str
) -> None:
    with database_with_locale(postgres, maintenance, "C", encoding) as database:
        settings = Settings(home=tmp_path, database_url=database.url)
        with pytest.raises(DatabaseError, match=f"encoding {encoding}, and it must be UTF8") as no:
            open_database(settings)
        assert len(str(no.value).splitlines()) == 1
        with database.connect() as conn:
            schemas = conn.execute("select count(*) from pg_namespace where nspname !~ '^pg_'")
            assert schemas.fetchone() == (2,), "public and information_schema"
        (said,) = [check for check in run_checks(settings) if check.what == "database"]
    assert not said.well
    assert f"encoding {encoding}, and it must be UTF8" in said.says
