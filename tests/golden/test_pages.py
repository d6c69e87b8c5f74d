"""Every page as it was last looked at: `pytest tests/golden --update-golden` writes them anew."""

from __future__ import annotations

import os
import re
from pathlib import Path

import psycopg
import pytest

from orchestration.postgres.database import Database
from reports import editions, paths
from reports.status_pages import StatusPageSettings, write_status_pages
from reports.write import write_pages
from tests.unit.reports import ops_tables
from tests.unit.reports.published_tables import EDITION, create, fill

GOLDEN = Path(__file__).parent / "pages"
C1, C2, C3 = map(paths.company_folder, ("c1", "c2", "c3"))
PAGES = {
    "companies.html": paths.INDEX,
    "group_total.html": f"{paths.group_total_name('refused')}.html",
    "manager_day.html": f"{C1}/{paths.INDEX}",
    "manager_day_empty.html": f"{C3}/{paths.INDEX}",
    "call_list.html": f"{C1}/{paths.list_file('a1')}",
    "call_list_empty.html": f"{C1}/{paths.list_file('a2')}",
    "call_list_dropped_agent.html": f"{C1}/{paths.list_file('gone/../<agent>')}",
    "call_list_unassigned.html": f"{C2}/{paths.UNASSIGNED}",
    "call_list_only_waiting.html": f"{C1}/{paths.list_file('só espera')}",
    "ficha.html": f"{C1}/{paths.fichas_file('a1', 1)}",
    "total_rows.html": f"{C1}/{paths.total_name('active')}.html",
    "total_rows_refused.html": f"{C1}/{paths.total_name('refused')}.html",
    "total_rows_passive_today.html": f"{C1}/{paths.total_name('passive', today=True)}.html",
    "total_rows_empty.html": f"{C3}/{paths.total_name('no_show')}.html",
    "ficha_unassigned.html": f"{C2}/{paths.fichas_file(None, 1)}",
}

WORDS = {("published", "dispatch_is_fresh"): "Os dados de disparos são recentes."}


def test_every_page_matches_its_golden_file(
    database: Database, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with database.connect() as conn:
        written = edition(conn, tmp_path / "edition") | standing(conn, tmp_path / "published")
    if request.config.getoption("--update-golden"):
        GOLDEN.mkdir(exist_ok=True)
        for name, html in written.items():
            (GOLDEN / name).write_text(html, encoding="utf-8")
    golden = {path.name: path.read_text(encoding="utf-8") for path in GOLDEN.iterdir()}
    assert set(written) == set(golden)
    for name, html in written.items():
        assert html == golden[name], name


def edition(conn: psycopg.Connection, folder: Path) -> dict[str, str]:
    """The pages of one edition, each without stylesheet and scripts, which other tests look at."""
    create(conn)
    fill(conn)
    write_pages(conn, folder, edition=EDITION)
    return {
        name: _bare((folder / path).read_text(encoding="utf-8")) for name, path in PAGES.items()
    }


def standing(conn: psycopg.Connection, folder: Path) -> dict[str, str]:
    """The pages beside the editions: before the first run, and after weeks of them."""
    made_from = StatusPageSettings(
        now=ops_tables.NOW, words=WORDS, edition_retention_count=6, keep_days=30
    )
    write_status_pages(conn, folder, made_from)
    written = {"quality_before_the_first_run.html": _read(folder / paths.QUALITY)}
    ops_tables.fill(conn)
    for name in (ops_tables.LAST_EDITION, "2026-11-18T120000Z-older"):
        editions.create_edition_folder(folder, name)
        made = editions.activate_edition(folder, name)
        os.utime(made, (ops_tables.NOW.timestamp(),) * 2)
    write_status_pages(conn, folder, made_from)
    return written | {
        "quality.html": _read(folder / paths.QUALITY),
        "editions.html": _read(folder / paths.EDITIONS),
    }


def _read(path: Path) -> str:
    return _bare(path.read_text(encoding="utf-8"))


def _bare(html: str) -> str:
    bare = re.sub(r"<(style|script)>.*?</\1>\n?", "", html, flags=re.DOTALL)
    return "\n".join(line for line in bare.splitlines() if "Content-Security-Policy" not in line)
