"""Every page as it was last looked at: `pytest tests/golden --update-golden` writes them anew."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from orchestration.database import Database
from reports import paths
from reports.editions import Edition
from reports.write import write_pages
from tests.unit.published_tables import AS_OF, create, fill

GOLDEN = Path(__file__).parent / "pages"
C1, C2, C3 = map(paths.company_folder, ("c1", "c2", "c3"))
PAGES = {
    "companies.html": paths.INDEX,
    "manager_day.html": f"{C1}/{paths.INDEX}",
    "manager_day_empty.html": f"{C3}/{paths.INDEX}",
    "call_list.html": f"{C1}/{paths.list_file('a1')}",
    "call_list_empty.html": f"{C1}/{paths.list_file('a2')}",
    "call_list_dropped_agent.html": f"{C1}/{paths.list_file('gone/../<agent>')}",
    "call_list_unassigned.html": f"{C2}/{paths.UNASSIGNED}",
}


def test_every_page_matches_its_golden_file(
    database: Database, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with database.connect() as conn:
        written = edition(conn, tmp_path / "edition")
    if request.config.getoption("--update-golden"):
        GOLDEN.mkdir(exist_ok=True)
        for name, html in written.items():
            (GOLDEN / name).write_text(html, encoding="utf-8")
    golden = {path.name: path.read_text(encoding="utf-8") for path in GOLDEN.iterdir()}
    assert set(written) == set(golden)
    for name, html in written.items():
        assert html == golden[name], name


def edition(conn: psycopg.Connection, folder: Path) -> dict[str, str]:
    """The pages of one edition, each without the stylesheet, which has a look of its own."""
    create(conn)
    fill(conn)
    write_pages(conn, folder, edition=Edition(AS_OF))
    return {
        name: _without_stylesheet((folder / path).read_text(encoding="utf-8"))
        for name, path in PAGES.items()
    }


def _without_stylesheet(html: str) -> str:
    before, _, rest = html.partition("<style>")
    _, _, after = rest.partition("</style>")
    kept = [line for line in before.splitlines() if "Content-Security-Policy" not in line]
    return "\n".join(kept) + after
