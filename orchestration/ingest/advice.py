"""Says of rejected rows where they stand, and how their values are written right."""

from __future__ import annotations

import re
from collections.abc import Iterable

import psycopg
from psycopg import sql

from orchestration.ingest import errors
from orchestration.ingest.contract import ID_LENGTH, TEXT_LENGTH, Column
from orchestration.ingest.staging import StagedTable

_COMMA = re.compile(r"-?[0-9]{1,9},[0-9]{1,9}")
_WHOLE_FRACTION = re.compile(r"([0-9]{1,60})\.0")
_DAY_FIRST = re.compile(r"(0[1-9]|[12][0-9]|3[01])/(0[1-9]|1[0-2])/([0-9]{4})")

_FORMS = {
    "boolean": "write true or false, 1 or 0, S or N",
    "date": "write 2026-11-20",
    "timestamp": "write 2026-11-20T09:00:00-03:00, with seconds and offset",
    "hours": "write 1.5, with a point",
    "whole": "write a whole number",
}


def described_faults(
    conn: psycopg.Connection, arrived: StagedTable, faults: Iterable[tuple[int, str | None, str]]
) -> list[str]:
    """Describe faults as in "line 2: no_show_hours: does_not_cast (1,5: write 1.5)".

    Only values that cannot be personal data are quoted: numbers, dates, and ids that look like a
    number with a fraction.

    Args:
        conn: A connection to the database.
        arrived: The staged table, read row by row.
        faults: Line, column and reason of each.

    Returns:
        A description of each.
    """
    columns = {column.name: column for column in arrived.table.columns}
    described = []
    for line, name, reason in faults:
        where = f"line {line}: {f'{name}: ' if name else ''}{reason}"
        column = columns.get(name or "")
        value = _delivered(conn, arrived, line, column) if column else None
        advice = _advice(arrived, column, reason, value)
        described.append(f"{where} ({advice})" if advice else where)
    return described


def _delivered(
    conn: psycopg.Connection, arrived: StagedTable, line: int, column: Column
) -> str | None:
    """The text of a value as it was delivered, if it was."""
    header = arrived.source.header
    if arrived.text is None or column.name not in header:
        return None
    field = sql.Identifier(f"f{header.index(column.name)}")
    query = sql.SQL("select {} from {} where line = {}").format(
        field, arrived.text, sql.Literal(line)
    )
    row = conn.execute(query).fetchone()
    return row[0] if row else None


def _advice(
    arrived: StagedTable, column: Column | None, reason: str, value: str | None
) -> str | None:
    if reason == errors.WRONG_NUMBER_OF_FIELDS:
        return (
            f"the header has {len(arrived.source.header)} columns: write the delimiter of an empty "
            "field at the end of a row too"
        )
    if reason == errors.MALFORMED_QUOTES:
        return 'write a quote within a field twice: ""'
    if column is None:
        return None
    if reason in (errors.DOES_NOT_CAST, errors.UNKNOWN_REFERENCE):
        return _corrected(column, value) or (
            _FORMS.get(column.kind) if reason == errors.DOES_NOT_CAST else None
        )
    if reason == errors.UNKNOWN_CODE:
        return f"write {', '.join(column.codes[:-1])} or {column.codes[-1]}"
    if reason == errors.UNKNOWN_TIMEZONE:
        return "write a name such as America/Sao_Paulo"
    if reason == errors.TOO_LONG:
        return f"at most {ID_LENGTH if column.kind == 'id' else TEXT_LENGTH} characters"
    if reason == errors.OUT_OF_RANGE:
        return _range(column)
    return None


def _corrected(column: Column, value: str | None) -> str | None:
    """A value of a common wrong form, and the right one."""
    value = (value or "").strip()
    if column.kind in ("hours", "whole") and _COMMA.fullmatch(value):
        return f"{value}: write {value.replace(',', '.')}"
    if column.kind == "date" and (day_first := _DAY_FIRST.fullmatch(value)):
        day, month, year = day_first.groups()
        return f"{value}: write {year}-{month}-{day}"
    if column.kind == "id" and (fraction := _WHOLE_FRACTION.fullmatch(value)):
        return f"{value}: write {fraction[1]}"
    return None


def _range(column: Column) -> str:
    limits = (
        ("at least", column.minimum),
        ("more than", column.above),
        ("at most", column.maximum),
    )
    return " and ".join(f"{words} {limit:,}" for words, limit in limits if limit is not None)
