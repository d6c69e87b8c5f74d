"""Writing an edition: complete, private, and all or nothing."""

from __future__ import annotations

import base64
import csv
import errno
import io
import os
import re
import stat
from collections.abc import Iterator
from hashlib import sha256
from html import unescape as html_text
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urljoin
from xml.etree import ElementTree
from zipfile import ZipFile

import openpyxl
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reports.documents
from orchestration.postgres.database import Database
from reports import labels, paths
from reports.editions import PublishError
from reports.write import write_pages
from tests.unit.reports.published_tables import EDITION, create, fill, fill_many

BESIDE = {urljoin("index.html", f"../{name}") for name in (paths.QUALITY, paths.EDITIONS)}
ids = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=64)


@pytest.fixture
def conn(database: Database) -> Iterator[psycopg.Connection]:
    with database.connect() as connection:
        create(connection)
        fill(connection)
        yield connection


def pages(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in folder.rglob("*.html")
    }


def page_of(folder: Path, company_id: str, file: str = paths.INDEX) -> str:
    return (folder / paths.company_folder(company_id) / file).read_text(encoding="utf-8")


def test_an_edition_is_complete(conn: psycopg.Connection, tmp_path: Path) -> None:
    written = write_pages(conn, tmp_path / "edition", edition=EDITION)
    expected = {"index.html", *(f"{paths.group_total_name(of)}.html" for of in labels.TOTALIZERS)}
    for company_id, with_rows, without in (
        ("c1", ["a1", "m1", "gone/../<agent>", "só espera"], ["a2", None]),
        ("c2", [None], []),
        ("c3", [], [None]),
    ):
        folder = paths.company_folder(company_id)
        files = [paths.INDEX, *map(paths.list_file, [*with_rows, *without])]
        files += [paths.fichas_file(agent, 1) for agent in with_rows]
        files += [
            f"{paths.total_name(of, today=today)}.html"
            for of in labels.TOTALIZERS
            for today in (False, True)
        ]
        expected |= {f"{folder}/{file}" for file in files}
    assert set(pages(tmp_path / "edition")) == expected
    assert (written.companies, written.lists, written.rows) == (3, 8, 6)
    assert written.pages == len(expected)


def test_every_link_leads_to_a_page(conn: psycopg.Connection, tmp_path: Path) -> None:
    write_pages(conn, tmp_path / "edition", edition=EDITION)
    written = pages(tmp_path / "edition")
    for name, html in written.items():
        for href in re.findall(r'href="([^"#]+)"', html):
            if not href.startswith("tel:") and urljoin(name, href) not in BESIDE:
                assert (tmp_path / "edition" / urljoin(name, href)).is_file(), (name, href)


def test_the_managers_day_shows_what_is_published(conn: psycopg.Connection, tmp_path: Path) -> None:
    write_pages(conn, tmp_path / "edition", edition=EDITION)
    html = page_of(tmp_path / "edition", "c1")
    text = re.sub(r"<[^>]+>|\s+", " ", html)
    for expected in (
        "Acionar o TI",
        "2.345 agendas",
        "desde 18/11/2026 09:00",
        "75,0%",
        "15 de 20",
        "Sem motivo informado",
        "20/11/2026 08:45",  # dados até, São Paulo
    ):
        assert expected in re.sub(r"\s+", " ", text), expected
    assert re.search(r"Total\s+20\s+41", text)


def test_times_are_the_companys(conn: psycopg.Connection, tmp_path: Path) -> None:
    write_pages(conn, tmp_path / "edition", edition=EDITION)
    assert "20/11/2026 09:00" in page_of(tmp_path / "edition", "c1")
    manaus = page_of(tmp_path / "edition", "c2")
    assert "20/11/2026 08:00" in manaus
    assert "America/Manaus" in manaus


def test_who_has_no_rows_gets_an_empty_list(conn: psycopg.Connection, tmp_path: Path) -> None:
    write_pages(conn, tmp_path / "edition", edition=EDITION)
    assert "A lista está vazia" in page_of(tmp_path / "edition", "c1", paths.list_file("a2"))
    assert "A lista está vazia" in page_of(tmp_path / "edition", "c1", paths.UNASSIGNED)
    assert "Agenda sem cliente" in page_of(tmp_path / "edition", "c2", paths.UNASSIGNED)


def test_only_the_owner_reads(conn: psycopg.Connection, tmp_path: Path) -> None:
    write_pages(conn, tmp_path / "edition", edition=EDITION)
    for path in [tmp_path / "edition", *(tmp_path / "edition").rglob("*")]:
        expected = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == expected, path


def test_the_same_state_gives_the_same_bytes(conn: psycopg.Connection, tmp_path: Path) -> None:
    write_pages(conn, tmp_path / "one", edition=EDITION)
    write_pages(conn, tmp_path / "two", edition=EDITION)
    assert pages(tmp_path / "one") == pages(tmp_path / "two")


def test_a_group_without_companies_has_an_index(database: Database, tmp_path: Path) -> None:
    with database.connect() as conn:
        create(conn)
        assert write_pages(conn, tmp_path / "edition", edition=EDITION).companies == 0
    assert "Nenhuma empresa" in (tmp_path / "edition" / "index.html").read_text()


@pytest.mark.parametrize("full_at", ["opening", "writing", "closing"])
def test_a_full_disk_removes_the_new_edition_and_says_so(
    conn: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full_at: str
) -> None:
    fill_a_small_disk(monkeypatch, full_at)
    with pytest.raises(PublishError) as caught:
        write_pages(conn, tmp_path / "edition", edition=EDITION)
    assert os.strerror(errno.ENOSPC) in str(caught.value)
    assert str(tmp_path / "edition") in str(caught.value)
    assert "unchanged" in str(caught.value)
    assert not (tmp_path / "edition").exists()


def fill_a_small_disk(monkeypatch: pytest.MonkeyPatch, full_at: str) -> None:
    """Let the fifth file find no space left."""
    made = 0
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    new_file = reports.documents._new_file

    class FullFile(io.BytesIO):
        def write(self, content: object) -> int:
            if full_at == "writing":
                raise full
            return 0

        def close(self) -> None:
            if full_at == "closing":
                raise full

    def open_on_a_small_disk(path: Path) -> BinaryIO:
        nonlocal made
        made += 1
        if made < 5:
            return new_file(path)
        if full_at == "opening":
            raise full
        return FullFile()

    monkeypatch.setattr(reports.documents, "_new_file", open_on_a_small_disk)


def test_an_interruption_removes_the_new_edition(conn: psycopg.Connection, tmp_path: Path) -> None:
    conn.execute("drop table call_list")
    conn.commit()
    with pytest.raises(psycopg.errors.UndefinedTable):
        write_pages(conn, tmp_path / "edition", edition=EDITION)
    assert not (tmp_path / "edition").exists()


def test_a_folder_with_something_in_it_is_refused_and_left(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(PublishError, match="not empty"):
        write_pages(conn, tmp_path, edition=EDITION)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_progress_is_told(conn: psycopg.Connection, tmp_path: Path) -> None:
    fill_many(conn, [f"agent{number}" for number in range(120)], 2)
    told: list[int] = []
    written = write_pages(conn, tmp_path / "edition", edition=EDITION, on_progress=told.append)
    assert told == sorted(told)
    assert told[-1] == written.pages


@given(ids, ids)
def test_two_ids_never_share_a_file_and_no_id_leaves_the_folder(one: str, other: str) -> None:
    for name in (paths.company_folder(one), paths.list_file(one)):
        assert re.fullmatch(r"[a-z0-9-]+(\.html)?", name)
    assert (paths.list_file(one) == paths.list_file(other)) == (one == other)
    assert paths.list_file(one) not in (paths.INDEX, paths.UNASSIGNED)


def test_the_policy_allows_this_stylesheet_and_nothing_else(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    write_pages(conn, tmp_path / "edition", edition=EDITION)
    for html in pages(tmp_path / "edition").values():
        policy = html_text(re.findall(r'Security-Policy" content="(.*?)"', html)[0])
        (style,) = re.findall(r"<style>(.*?)</style>", html, flags=re.DOTALL)
        scripts = re.findall(r"<script>(.*?)</script>", html, flags=re.DOTALL)
        assert policy == (
            f"default-src 'none'; style-src {digest(style)}; "
            f"script-src {' '.join(map(digest, scripts))}; base-uri 'none'; form-action 'none'"
        )
        bare = re.sub(r"<(style|script)>.*?</\1>", "", html, flags=re.DOTALL)
        assert not re.search(r"<(script|link|img|iframe)\b| style=| on\w+=\"|https?://", bare)


def digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"


def test_several_processes_write_what_one_writes(
    conn: psycopg.Connection, database: Database, tmp_path: Path
) -> None:
    fill_many(conn, [f"agent{number}" for number in range(60)], 2)
    alone = write_pages(conn, tmp_path / "alone", edition=EDITION)
    shared = write_pages(
        conn, tmp_path / "shared", edition=EDITION, connect=database.connect, processes=2
    )
    assert shared == alone
    assert files(tmp_path / "shared") == files(tmp_path / "alone")


def test_a_process_that_fails_removes_the_new_edition(
    conn: psycopg.Connection, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_many(conn, [f"agent{number}" for number in range(250)], 2)
    conn.execute("drop table vehicle")
    conn.commit()
    with pytest.raises(psycopg.errors.UndefinedTable):
        write_pages(
            conn, tmp_path / "edition", edition=EDITION, connect=database.connect, processes=2
        )
    assert not (tmp_path / "edition").exists()


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_every_workbook_holds_what_its_csv_holds_whatever_the_names(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    name = '<r><t>x</t></r></is></c><c r="A1"><f>HYPERLINK("http://a.b")</f></c><c><is><r></r>'
    for table in ("client", "campaign", "team", "company"):
        conn.execute(f"update {table} set name = %s", [name])
    conn.execute("update app_user set full_name = %s", [name])
    write_pages(conn, tmp_path / "edition", edition=EDITION)
    workbooks = list((tmp_path / "edition").rglob("*.xlsx"))
    named = 0
    for path in workbooks:
        with ZipFile(path) as archive:
            for part in archive.namelist():
                xml = ElementTree.fromstring(archive.read(part))
                assert not [node for node in xml.iter() if node.tag.endswith("}f")]
        sheet = openpyxl.load_workbook(path).worksheets[0]
        texts = [[str(cell.value) for cell in row if cell.data_type == "s"] for row in sheet.rows]
        with path.with_suffix(".csv").open(encoding="utf-8-sig", newline="") as file:
            for row, expected in zip(texts, csv.reader(file, delimiter=";"), strict=True):
                assert {text.lstrip("'") for text in row} <= {text.lstrip("'") for text in expected}
                named += row.count(name)
    assert workbooks
    assert named
