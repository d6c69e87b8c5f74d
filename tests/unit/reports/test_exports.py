# ruff: noqa: DTZ001 — pages get local clock times, which have no zone
"""Files to take away: they open as they are, and do nothing when they do."""

from __future__ import annotations

import csv
import gc
import io
import sys
import tempfile
import tracemalloc
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO
from xml.etree import ElementTree
from zipfile import ZipFile

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape
from openpyxl.worksheet.worksheet import Worksheet

from reports import exports, xlsx
from reports.exports import ExportColumn, Sheet, csv_writer, xlsx_writer
from reports.queries.companies import stamp_of
from reports.view_model import Identity, Parameter, Proof
from reports.xlsx import Value, plain_text
from tests.unit.reports.published_tables import AS_OF, EDITION, HOSTILE_NAMES

TEXT = (ExportColumn("Cliente"),)
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))

# Each begins a formula in some spreadsheet, or hides what does.
FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "  =1+1",
    "\u00a0=1",
    "\u200b=1",
    "\ufeff=1",
    "\u202e=1",
    "\x01=1",
    "＝1+1",
    "＋1",
    "－1",
    "＠x",
]

# XlsxWriter has a meaning of its own for each, or XML has.
MARKUP = [
    '<r><t>x</t></r></is></c><c r="B2"><f>HYPERLINK("http://example.com")</f></c><c><is><r></r>',
    "<r>_x0041_ & </r>",
    "<r></r>",
    "<r>\x01</r>\x01",
    "<r>" + "😀_" * 20_000 + "</r>",
    "<r>" + "é" * 32_760 + "</r>",
    "http://example.com",
    "internal:Sheet1!A1",
    "{=1+1}",
    "1e400",
    "\udc00a\ud800",
    "]]>",
]
pieces = st.lists(
    st.sampled_from(["<r>", "</r>", "<t>", "_x0041_", "_", "&amp;", "\n", " ", "\ud800"])
)


def as_csv(columns: tuple[ExportColumn, ...], rows: Iterable[Sequence[Value]]) -> bytes:
    file = io.BytesIO()
    csv_writer(Sheet("Linhas", columns, rows))(file)
    return file.getvalue()


def read_csv(content: bytes) -> list[list[str]]:
    text = io.StringIO(content.decode("utf-8-sig"), newline="")
    return list(csv.reader(text, delimiter=";", strict=True))


def as_xlsx(
    columns: tuple[ExportColumn, ...],
    rows: Iterable[Sequence[Value]],
    about: tuple[tuple[str, str], ...] = (),
    title: str = "Linhas",
    *,
    in_memory: bool = False,
) -> bytes:
    if in_memory:
        memory = io.BytesIO()
        xlsx_writer(Sheet(title, columns, rows, about))(memory)
        return memory.getvalue()
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "rows.xlsx").open("w+b") as file:
        xlsx_writer(Sheet(title, columns, rows, about))(file)
        file.seek(0)
        return file.read()


def sheets(content: bytes) -> list[Worksheet]:
    return list(openpyxl.load_workbook(io.BytesIO(content)).worksheets)


def text_of(value: object) -> str:
    """Undo the escapes of a text within its cell, which openpyxl leaves; fragments have none."""
    text = str(value)
    return text if text.startswith("<r>") and text.endswith("</r>") else unescape(text)


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def values(sheet: Worksheet) -> list[tuple[object, ...]]:
    return list(sheet.iter_rows(values_only=True))


# --- CSV -------------------------------------------------------------------------------------


def test_csv_is_what_a_brazilian_spreadsheet_opens() -> None:
    columns = (
        ExportColumn("Nome; completo"),
        ExportColumn("n", "number"),
        ExportColumn("Dia", "day"),
        ExportColumn("Hora", "moment"),
    )
    rows = [
        ('Maria "Má"; de\nSá', Decimal("1234.50"), date(2026, 11, 2), datetime(2026, 11, 2, 9, 5)),
        (None, None, None, None),
        ("é", -5, date(2, 1, 1), None),
    ]
    assert as_csv(columns, rows).decode() == (
        "\ufeff"
        '"Nome; completo";n;Dia;Hora\r\n'
        '"Maria ""Má""; de\nSá";1234,50;02/11/2026;02/11/2026 09:05\r\n'
        ";;;\r\n"
        "é;-5;01/01/0002;\r\n"
    )


@pytest.mark.parametrize("text", FORMULAS)
def test_csv_makes_no_formula_of_a_text(text: str) -> None:
    (cell,) = read_csv(as_csv(TEXT, [(text,)]))[1]
    assert cell.startswith("'")


@pytest.mark.parametrize("text", ["1-2", "a=b", "x@y.br", "'já", "Ana + Eva", "00123", "…=1", ""])
def test_csv_leaves_other_texts_as_they_are(text: str) -> None:
    assert read_csv(as_csv((ExportColumn("a"), ExportColumn("b")), [(text, "x")]))[1] == [text, "x"]


@given(st.lists(st.tuples(texts, texts)))
def test_csv_gives_back_every_row(rows: list[tuple[str, str]]) -> None:
    read = read_csv(as_csv((ExportColumn("a"), ExportColumn("b")), rows))[1:]
    assert len(read) == len(rows)
    for cells, row in zip(read, rows, strict=True):
        for cell, text in zip(cells, row, strict=True):
            assert cell in (plain_text(text), "'" + plain_text(text))
            assert not cell.lstrip().startswith(("=", "+", "-", "@"))


# --- XLSX ------------------------------------------------------------------------------------


def test_xlsx_holds_texts_numbers_and_dates_as_what_they_are() -> None:
    columns = (
        ExportColumn("Nome"),
        ExportColumn("n", "number"),
        ExportColumn("Dia", "day"),
        ExportColumn("Hora", "moment"),
    )
    rows = [
        ("=1+1", Decimal("12.5"), date(2026, 11, 20), datetime(2026, 11, 20, 9, 5, 30)),
        (None, None, None, None),
        ("0012", -5, date(9998, 12, 31), datetime(1900, 3, 1, 23, 59, 59)),
    ]
    (sheet,) = sheets(as_xlsx(columns, rows))
    assert values(sheet) == [
        ("Nome", "n", "Dia", "Hora"),
        ("=1+1", 12.5, datetime(2026, 11, 20), datetime(2026, 11, 20, 9, 5, 30)),
        (None, None, None, None),
        ("0012", -5, datetime(9998, 12, 31), datetime(1900, 3, 1, 23, 59, 59)),
    ]
    assert [sheet.cell(2, column).data_type for column in range(1, 5)] == ["s", "n", "d", "d"]
    assert sheet["A2"].number_format == "@"  # edited, it stays a text
    assert sheet["C2"].number_format == "dd/mm/yyyy"


def test_xlsx_has_a_header_that_stays_and_filters() -> None:
    columns = tuple(ExportColumn(f"Coluna {number}") for number in range(30))
    (sheet,) = sheets(as_xlsx(columns, [tuple("x" * 30)] * 3))
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:AD4"
    assert sheet["AD1"].font.bold
    assert sheet.print_title_rows == "$1:$1"
    assert int(sheet.column_dimensions["A"].width) == 24


def test_xlsx_says_a_day_that_the_format_cannot_count_as_a_text() -> None:
    columns = (ExportColumn("Dia", "day"), ExportColumn("Hora", "moment"))
    rows = [(date(1900, 2, 28), datetime(1899, 12, 31, 1, 2)), (date(2, 1, 1), None)]
    assert values(sheets(as_xlsx(columns, rows))[0])[1:] == [
        ("28/02/1900", "31/12/1899 01:02"),
        ("01/01/0002", None),
    ]


@pytest.mark.parametrize("name", [*HOSTILE_NAMES, *FORMULAS, *MARKUP])
@pytest.mark.parametrize("in_memory", [True, False])
def test_xlsx_keeps_a_hostile_name_a_text(name: str, in_memory: bool) -> None:
    columns = (ExportColumn(name),)
    content = as_xlsx(columns, [(name,)], title=name, in_memory=in_memory)
    (sheet,) = sheets(content)
    assert sheet.dimensions == "A1:A2"
    for cell in (sheet["A1"], sheet["A2"]):
        assert cell.data_type == "s"
        assert text_of(cell.value) == plain_text(name)[: len(cell.value)]
        assert len(cell.value) == len(plain_text(name)) or units(cell.value) > 32_760
    with ZipFile(io.BytesIO(content)) as archive:
        for part in archive.namelist():
            xml = ElementTree.fromstring(archive.read(part))
            assert not [part.tag for part in xml.iter() if part.tag.endswith(("}f", "}hyperlink"))]


@given(st.lists(texts | pieces.map("".join), max_size=5), texts)
def test_xlsx_gives_back_every_text(cells: list[str], title: str) -> None:
    content = as_xlsx(TEXT, [(text,) for text in cells], title=title)
    (sheet,) = sheets(content)
    read = [text_of(value or "") for (value,) in values(sheet)[1:]]
    assert read == [plain_text(text) for text in cells]
    with ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            ElementTree.fromstring(archive.read(name))


def test_a_text_that_looks_like_an_escape_stays_itself() -> None:
    (sheet,) = sheets(as_xlsx(TEXT, [("_x0041_ <&>",)]))
    assert unescape(sheet["A2"].value) == "_x0041_ <&>"


def test_a_text_too_long_for_a_cell_is_cut_between_characters() -> None:
    (sheet,) = sheets(as_xlsx(TEXT, [("a" + "😀" * 20_000,), ("b" * 40_000,)]))
    assert [len(sheet[cell].value.encode("utf-16-le")) // 2 for cell in ("A2", "A3")] == [
        32_767,
        32_767,
    ]


def test_rows_that_a_sheet_cannot_hold_go_on_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "ROWS_A_SHEET", 4)
    for count, expected in ((0, [0]), (3, [3]), (4, [3, 1]), (6, [3, 3]), (7, [3, 3, 1])):
        found = sheets(as_xlsx(TEXT, [(str(n),) for n in range(count)], about=(("a", "b"),)))
        assert [sheet.max_row - 1 for sheet in found[:-1]] == expected
        assert [row for sheet in found[:-1] for row in values(sheet)[1:]] == [
            (str(n),) for n in range(count)
        ]
        assert all(values(sheet)[0] == ("Cliente",) for sheet in found[:-1])
        assert [sheet.title for sheet in found[:3]][: len(expected)] == [
            "Linhas",
            "Linhas (2)",
            "Linhas (3)",
        ][: len(expected)]


@pytest.mark.parametrize(
    "title",
    ["a/b:c*[d]?\\e", "'x'", "", "Sobre", "n" * 60, "n" * 30 + "'x", "=1", "0" * 20 + "😀" * 6],
)
def test_a_sheet_has_a_name_that_the_format_allows(title: str) -> None:
    first, second = sheets(as_xlsx(TEXT, [], about=(("a", "b"),), title=title))
    for sheet in (first, second):
        assert 0 < len(sheet.title.encode("utf-16-le")) // 2 <= 31
        assert not set(sheet.title) & set("[]:*?/\\")
        assert sheet.title.strip("'") == sheet.title
    assert first.title.casefold() != second.title.casefold()


def test_xlsx_carries_its_proof() -> None:
    stamp = stamp_of(EDITION, AS_OF - timedelta(minutes=15), "America/Sao_Paulo", 24)
    proof = Proof(
        "11112222-run",
        "0123456789abcdef",
        (Parameter("Prazo de envio", "12 h"),),
        (Identity("Linhas = total", 1234, 1234),),
    )
    found = sheets(as_xlsx(TEXT, [], exports.sheet_of_proof(stamp, proof)))
    assert found[1].title == "Sobre"
    assert values(found[1])[1:] == [
        ("Dados até", "20/11/2026 08:45"),
        ("Calculado para", "20/11/2026 09:00"),
        ("Gerado em", "20/11/2026 09:01"),
        ("Horário de", "America/Sao_Paulo"),
        ("Prazo de envio", "12 h"),
        ("Linhas = total", "1.234 = 1.234"),
        ("Execução", "11112222-run"),
        ("Impressão das tabelas", "0123456789abcdef"),
    ]


def test_data_that_never_came_are_told_as_that() -> None:
    stamp = stamp_of(EDITION, None, "America/Sao_Paulo", 24)
    assert exports.sheet_of_proof(stamp, Proof("run", "hash"))[0] == ("Dados até", "N/D")


# --- Both ------------------------------------------------------------------------------------


def test_the_same_rows_give_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [("Ana",), ("Élida",)]
    first = as_xlsx(TEXT, rows)
    with monkeypatch.context() as patch:
        patch.setattr("time.time", lambda: 1_900_000_000.0)
        assert as_xlsx(TEXT, rows) == first
    assert as_csv(TEXT, rows) == as_csv(TEXT, rows)


def test_a_workbook_in_memory_holds_the_same() -> None:
    columns = (
        ExportColumn("a"),
        ExportColumn("b", "number"),
        ExportColumn("c", "day"),
        ExportColumn("d", "moment"),
    )
    moment = datetime(2026, 11, 20, 9, 30)
    rows = [
        (text, number, moment.date(), moment)
        for number, text in enumerate(
            [*FORMULAS, *HOSTILE_NAMES, " _x0041_ ", "a\nb", "x" * 40_000]
        )
    ]
    file = io.BytesIO()
    xlsx_writer(Sheet("Linhas", columns, rows, (("x", "y"),)))(file)
    in_memory, beside = sheets(file.getvalue()), sheets(as_xlsx(columns, rows, (("x", "y"),)))
    assert [sheet.title for sheet in in_memory] == [sheet.title for sheet in beside]
    for here, there in zip(in_memory, beside, strict=True):
        assert here.freeze_panes == there.freeze_panes
        # openpyxl undoes escapes only in texts that cells share, which those in memory do.
        assert values(here) == [
            tuple(unescape(value) if isinstance(value, str) else value for value in row)
            for row in values(there)
        ]


def test_a_row_of_the_wrong_width_is_an_error() -> None:
    for write in (as_csv, as_xlsx):
        with pytest.raises(ValueError, match="zip"):
            write(TEXT, [("a", "b")])


def test_many_rows_do_not_fill_the_memory(tmp_path: Path) -> None:
    columns = tuple(ExportColumn(f"c{number}") for number in range(8))
    for writer in (csv_writer, xlsx_writer):
        rows = (tuple(f"{number} {place}" for place in range(8)) for number in range(8_000))
        with (tmp_path / writer.__name__).open("w+b") as file:
            tracemalloc.start()
            writer(Sheet("Linhas", columns, rows))(file)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert file.tell() > 200_000
        assert peak < 2_500_000  # all rows in memory would take 4.4 MB


@pytest.mark.parametrize("named", [True, False])
def test_an_interrupted_workbook_leaves_nothing_behind_and_nothing_on_the_screen(
    named: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    system, folder = tmp_path / "system", tmp_path / "edition"
    system.mkdir()
    folder.mkdir()
    seen: list[set[str]] = []

    def interrupted(*_: object) -> None:
        seen.append({path.parent.name for path in tmp_path.rglob("*") if path.is_file()})
        raise KeyboardInterrupt

    monkeypatch.setattr(tempfile, "tempdir", str(system))
    monkeypatch.setattr(ZipFile, "write", interrupted)
    monkeypatch.setattr(ZipFile, "writestr", interrupted)
    failures: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", failures.append)
    file: BinaryIO = (folder / "lista.xlsx").open("w+b") if named else io.BytesIO()
    with file, pytest.raises(KeyboardInterrupt):
        xlsx_writer(Sheet("Linhas", TEXT, [("Ana",)]))(file)
    gc.collect()
    assert failures == []
    assert capfd.readouterr() == ("", "")
    # What a kill would leave is beside the file, which the next run takes away.
    assert "system" not in seen[0]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == (
        [folder / "lista.xlsx"] if named else []
    )
