"""Exports a grid as CSV and XLSX for the spreadsheet programs used in Brazil.

Rows are streamed, a few hundred at a time, and the same sheet gives the same bytes. CSV uses `;`, a
byte order mark and Brazilian dates, and prefixes text that a spreadsheet would read as a formula
with `'`. XLSX stores text as text, so it needs no prefix (`reports/xlsx.py`).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, BinaryIO, NamedTuple

from reports import formats, labels, xlsx
from reports.documents import Writer
from reports.view_model import Proof, Stamp
from reports.xlsx import GridSheet, Kind, Value, plain_text


class ExportColumn(NamedTuple):
    """A column: its heading, the kind of its values, and its width in digits (0: kind's
    default).
    """

    label: str
    kind: Kind = "text"
    width: int = 0


class Sheet(NamedTuple):
    """The rows of a grid, and (label, value) pairs about them for a second sheet of the XLSX."""

    title: str
    columns: tuple[ExportColumn, ...]
    rows: Iterable[Sequence[Value]]
    about: tuple[tuple[str, str], ...] = ()


def sheet_of_proof(stamp: Stamp, proof: Proof) -> tuple[tuple[str, str], ...]:
    """Return the (label, value) pairs that identify an export, as printed on its page."""
    return (
        (labels.ABOUT_DATA_UNTIL, moment_or_none(stamp.data_until)),
        (labels.ABOUT_AS_OF, moment_or_none(stamp.as_of)),
        (labels.ABOUT_GENERATED, formats.moment(stamp.generated_at)),
        (labels.ABOUT_TIMEZONE, stamp.timezone),
        *proof.parameters,
        *(
            (identity.words, f"{formats.number(identity.left)} = {formats.number(identity.right)}")
            for identity in proof.identities
        ),
        (labels.ABOUT_RUN, proof.run_id),
        (labels.ABOUT_FINGERPRINT, proof.fingerprint),
    )


def moment_or_none(value: datetime | None) -> str:
    """Format a time, or N/D for None."""
    return labels.NOT_AVAILABLE if value is None else formats.moment(value)


def csv_writer(sheet: Sheet) -> Writer:
    """Return a writer of the sheet as CSV."""
    return partial(_write_csv, sheet)


def xlsx_writer(sheet: Sheet) -> Writer:
    """Return a writer of the sheet as XLSX, split over several sheets if one is too small."""
    return partial(_write_xlsx, sheet)


# --- CSV -------------------------------------------------------------------------------------

# The start of a formula, also after invisible characters.
_FORMULA = re.compile(r"[\t\r\n]|[\s\u200b-\u200f\u2060\ufeff]*[=+\-@＝＋－＠]")


def _write_csv(sheet: Sheet, file: BinaryIO) -> None:
    cells = tuple(_CSV_CELLS[column.kind] for column in sheet.columns)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=False)
    rows = csv.writer(text, delimiter=";", lineterminator="\r\n")
    rows.writerow([_csv_text(column.label) for column in sheet.columns])
    rows.writerows(
        ["" if value is None else cell(value) for cell, value in zip(cells, row, strict=True)]
        for row in sheet.rows
    )
    text.flush()
    text.detach()


def _csv_text(value: str) -> str:
    if value[:1].isalnum() and value.isprintable():
        return value
    value = plain_text(value)
    return f"'{value}" if _FORMULA.match(value) else value


def _csv_number(value: int | float | Decimal) -> str:
    return f"{Decimal(str(value)):f}".replace(".", ",")


_CSV_CELLS: dict[Kind, Callable[[Any], str]] = {
    "text": _csv_text,
    "number": _csv_number,
    "day": formats.day,
    "moment": formats.moment,
}


# --- XLSX ------------------------------------------------------------------------------------


def _write_xlsx(sheet: Sheet, file: BinaryIO) -> None:
    names, kinds, widths = zip(*sheet.columns, strict=True)
    grids = [GridSheet(sheet.title, names, kinds, widths, sheet.rows)]
    if sheet.about:
        grids.append(
            GridSheet(labels.ABOUT, labels.ABOUT_COLUMNS, ("text", "text"), (36, 60), sheet.about)
        )
    xlsx.write_workbook(file, grids)
