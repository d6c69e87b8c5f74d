"""The pages beside the editions: whole, private, of one state, and silent about rows."""

from __future__ import annotations

import errno
import os
import re
import stat
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path

import psycopg
import pytest

from orchestration.postgres.database import Database
from orchestration.publication import status_pages as orchestrated
from orchestration.settings import load_settings
from reports import editions, labels, paths
from reports.editions import PublishError
from reports.status_pages import StatusPageSettings, write_status_pages
from tests.unit.reports import ops_tables
from tests.unit.reports.ops_tables import HIDDEN, NOW

STANDING = StatusPageSettings(now=NOW, edition_retention_count=6, keep_days=30)
DAY = timedelta(days=1)


@pytest.fixture
def conn(database: Database) -> Iterator[psycopg.Connection]:
    with database.connect() as connection:
        yield connection


def text_of(folder: Path, name: str = paths.QUALITY) -> str:
    html = (folder / name).read_text(encoding="utf-8")
    bare = re.sub(r"<(style|script)>.*?</\1>", "", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", bare)).split())


def days_of(folder: Path) -> list[str]:
    """What each of the last days says, from its date on."""
    html = (folder / paths.QUALITY).read_text(encoding="utf-8")
    return [
        " ".join(re.sub(r"<[^>]+>", " ", day).split())
        for day in re.findall(r'<li class="day.*?</li>', html, flags=re.DOTALL)
    ]


def test_three_weeks_of_runs_are_told_apart(conn: psycopg.Connection, tmp_path: Path) -> None:
    ops_tables.fill(conn)
    write_status_pages(conn, tmp_path, STANDING)
    days = days_of(tmp_path)
    assert len(days) == 30
    assert days[0] == "qui 22/10/2026"
    assert days[8] == "sex 30/10/2026 ✓ Publicada 5.546 agendas"
    assert days[18] == "seg 09/11/2026 … Sem conclusão"
    assert days[21] == "qui 12/11/2026 ✕ Falhou"
    assert days[23] == "sáb 14/11/2026 ○ Não rodou"
    assert days[25] == "seg 16/11/2026 ■ Parada"
    assert days[26] == "ter 17/11/2026 0 Publicou zero 0 agendas"
    assert days[27] == "qua 18/11/2026 ✓ Publicada 5.571 agendas 2 publicadas"
    assert days[29] == "sex 20/11/2026 ✕ Falhou"
    said = text_of(tmp_path)
    assert (
        "A última execução falhou em 20/11/2026 09:00: os dados publicados são de 19/11/2026 09:00."
    ) in said
    assert "Entrega recusada: agenda.csv (table agenda): 600 of 1000 rows" in said
    assert "16 rejeitadas" in said
    assert "7 estacionadas" in said


def test_nothing_of_a_row_and_no_error_of_the_program_is_told(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    ops_tables.fill(conn)
    write_status_pages(conn, tmp_path, STANDING)
    for name in (paths.QUALITY, paths.EDITIONS):
        html = (tmp_path / name).read_text(encoding="utf-8")
        for hidden in (HIDDEN, "DagsterExecutionStepExecutionError", "at line 3", "/home/maria"):
            assert hidden not in html
        assert "<script></" not in html
    assert "Disparos <script> 1" in text_of(tmp_path)


def test_before_the_first_run_nothing_was_ever_published(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    write_status_pages(conn, tmp_path / "published", STANDING)
    said = text_of(tmp_path / "published")
    assert "Calculado para nunca publicado" in said
    assert "Execução N/D" in said
    assert "Nenhuma edição publicada ainda." in text_of(tmp_path / "published", paths.EDITIONS)
    assert set(days_of(tmp_path / "published")) == {
        f"{labels.WEEKDAYS[day.weekday()]} {day:%d/%m/%Y}"
        for day in (NOW.date() - ago * DAY for ago in range(30))
    }


def test_the_stamp_is_of_the_last_publication(conn: psycopg.Connection, tmp_path: Path) -> None:
    ops_tables.fill(conn)
    conn.execute("create schema marts")
    conn.execute("create table marts.source_freshness (data_until timestamptz)")
    conn.execute("insert into marts.source_freshness values (%s)", [NOW - DAY - DAY / 24])
    conn.commit()
    write_status_pages(conn, tmp_path, replace(STANDING, stale_hours=25.5))
    said = text_of(tmp_path)
    assert "Dados até 19/11/2026 08:01 Calculado para 19/11/2026 09:00" in said
    assert "Execução run-1" in said
    assert "Impressão das tabelas 0123456789abcdef" in said
    write_status_pages(conn, tmp_path, replace(STANDING, stale_hours=24.5))
    assert "Dados até 19/11/2026 08:01 desatualizados" in text_of(tmp_path)


def test_the_days_are_the_groups(conn: psycopg.Connection, tmp_path: Path) -> None:
    """A run that ended at 02:59:59 in Greenwich is the day before's in São Paulo."""
    midnight = NOW.replace(hour=3, minute=0)
    ops_tables.publish(conn, "before", midnight - timedelta(seconds=1), 1)
    ops_tables.publish(conn, "first", midnight - 29 * DAY, 1)
    ops_tables.publish(conn, "too early", midnight - 29 * DAY - timedelta(seconds=1), 1)
    conn.commit()
    write_status_pages(conn, tmp_path, STANDING)
    days = days_of(tmp_path)
    assert days[0] == "qui 22/10/2026 ✓ Publicada 1 agenda"
    assert days[1] == "sex 23/10/2026 ○ Não rodou"
    assert days[-2] == "qui 19/11/2026 ✓ Publicada 1 agenda"
    assert days[-1] == "sex 20/11/2026 ○ Não rodou"


def test_a_day_with_nothing_but_a_delivery_is_no_day_without_a_run(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    ops_tables.deliver(conn, "killed", NOW - DAY)
    ops_tables.check(conn, "killed too", NOW - 2 * DAY, "x")
    conn.commit()
    write_status_pages(conn, tmp_path, STANDING)
    assert [day.split(maxsplit=2)[2] for day in days_of(tmp_path)[-3:-1]] == ["… Sem conclusão"] * 2


def test_the_editions_are_listed_by_date_and_the_current_one_is_marked(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    ops_tables.fill(conn)
    for name in ("2026-11-18T120000Z-older", ops_tables.LAST_EDITION, "2026-11-19T015959Z-evening"):
        editions.create_edition_folder(tmp_path, name)
        editions.activate_edition(tmp_path, name)
    editions.activate_edition(tmp_path, ops_tables.LAST_EDITION)
    write_status_pages(conn, tmp_path, STANDING)
    html = (tmp_path / paths.EDITIONS).read_text(encoding="utf-8")
    links = re.findall(r'<a href="(20[^"]+)">', html)
    assert links == [
        f"{ops_tables.LAST_EDITION}/index.html",
        "2026-11-19T015959Z-evening/index.html",
        "2026-11-18T120000Z-older/index.html",
    ]
    assert all((tmp_path / link).parent.is_dir() for link in links)
    said = text_of(tmp_path, paths.EDITIONS)
    assert said.count("Atual") == 1
    assert "qui 19/11/2026 19/11/2026 09:00 Atual" in said
    assert "qua 18/11/2026 18/11/2026 22:59" in said
    assert "1.234 0123456789abcdef" in said
    for page in (paths.QUALITY, paths.EDITIONS):
        assert 'href="current/index.html"' in (tmp_path / page).read_text(encoding="utf-8")


def test_without_a_current_edition_no_page_leads_to_one(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    write_status_pages(conn, tmp_path, STANDING)
    for page in (paths.QUALITY, paths.EDITIONS):
        assert "current/" not in (tmp_path / page).read_text(encoding="utf-8")


def test_only_the_owner_reads_and_nothing_else_is_left(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    folder = tmp_path / "published"
    write_status_pages(conn, folder, STANDING)
    (folder / f".{paths.QUALITY}.new").write_text("left by a writer that died")
    write_status_pages(conn, folder, STANDING)
    assert {path.name for path in folder.iterdir()} == {paths.QUALITY, paths.EDITIONS}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_full_disk_leaves_the_page_that_was_there(
    conn: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_status_pages(conn, tmp_path, STANDING)
    before = (tmp_path / paths.QUALITY).read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    ops_tables.fill(conn)
    with monkeypatch.context() as patch:
        patch.setattr("reports.status_pages.os.replace", full)
        with pytest.raises(PublishError, match=r"qualidade\.html could not be written: No space"):
            write_status_pages(conn, tmp_path, STANDING)
    assert (tmp_path / paths.QUALITY).read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {paths.QUALITY, paths.EDITIONS}
    write_status_pages(conn, tmp_path, STANDING)
    assert (tmp_path / paths.QUALITY).read_bytes() != before


def test_a_writer_that_waited_tells_the_state_after_the_other(
    conn: psycopg.Connection, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reports import status_pages

    waiting, go_on = threading.Event(), threading.Event()
    real = status_pages._replace

    def slow(folder: Path, name: str, content: bytes) -> None:
        waiting.set()
        go_on.wait(10)
        real(folder, name, content)

    monkeypatch.setattr(status_pages, "_replace", slow)
    with database.connect() as other:
        first = threading.Thread(target=write_status_pages, args=(other, tmp_path, STANDING))
        first.start()
        assert waiting.wait(10)
        ops_tables.publish(conn, "published meanwhile", NOW, 7)
        conn.commit()
        second = threading.Thread(target=write_status_pages, args=(conn, tmp_path, STANDING))
        second.start()
        go_on.set()
        first.join(10)
        second.join(10)
    assert "7 agendas" in text_of(tmp_path)


def test_the_run_hands_in_the_words_of_every_check(database: Database) -> None:
    words = orchestrated.check_labels()
    assert words["loaded", "company_is_not_empty"] == "A origem tem empresas."
    assert (
        words["dbt", "assert_every_total_equals_its_rows"]
        == "Cada total é igual ao número das suas linhas."
    )
    for (suite, name), said in words.items():
        assert said, name
        assert said != name.replace("_", " "), f"{suite}.{name} has no Portuguese words"


@pytest.mark.parametrize("fault", ["file", "program", "database"])
def test_a_page_that_cannot_be_written_is_a_warning(
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fault: str,
) -> None:
    (tmp_path / "file").write_text("in the way")
    settings = load_settings(Path("/nonexistent/.env")).model_copy(
        update={"publish_dir": tmp_path / "file"}
    )
    with database.connect() as conn:
        if fault == "database":
            conn.execute("drop table ops.publication")
    if fault == "program":
        monkeypatch.setattr(orchestrated, "check_labels", lambda: {}[HIDDEN])  # type: ignore[index]
    with caplog.at_level("WARNING", logger="atendimento"):
        orchestrated.refresh_status_pages(settings, database)
    (said,) = caplog.messages
    assert said.startswith("Warning: ")
    assert HIDDEN not in said
    assert "could not be written" in said
