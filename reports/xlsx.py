"""Writes grids as XLSX workbooks with a frozen header and filters, by XlsxWriter.

Text is always a text cell, never a formula, a link or a number. The file contains no time of
writing, so the same rows give the same bytes.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from itertools import chain, count, islice
from pathlib import Path
from tempfile import SpooledTemporaryFile, TemporaryDirectory
from traceback import clear_frames
from typing import IO, Any, BinaryIO, Literal, NamedTuple

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from reports import formats

Kind = Literal["text", "number", "day", "moment"]
Value = str | int | float | Decimal | date | datetime | None
"""A moment is a local time; None is an empty cell of any kind."""

ROWS_A_SHEET = 1_048_576

_BYTES_IN_MEMORY = 2**25

_CHARACTERS_A_CELL = 32_767
_CHARACTERS_A_NAME = 31
_WIDTHS: dict[Kind, int] = {"text": 24, "number": 12, "day": 12, "moment": 18}
_FIRST_DAY = date(1900, 3, 1)  # the format has a 29 February 1900, which did not exist
_A4 = 9

# Control characters, bidirectional overrides, lone surrogates and noncharacters.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_BEFORE_X = re.compile("(?<=_)(?=x)")
_RETURN = re.compile("\r\n?")
_NOT_IN_A_NAME = re.compile(r"[\[\]:*?/\\]")


class GridSheet(NamedTuple):
    """One table: its title, and its columns' labels, kinds and widths (0: default of the kind)."""

    title: str
    labels: tuple[str, ...]
    kinds: tuple[Kind, ...]
    widths: tuple[int, ...]
    rows: Iterable[Sequence[Value]]


class _Formats(NamedTuple):
    """The cell formats. Text cells are formatted as text, so that edits do not become formulas."""

    text: Format
    number: Format
    day: Format
    moment: Format
    header: Format


def plain_text(value: str) -> str:
    """Remove characters that a cell must not contain, and normalize line ends."""
    return _UNSEEN.sub("", _RETURN.sub("\n", value))


def write_workbook(file: BinaryIO, grids: Iterable[GridSheet]) -> None:
    """Write a workbook of grids; a grid that is too long continues on further sheets.

    Temporary files are written beside `file`, so that they are removed with its folder if the
    process is killed. For a file without a name everything stays in memory.
    """
    name = getattr(file, "name", None)
    with ExitStack() as stack:
        options: dict[str, object] = {"in_memory": True}
        if isinstance(name, str):
            aside = stack.enter_context(TemporaryDirectory(dir=Path(name).parent))
            # XlsxWriter writes each row to disk when the next one begins.
            options = {"constant_memory": True, "tmpdir": aside}
        # Spooled first, so that `file` never contains part of a workbook.
        whole = stack.enter_context(SpooledTemporaryFile(max_size=_BYTES_IN_MEMORY))
        try:
            _write_workbook(whole, grids, options)
        except BaseException as error:
            # The library's ZipFile writes its directory when it is garbage collected: drop the
            # references now, while the file is still open.
            whole.truncate(0)
            clear_frames(error.__traceback__)
            raise
        whole.seek(0)
        shutil.copyfileobj(whole, file)


def _write_workbook(
    file: IO[bytes], grids: Iterable[GridSheet], options: Mapping[str, object]
) -> None:
    workbook = xlsxwriter.Workbook(
        file,
        {
            **options,
            "strings_to_formulas": False,
            "strings_to_numbers": False,
            "strings_to_urls": False,
        },
    )
    workbook.set_properties({"created": datetime(1980, 1, 1, tzinfo=UTC).replace(tzinfo=None)})
    looks = _Formats(
        text=workbook.add_format({"num_format": "@"}),
        number=workbook.add_format(),
        day=workbook.add_format({"num_format": "dd/mm/yyyy"}),
        moment=workbook.add_format({"num_format": "dd/mm/yyyy hh:mm"}),
        header=workbook.add_format({"num_format": "@", "bold": True}),
    )
    names: list[str] = []
    for grid in grids:
        rows = iter(grid.rows)
        ahead: list[Sequence[Value]] | None = None
        while ahead is None or ahead:
            names.append(_sheet_name(grid.title, names))
            _write_sheet(workbook, names[-1], looks, grid, chain(ahead or (), rows))
            ahead = list(islice(rows, 1))
    try:
        workbook.close()
    except FileCreateError as error:
        (refusal,) = error.args  # the OSError, which has a clear message
        raise refusal from error


def _write_sheet(
    workbook: Workbook,
    name: str,
    looks: _Formats,
    grid: GridSheet,
    rows: Iterable[Sequence[Value]],
) -> None:
    """Write as many rows as fit on a sheet."""
    sheet = workbook.add_worksheet(name)
    for place, (kind, width) in enumerate(zip(grid.kinds, grid.widths, strict=True)):
        sheet.set_column(place, place, width or _WIDTHS[kind])
    # The header is frozen and repeated on each printed page, in landscape, one page wide.
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)
    sheet.set_paper(_A4)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    for place, label in enumerate(grid.labels):
        _write_text(sheet, looks.header, 0, place, label)
    cells = tuple(_cell(sheet, looks, kind) for kind in grid.kinds)
    last = 0
    for last, row in enumerate(islice(rows, ROWS_A_SHEET - 1), start=1):
        for place, (cell, value) in enumerate(zip(cells, row, strict=True)):
            if value is not None:
                cell(last, place, value)
    sheet.autofilter(0, 0, last, len(grid.labels) - 1)


def _cell(sheet: Worksheet, looks: _Formats, kind: Kind) -> Callable[[int, int, Any], object]:
    if kind == "number":
        return partial(_write_number, sheet, looks)
    if kind == "day":
        return partial(_write_day, sheet, looks)
    if kind == "moment":
        return partial(_write_moment, sheet, looks)
    return partial(_write_text, sheet, looks.text)


def _write_text(sheet: Worksheet, look: Format, row: int, place: int, value: str) -> None:
    text = _text(value)
    if text.startswith("<r>") and text.endswith("</r>"):
        # XlsxWriter writes such a text as markup, but escapes the fragments of a rich string. It
        # escapes `_xHHHH_` in them twice, so no fragment may contain one.
        sheet.write_rich_string(row, place, *text[:2], *_BEFORE_X.split(text[2:]), look)
    else:
        sheet.write_string(row, place, text, look)


def _write_number(
    sheet: Worksheet, looks: _Formats, row: int, place: int, value: int | float | Decimal
) -> None:
    sheet.write_number(row, place, value, looks.number)


def _write_day(sheet: Worksheet, looks: _Formats, row: int, place: int, value: date) -> None:
    if value < _FIRST_DAY:
        _write_text(sheet, looks.text, row, place, formats.day(value))
    else:
        sheet.write_datetime(row, place, value, looks.day)


def _write_moment(sheet: Worksheet, looks: _Formats, row: int, place: int, value: datetime) -> None:
    if value.date() < _FIRST_DAY:
        _write_text(sheet, looks.text, row, place, formats.moment(value))
    else:
        sheet.write_datetime(row, place, value, looks.moment)


def _text(value: str) -> str:
    """Return the text of a cell."""
    if not value.isprintable():
        value = plain_text(value)
    return _cut(value, _CHARACTERS_A_CELL)


def _cut(value: str, limit: int) -> str:
    """Truncate to a limit of the format in UTF-16 units, without splitting a surrogate pair."""
    if len(value) <= limit // 2:
        return value
    return value.encode("utf-16-le")[: 2 * limit].decode("utf-16-le", errors="ignore")


def _sheet_name(title: str, taken: Sequence[str]) -> str:
    """Return a valid sheet name that is not taken."""
    plainer = " ".join(_NOT_IN_A_NAME.sub(" ", plain_text(title)).split()).strip("' ")
    names = {name.casefold() for name in taken}
    for number in count(1):
        suffix = "" if number == 1 and plainer else f" ({number})"
        name = f"{_cut(plainer, _CHARACTERS_A_NAME - len(suffix))}{suffix}".strip("' ")
        if name.casefold() not in names:
            return name
    raise AssertionError("there is always one more number")
