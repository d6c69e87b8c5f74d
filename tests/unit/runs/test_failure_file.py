"""A run that could not reach the database: its sentence is entered when that answers again."""

from __future__ import annotations

from pathlib import Path

import pytest
from pipeline import Program

from orchestration.postgres.database import Database
from orchestration.runs import failure_file
from orchestration.runs.bootstrap import open_database
from orchestration.settings import Settings, load_settings


def settings_of(home: Path, database: Database) -> Settings:
    changes = {"home": home, "database_url": database.url}
    return load_settings(Path("/nonexistent/.env")).model_copy(update=changes)


def entered(database: Database) -> list[tuple[str, str]]:
    with database.connect() as conn:
        return conn.execute(
            "select kind, message from ops.run_failure order by failed_at"
        ).fetchall()


@pytest.mark.usefixtures("one_check_worker")
def test_a_run_without_a_database_leaves_its_sentence(database: Database, tmp_path: Path) -> None:
    program = Program(tmp_path, database)
    nowhere = "postgresql://x@127.0.0.1:9/none"
    assert program.call("run", "--source", tmp_path, DATABASE_URL=nowhere).exit_code == 1
    settings = settings_of(tmp_path, database)
    for _ in range(2):
        open_database(settings)
        ((kind, message),) = entered(database)
        assert kind == "DatabaseError"
        assert "cannot be reached" in message
    assert not list(tmp_path.glob("*last_failure*"))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"run_id": "r"}', "\0"])
def test_half_a_file_is_forgotten(database: Database, tmp_path: Path, content: str) -> None:
    (tmp_path / "last_failure.json").write_text(content)
    open_database(settings_of(tmp_path, database))
    assert entered(database) == []
    assert not list(tmp_path.glob("*last_failure*"))


def test_a_folder_that_cannot_be_written_to_loses_it(tmp_path: Path) -> None:
    failure_file.write_failure(tmp_path / "nowhere", "r", "a sentence", "Kind")
    assert list(tmp_path.iterdir()) == []
