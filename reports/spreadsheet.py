"""XLSX files, written as their rows come.

Belongs here: the file format, as far as a grid needs it: texts, numbers, dates, a header that stays
and filters. Does not: which rows there are, or CSV (`takeaway.py`). A text stands in its cell as a
text (`inlineStr`): nothing in it is ever a formula, a link or a number. No time and no name of a
program is written, so the same rows give the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import chain, count, islice
from typing import IO, Any, BinaryIO, Literal, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile

from reports import formats

Kind = Literal["text", "number", "day", "moment"]
Value = str | int | float | Decimal | date | datetime | None
"""A moment is a local clock time; None is an empty cell, whatever the kind."""

ROWS_A_SHEET = 1_048_576
CHARACTERS_A_CELL = 32_767

_BYTES_A_SHEET = 2**30  # a file within a ZIP file of the old form ends at twice that
_ROWS_AT_ONCE = 500
_FAST = 1  # a quarter larger than the default, in a third of the time
_WIDTHS: dict[Kind, int] = {"text": 24, "number": 12, "day": 12, "moment": 18}


class Grid(NamedTuple):
    """One table: its name, and its columns' labels, kinds and widths (0: by kind)."""

    title: str
    labels: tuple[str, ...]
    kinds: tuple[Kind, ...]
    widths: tuple[int, ...]
    rows: Iterable[Sequence[Value]]


def write(file: BinaryIO, grids: Iterable[Grid]) -> None:
    """Write a workbook with these grids; one that is too long goes on in a further sheet."""
    sheets: list[_Sheet] = []
    with ZipFile(file, "w", ZIP_DEFLATED, compresslevel=_FAST) as archive:
        for grid in grids:
            rows = _rows(grid)
            ahead: list[str] | None = None
            while ahead is None or ahead:
                name = _sheet_name(grid.title, [sheet.name for sheet in sheets])
                # A file named like this has the format's first day as its time, always.
                with archive.open(_path(len(sheets) + 1), "w") as entry:
                    last = _write_sheet(entry, grid, chain(ahead or (), rows))
                sheets.append(_Sheet(name, f"$A$1:${_letters(len(grid.labels) - 1)}${last}"))
                ahead = list(islice(rows, 1))
        for path, content in _frame(sheets).items():
            with archive.open(path, "w") as entry:
                entry.write(f"{_XML}{content}".encode())


class _Sheet(NamedTuple):
    """A sheet that was written: its name, and the cells that it consists of."""

    name: str
    cells: str


# --- Texts -----------------------------------------------------------------------------------

# Control characters, what is no character, and what turns the text around it: none is ever seen.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
_RETURN = re.compile("\r\n?")
_MARKS = re.compile("[&<>]|_x")
_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")


def plain(text: str) -> str:
    """The text without what a cell must not hold; a line ends in one way."""
    return _UNSEEN.sub("", _RETURN.sub("\n", text))


def _escaped(text: str) -> str:
    if len(text) > CHARACTERS_A_CELL // 2:
        text = _cut(text)
    if text.isprintable() and not _MARKS.search(text):
        return text
    # `_x0041_` would be read as the character of that number.
    text = _ESCAPE.sub("_x005F_", plain(text))
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str) -> str:
    # The limit counts UTF-16 units; half a pair at its end is no character.
    units = text.encode("utf-16-le")[: 2 * CHARACTERS_A_CELL]
    return units.decode("utf-16-le", errors="ignore")


# --- Rows ------------------------------------------------------------------------------------

_HEADER = 4
_DAY_ZERO = date(1899, 12, 30).toordinal()
_FIRST_DAY = date(1900, 3, 1)  # before it the format counts a 29 February that never was


@lru_cache(maxsize=4096)  # most texts of a grid come again and again
def _text(value: str, style: int = 1) -> str:
    return f's="{style}" t="inlineStr"><is><t xml:space="preserve">{_escaped(value)}</t></is></c>'


def _number(value: int | float | Decimal) -> str:
    return f"><v>{value}</v></c>"


def _day(value: date) -> str:
    if value < _FIRST_DAY:
        return _text(formats.day(value))
    return f's="2"><v>{value.toordinal() - _DAY_ZERO}</v></c>'


def _moment(value: datetime) -> str:
    if value.date() < _FIRST_DAY:
        return _text(formats.moment(value))
    seconds = value.hour * 3600 + value.minute * 60 + value.second
    return f's="3"><v>{value.toordinal() - _DAY_ZERO + seconds / 86400:.10f}</v></c>'


_CELLS: dict[Kind, Callable[[Any], str]] = {
    "text": _text,
    "number": _number,
    "day": _day,
    "moment": _moment,
}


def _rows(grid: Grid) -> Iterator[str]:
    """The cells of each row. A NUL stands for the row's number; no escaped text holds one."""
    cells = tuple(
        (f'<c r="{_letters(place)}\0" ', _CELLS[kind]) for place, kind in enumerate(grid.kinds)
    )
    for row in grid.rows:
        yield "".join(
            [
                start + cell(value)
                for (start, cell), value in zip(cells, row, strict=True)
                if value is not None
            ]
        )


def _letters(place: int) -> str:
    """The name of a column, from 0 on: A, B … Z, AA."""
    return ("" if place < 26 else _letters(place // 26 - 1)) + chr(ord("A") + place % 26)


# --- Sheets ----------------------------------------------------------------------------------

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_NOT_IN_A_NAME = re.compile(r"[\[\]:*?/\\]")
_CHARACTERS_A_NAME = 31

# The header stays while the rows move; on paper the sheet lies down and is as wide as the page.
_BEFORE_COLUMNS = f'''{_XML}<worksheet xmlns="{_MAIN}">\
<sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>\
<sheetViews><sheetView workbookViewId="0">\
<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>\
<sheetFormatPr defaultRowHeight="15"/>'''
_AFTER_ROWS = """</sheetData><autoFilter ref="{cells}"/>\
<pageSetup paperSize="9" orientation="landscape" fitToWidth="1" fitToHeight="0"/></worksheet>"""

# 0 is any cell's, 1 a text's: also when somebody edits it, it does not become a formula. Then a
# date's, a moment's and the header's.
_STYLES = f'''<styleSheet xmlns="{_MAIN}">\
<numFmts count="2"><numFmt numFmtId="164" formatCode="dd/mm/yyyy"/>\
<numFmt numFmtId="165" formatCode="dd/mm/yyyy\\ hh:mm"/></numFmts>\
<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>\
<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>\
<fills count="2"><fill><patternFill patternType="none"/></fill>\
<fill><patternFill patternType="gray125"/></fill></fills>\
<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>\
<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>\
<cellXfs count="5"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>\
<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>\
<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>\
<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>\
<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/>\
</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>\
</styleSheet>'''


def _write_sheet(file: IO[bytes], grid: Grid, rows: Iterator[str]) -> int:
    """Write as many rows as a sheet holds; return the number of the last (the header is 1)."""
    widths = "".join(
        f'<col min="{place}" max="{place}" width="{width or _WIDTHS[kind]}" customWidth="1"/>'
        for place, (kind, width) in enumerate(zip(grid.kinds, grid.widths, strict=True), start=1)
    )
    header = "".join(
        f'<c r="{_letters(place)}1" {_text(label, _HEADER)}'
        for place, label in enumerate(grid.labels)
    )
    file.write(
        f'{_BEFORE_COLUMNS}<cols>{widths}</cols><sheetData><row r="1">{header}</row>'.encode()
    )
    last = 1
    size = 0
    while last < ROWS_A_SHEET and size < _BYTES_A_SHEET:
        batch = list(islice(rows, min(_ROWS_AT_ONCE, ROWS_A_SHEET - last)))
        if not batch:
            break
        size += file.write(
            "".join(
                f'<row r="{number}">{cells}</row>'.replace("\0", str(number))
                for number, cells in enumerate(batch, start=last + 1)
            ).encode()
        )
        last += len(batch)
    cells = f"A1:{_letters(len(grid.labels) - 1)}{last}"
    file.write(_AFTER_ROWS.format(cells=cells).encode())
    return last


def _path(number: int) -> str:
    return f"xl/worksheets/sheet{number}.xml"


def _sheet_name(title: str, taken: Iterable[str]) -> str:
    """A name that the format allows and no other sheet has."""
    plainer = " ".join(_NOT_IN_A_NAME.sub(" ", plain(title)).split()).strip("' ")
    names = {name.casefold() for name in taken}
    for number in count(1):
        suffix = "" if number == 1 and plainer else f" ({number})"
        name = plainer[: _CHARACTERS_A_NAME - len(suffix)] + suffix
        if name.casefold() not in names:
            return name.strip()
    raise AssertionError("there is always one more number")


# --- Workbook --------------------------------------------------------------------------------


def _frame(sheets: Sequence[_Sheet]) -> dict[str, str]:
    """The files that hold the sheets together, by their paths."""
    numbered = list(enumerate(sheets, start=1))
    listed = "".join(
        f'<sheet name="{_quoted(sheet.name)}" sheetId="{number}" r:id="rId{number}"/>'
        for number, sheet in numbered
    )
    names = "".join(
        f'<definedName name="_xlnm._FilterDatabase" localSheetId="{number - 1}" hidden="1">'
        f"{_reference(sheet.name)}!{sheet.cells}</definedName>"
        for number, sheet in numbered
    ) + "".join(
        f'<definedName name="_xlnm.Print_Titles" localSheetId="{number - 1}">'
        f"{_reference(sheet.name)}!$1:$1</definedName>"
        for number, sheet in numbered
    )
    relations = "".join(
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/worksheet" '
        f'Target="worksheets/sheet{number}.xml"/>'
        for number, _ in numbered
    )
    types = "".join(
        f'<Override PartName="/{_path(number)}" ContentType="{_TYPE}.worksheet+xml"/>'
        for number, _ in numbered
    )
    return {
        "xl/styles.xml": _STYLES,
        "xl/workbook.xml": (
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><bookViews><workbookView/></bookViews>'
            f"<sheets>{listed}</sheets><definedNames>{names}</definedNames></workbook>"
        ),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships">{relations}'
            f'<Relationship Id="rId{len(sheets) + 1}" Type="{_OFFICE}/styles" '
            f'Target="styles.xml"/></Relationships>'
        ),
        "_rels/.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
            f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ),
        "[Content_Types].xml": (
            f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
            f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>'
            f"{types}</Types>"
        ),
    }


def _quoted(name: str) -> str:
    return _escaped(name).replace('"', "&quot;")


def _reference(name: str) -> str:
    """A sheet's name within a formula."""
    doubled = _escaped(name).replace("'", "''")
    return f"'{doubled}'"
