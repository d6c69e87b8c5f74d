"""`atendimento deliveries`: did Tuesday's file arrive, and what became of it."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pipeline import Program

from orchestration.cli.deliveries import report_lines
from orchestration.ingest import ledger
from orchestration.ingest.load import DeliveryRefused, LoadSettings, load_delivery
from orchestration.monitoring.delivery_report import read_deliveries
from orchestration.postgres.database import Database
from orchestration.settings import Settings
from tests.deliveries import BASE, agenda, write

NOON = datetime(2026, 11, 20, 15, tzinfo=UTC)


def manifest(folder: Path, size: int | None = None) -> Path:
    """Name every file with its size, the agendas' with `size` when given."""
    files = [
        {
            "name": path.name,
            "bytes": size if size and path.stem == "agenda" else path.stat().st_size,
        }
        for path in folder.glob("*.csv")
    ]
    (folder / "manifest.json").write_text(json.dumps({"files": files}))
    return folder


@pytest.fixture
def settings(database: Database, tmp_path: Path) -> Settings:
    (tmp_path / "inbox").mkdir()
    return Settings(home=tmp_path, database_url=database.url)


def said(settings: Settings, first: date | None = None, last: date | None = None) -> list[str]:
    report = read_deliveries(settings, first, last, datetime.now(UTC).date())
    return list(report_lines(report, settings))


def test_nothing_has_come_yet(settings: Settings) -> None:
    (line,) = said(settings, date(2026, 11, 20), date(2026, 11, 21))
    assert line == "No delivery came from 2026-11-20 to 2026-11-21."


def test_what_came_and_what_became_of_it(settings: Settings, database: Database) -> None:
    inbox = settings.watched
    how = LoadSettings(inbox=inbox)
    monday = manifest(write(inbox / "monday", {**BASE, "agenda": [agenda("a1"), agenda("a2")]}))
    late = agenda("a3", client_id="h9")
    tuesday = manifest(write(inbox / "tuesday", {"agenda": [agenda("a1"), agenda("a4"), late]}))
    for folder in (monday, monday, tuesday):
        load_delivery(database, folder, how)
    manifest(write(inbox / "wednesday", {"agenda": [agenda(origin="Rui Silva 11 99999-9999")]}))
    with pytest.raises(DeliveryRefused):
        load_delivery(database, inbox / "wednesday", how)
    manifest(write(inbox / "thursday", {"agenda": []}))
    manifest(write(inbox / "friday", {"agenda": []}), 9000)
    write(inbox / "saturday", {"agenda": []})
    for file in (inbox / "friday").iterdir():
        os.utime(file, (NOON.timestamp(), NOON.timestamp()))
    os.utime(inbox / "friday", (NOON.timestamp(), NOON.timestamp()))
    settings.whatsapp_spool.mkdir()
    (settings.whatsapp_spool / "1.jsonl").touch()
    (settings.whatsapp_spool / "2.part").touch()

    lines = said(settings)
    text = "\n".join(lines)
    came = [line[21:] for line in lines if not line.startswith((" ", "In ", "WhatsApp"))]
    assert came == [
        f"loaded   {monday}",
        f"again    {monday}",
        f"loaded   {tuesday}",
        f"refused  {inbox / 'wednesday'}",
    ]
    assert "    agenda.csv               read 3  new 1  known 1  rejected 0  parked 1" in lines
    assert "1 of 1 rows are rejected, 100.0%; the limit is 5.0%" in text
    assert "Rui" not in text
    waiting = lines[lines.index(f"In {inbox}:") + 1 :]
    assert waiting[0] == "    friday: incomplete, last written 2026-11-20 12:00:00"
    assert waiting[1].startswith("      agenda.csv: ")
    assert waiting[1].endswith(" of 9,000 bytes")
    assert waiting[2].startswith("    saturday: incomplete, last written ")
    assert waiting[3] == "      manifest.json: missing"
    assert waiting[4].startswith("    thursday: complete, not taken yet, last written ")
    assert waiting[5].startswith("WhatsApp events 1.jsonl: waits for the next run")
    assert waiting[6].startswith("WhatsApp events 2.part: being written")
    assert len(waiting) == 7

    manifest(write(tuesday, {"agenda": [agenda("a5")]}))
    assert any(line.startswith("    tuesday: complete, not taken yet") for line in said(settings))


def test_days_are_of_the_groups_time_zone(settings: Settings, database: Database) -> None:
    said(settings)
    midnight = datetime(2026, 11, 20, 3, tzinfo=UTC)
    with database.connect() as conn:
        conn.cursor().executemany(
            "insert into ops.delivery (source, run_id, started_at, status) values (%s, '', %s, %s)",
            [
                ("the evening", midnight - timedelta(microseconds=1), "loaded"),
                ("midnight", midnight, "loaded"),
                ("the end", midnight + timedelta(days=1, microseconds=-1), "loaded"),
                ("the day after", midnight + timedelta(days=1), "loaded"),
            ],
        )
    day = date(2026, 11, 20)
    assert [line.split("  ")[-1].strip() for line in said(settings, day, day)] == [
        "midnight",
        "the end",
    ]
    assert len(said(settings, day)) == 3
    assert len(said(settings, None, day)) == 3
    assert said(settings, date(2026, 11, 30), day)[0].startswith("No delivery came")


def test_a_delivery_without_a_manifest_is_known_by_its_time(database: Database) -> None:
    with database.connect() as conn:
        ledger.record_refusal(conn, "a folder", "", NOON, DeliveryRefused("no"), "0a1b")
        earlier, later = NOON - timedelta(seconds=1), NOON + timedelta(seconds=1)
        assert ledger.is_known_delivery(conn, "a folder", "0a1b", later)
        assert not ledger.is_known_delivery(conn, "a folder", "2c3d", earlier)
        conn.execute("update ops.delivery set manifest = null")
        assert ledger.is_known_delivery(conn, "a folder", "0a1b", earlier), "known by its time"
        assert not ledger.is_known_delivery(conn, "a folder", "0a1b", later)


def test_the_command(database: Database, tmp_path: Path) -> None:
    program = Program(tmp_path, database)
    said = program.call("deliveries", "--from", "2026-11-20", "--to", "2026-11-20")
    assert (said.exit_code, said.last_line) == (
        0, "No delivery came from 2026-11-20 to 2026-11-20.",
    )  # fmt: skip
    assert program.call("deliveries", "--from", "20/11").exit_code == 2
    away = program.call("deliveries", DATABASE_URL="postgresql://nobody@127.0.0.1:9/none")
    assert away.exit_code == 1
