"""A delivery folder in the many spellings that section 2 allows."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from random import Random

from orchestration.ingest.contract import SOURCE_TABLES, SourceTable
from tests.oracle.rows import SourceRows

_TRUE = ("true", "t", "1", "S", "TRUE", "True", "s", "T")
_FALSE = ("false", "f", "0", "N", "FALSE", "False", "n", "F")
_OFFSETS = (0, 0, -180, -180, -240, 60, 345, -210, 765, 840, -720)


def write_delivery(
    rows: SourceRows, folder: Path, seed: int = 0, tables: Collection[str] = ()
) -> None:
    """Write one CSV file a table (or these tables), each in a spelling drawn from the seed.

    Columns come in any order, some rows twice (the same version in another spelling), the
    separator, end of line, byte order mark and compression vary.
    """
    folder.mkdir(parents=True, exist_ok=True)
    dice = Random(seed)
    for table in SOURCE_TABLES:
        of_table = getattr(rows, table.name)
        if tables and table.name not in tables:
            continue
        if of_table or not table.may_be_missing:
            _write_table(dice, table, of_table, folder)


def _write_table(dice: Random, table: SourceTable, rows: Sequence[object], folder: Path) -> None:
    columns = [column.name for column in table.columns]
    dice.shuffle(columns)
    separator = dice.choice(",;")
    text = io.StringIO()
    writer = csv.writer(
        text,
        delimiter=separator,
        lineterminator=dice.choice(("\n", "\r\n")),
        quoting=dice.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL)),
    )
    writer.writerow(columns)
    for row in rows:
        repeats = 2 if table.kind == "entity" and dice.random() < 0.02 else 1
        for _ in range(repeats):
            writer.writerow([spelled(dice, getattr(row, column)) for column in columns])
    encoded = text.getvalue().encode(dice.choice(("utf-8", "utf-8-sig")))
    if dice.random() < 0.3:
        (folder / f"{table.name}.csv.gz").write_bytes(gzip.compress(encoded))
    else:
        (folder / f"{table.name}.csv").write_bytes(encoded)


def spelled(dice: Random, value: object) -> str:
    """A value in one of the spellings of the contract; null is an empty field."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return dice.choice(_TRUE if value else _FALSE)
    if isinstance(value, datetime):
        return _timestamp(dice, value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)


def _timestamp(dice: Random, instant: datetime) -> str:
    minutes = dice.choice(_OFFSETS)
    local = instant.astimezone(timezone(timedelta(minutes=minutes)))
    fraction = f".{local.microsecond:06}" if local.microsecond or dice.random() < 0.2 else ""
    if dice.random() < 0.5:
        fraction = fraction.rstrip("0").rstrip(".")
    return f"{local:%Y-%m-%d}{dice.choice('T ')}{local:%H:%M:%S}{fraction}{_offset(dice, minutes)}"


def _offset(dice: Random, minutes: int) -> str:
    sign = "-" if minutes < 0 else "+"
    hours, rest = divmod(abs(minutes), 60)
    spellings = [f"{sign}{hours:02}:{rest:02}", f"{sign}{hours:02}{rest:02}"]
    if not rest:
        spellings.append(f"{sign}{hours:02}")
    if not minutes:
        spellings.append("Z")
    return dice.choice(spellings)
