"""Files of received WhatsApp events: none is lost, whatever stops or comes between.

Here is what machines and other programs do to the spool folder. Not: receiving (`test_webhook.py`).
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from deliveries import BASE, LENIENT, agenda, dispatch, load, stored, write
from whatsapp_payloads import body, receive, spooled, status

from orchestration.ingest.load import DeliveryRefused, LoadSettings, load_delivery
from orchestration.ingest.whatsapp import spool, store
from orchestration.postgres import embedded
from orchestration.postgres.database import Database
from orchestration.postgres.migrate import migrate

FIRST = {**BASE, "agenda": [agenda()], "dispatch": [dispatch()]}
SENT = body([status("sent", "2026-11-20T12:01:00+00:00")])
READ = body([status("read", "2026-11-20T12:02:00+00:00")])


def statuses(database: Database) -> list[str]:
    with database.connect() as conn:
        query = "select status from raw.whatsapp_status order by occurred_at"
        return [name for (name,) in conn.execute(query)]


def test_a_database_that_crashes_once_files_are_put_away_still_has_their_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Path(tempfile.mkdtemp(prefix="atendimento-test-"))
    try:
        database = embedded.start_server(home / "postgres")
        with database.connect() as conn:
            migrate(conn)
        load(database, tmp_path / "1", FIRST)
        put_away = spool.archive_files

        def then_crash(folder: Path, files: Iterable[Path]) -> None:
            put_away(folder, files)
            embedded.stop_server(home / "postgres", "immediate")

        monkeypatch.setattr(spool, "archive_files", then_crash)
        waiting = spooled(tmp_path / "spool", [SENT])
        with pytest.raises(Exception, match="database"):
            load_delivery(database, None, LoadSettings(whatsapp_spool=waiting))
        assert spool.closed_files(waiting) == []
        with embedded.start_server(home / "postgres").connect() as conn:
            known = conn.execute("select status from raw.whatsapp_status").fetchall()
        assert known == [("sent",)]
    finally:
        embedded.remove_server(home / "postgres")
        shutil.rmtree(home)


def test_files_of_one_name_are_all_kept(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path / "1", FIRST)
    for told in (SENT, READ):
        receive(database, tmp_path / "spool", told)
    kept = [path.read_bytes() for path in (tmp_path / "spool" / "loaded").iterdir()]
    assert sorted(kept) == sorted([SENT + b"\n", READ + b"\n"])


def test_a_file_put_where_one_was_just_read_waits_for_the_next_load(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(database, tmp_path / "1", FIRST)
    lines = spool.read_lines

    def then_another(path: Path) -> Iterator[bytes]:
        yield from lines(path)
        spooled(tmp_path / "spool", [READ])

    with monkeypatch.context() as patched:
        patched.setattr(spool, "read_lines", then_another)
        receive(database, tmp_path / "spool", SENT)
    load_delivery(database, None, LoadSettings(whatsapp_spool=tmp_path / "spool"))
    assert statuses(database) == ["sent", "read"]


def test_a_load_that_failed_leaves_its_files_to_the_next(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(database, tmp_path / "1", FIRST)
    (spooled(tmp_path / "spool", [SENT]) / "1.jsonl").rename(tmp_path / "spool" / "a-1.jsonl")
    names = set()
    for _ in range(2):
        with monkeypatch.context() as patched:
            patched.setattr(store, "load_events", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                load_delivery(database, None, LoadSettings(whatsapp_spool=tmp_path / "spool"))
        (left,) = spool.closed_files(tmp_path / "spool")
        names.add(left.name)
    assert len(names) == 1
    load_delivery(database, None, LoadSettings(whatsapp_spool=tmp_path / "spool"))
    assert statuses(database) == ["sent"]


def test_nothing_that_is_put_away_already_is_written_over(tmp_path: Path) -> None:
    for told in (SENT, READ):
        folder = spooled(tmp_path / "spool", [told])
        spool.archive_files(folder, [folder / "1.jsonl"])
    assert len(list((tmp_path / "spool" / "loaded").iterdir())) == 2


def test_what_cannot_be_read_is_named_and_left_and_the_delivery_is_loaded(
    database: Database, tmp_path: Path
) -> None:
    load(database, tmp_path / "1", {**BASE, "agenda": [agenda()]})
    waiting = spooled(tmp_path / "spool", [SENT])
    (waiting / "0.jsonl").mkdir()
    (waiting / "nowhere.jsonl").symlink_to(waiting / "gone")
    folder = write(tmp_path / "2", {"dispatch": [dispatch()]})
    loaded = load_delivery(database, folder, LoadSettings(whatsapp_spool=waiting))
    assert statuses(database) == ["sent"]
    assert len(stored(database)["dispatch"]) == 1
    assert [notice.partition(":")[0] for notice in loaded.notices] == ["0.jsonl", "nowhere.jsonl"]
    assert "Is a directory" in loaded.notices[0]
    assert [path.name for path in spool.closed_files(waiting)] == ["0.jsonl", "nowhere.jsonl"]


def test_what_can_be_read_of_a_failing_file_is_loaded_and_the_file_stays(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(database, tmp_path / "1", FIRST)
    lines = spool.read_lines

    def failing(path: Path) -> Iterator[bytes]:
        yield next(lines(path))
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(spool, "read_lines", failing)
    loaded = receive(database, tmp_path / "spool", SENT, READ)
    assert statuses(database) == ["sent"]
    (notice,) = loaded.notices
    assert "Input/output error" in notice
    assert len(spool.closed_files(tmp_path / "spool")) == 1
    folder = write(tmp_path / "2", {})
    (folder / "whatsapp_events.jsonl").write_bytes(READ)
    with pytest.raises(DeliveryRefused, match="the WhatsApp events cannot be read"):
        load_delivery(database, folder, LENIENT)


def test_a_folder_that_cannot_be_listed_stops_nothing(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(database, tmp_path / "1", FIRST)

    def denied(_: Path) -> list[Path]:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(spool, "closed_files", denied)
    loaded = receive(database, tmp_path / "spool", SENT)
    (notice,) = loaded.notices
    assert notice.startswith("spool: ")
    assert "Permission denied" in notice
    assert spool.has_waiting_files(tmp_path / "spool")
