"""Reads one table of a delivery into typed staging tables.

The fast path streams the file through COPY and checks all rows as a set; it raises NeedsRowByRow
when any row is faulty or contradicts another. The slow path reads row by row and records each
fault. Both yield the same typed rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import psycopg
from psycopg import sql

from orchestration.ingest import casts
from orchestration.ingest.conflicts import has_rows, repeated_key_with_two_parents, repeated_version
from orchestration.ingest.contract import Column, SourceTable
from orchestration.ingest.errors import NeedsRowByRow
from orchestration.ingest.raw_tables import analyze_keys, staging_table
from orchestration.ingest.sources.delivery import TableSource

_REPORT_EVERY = 10_000
_KEPT = 1_000_000  # characters of a rejected value: PostgreSQL's jsonb takes 256 MB a row
# COPY stores every column, and a row of several hundred columns does not fit a page.
_COPIED_COLUMNS = 200

# Errors of COPY and casts caused by the file: bad fields, bad bytes, lines too long.
_FAULTS_OF_A_FILE = (psycopg.DataError, psycopg.errors.ProgramLimitExceeded)


@dataclass(frozen=True, slots=True)
class StagedTable:
    """A table of the delivery as it was staged.

    `typed` holds the rows with a column `line` (null on the fast path). Only the slow path sets
    `text`, all rows with their line, and `faults` (line, column_name, reason).
    """

    source: TableSource
    rows: int
    typed: sql.Identifier
    text: sql.Identifier | None = None
    faults: sql.Identifier | None = None

    @property
    def table(self) -> SourceTable:
        """The table of the source contract."""
        return self.source.table


def stage_fast(
    conn: psycopg.Connection, source: TableSource, progress: Callable[[int], None]
) -> StagedTable:
    """Stage a table through COPY.

    Args:
        conn: A connection of the staging worker.
        source: The table of the delivery.
        progress: Called with the number of rows read so far.

    Returns:
        The staged table, without line numbers.

    Raises:
        NeedsRowByRow: A row is faulty or contradicts another. Nothing was staged.
    """
    if len(source.header) > _COPIED_COLUMNS:
        raise NeedsRowByRow
    table, text = source.table, staging_table(f"{source.table.name}_text")
    typed = staging_table(source.table.name)
    try:
        with conn.transaction(), conn.cursor() as cursor:
            _create_text(cursor, text, range(len(source.header)))
            read = _copy_blocks(cursor, source, text, progress)
            cursor.execute(
                sql.SQL(
                    "create unlogged table {} as select null::bigint as line, {} from {} where {}"
                ).format(
                    typed,
                    _cast_columns(table, source.header, common=True),
                    text,
                    sql.SQL(" and ").join(
                        casts.cheap_check(column, _counted(source.header, column))
                        for column in table.columns
                    ),
                )
            )
            if cursor.rowcount != read:
                raise NeedsRowByRow
            cursor.execute(sql.SQL("drop table {}").format(text))
            analyze_keys(conn, table, typed)
            # Checked here, in parallel with the merge of another table, which takes longest.
            for question in (
                repeated_key_with_two_parents(table, typed),
                repeated_version(table, typed),
            ):
                if question is not None and has_rows(conn, question):
                    raise NeedsRowByRow
    except _FAULTS_OF_A_FILE as error:
        raise NeedsRowByRow from error
    return StagedTable(source, read, typed)


def stage_row_by_row(
    conn: psycopg.Connection, source: TableSource, progress: Callable[[int], None]
) -> StagedTable:
    """Stage a table row by row, with line numbers, and record rows with faults of their own.

    Columns that the contract does not have are left out.

    Args:
        conn: A connection of the staging worker.
        source: The table of the delivery.
        progress: Called with the number of rows read so far.

    Returns:
        The staged table, with `text` and `faults`.
    """
    table, header = source.table, source.header
    text, faults, typed = (
        staging_table(f"{table.name}_{part}") for part in ("named_text", "fault", "named")
    )
    known = _known(source)
    with conn.transaction(), conn.cursor() as cursor:
        _create_text(
            cursor,
            text,
            known,
            "line bigint, whole text, reason text, column_name text,",
        )
        read = 0
        nothing = (None,) * len(known)
        with cursor.copy(sql.SQL("copy {} from stdin").format(text)) as copy:
            for record in source.records():
                fields = tuple(record.fields[at] for at in known) if record.fields else nothing
                copy.write_row((record.line, record.whole, record.reason, record.column, *fields))
                read += 1
                if not read % _REPORT_EVERY:
                    progress(read)
        progress(read)
        _name_faults(cursor, table, header, text, faults)
        cursor.execute(
            sql.SQL(
                "create unlogged table {} as select line, {} from {} as t "
                "where not exists (select from {} as f where f.line = t.line)"
            ).format(typed, _cast_columns(table, header), text, faults)
        )
        if not source.is_ordered:
            _number_rows(cursor, source, text, faults, typed)
        analyze_keys(conn, table, typed)
    return StagedTable(source, read, typed, text, faults)


def _number_rows(
    cursor: psycopg.Cursor,
    source: TableSource,
    text: sql.Identifier,
    faults: sql.Identifier,
    typed: sql.Identifier,
) -> None:
    """Number the rows of a database so that the greater row is the later one (R1).

    Rows compare by their values as text, the same from every kind of database.
    """
    order = sql.SQL(", ").join(
        sql.SQL(
            'case when r.line is null then {} else {}::text end collate "C" nulls first'
        ).format(
            sql.Identifier("t", f"f{source.header.index(column.name)}"),
            sql.Identifier("r", column.name),
        )
        for column in source.table.columns
        if column.name in source.header
    )
    place = staging_table(f"{source.table.name}_place")
    cursor.execute(
        sql.SQL(
            "create unlogged table {} as select line, row_number() over (order by {}) as place "
            "from {} as t left join {} as r using (line)"
        ).format(place, order, text, typed)
    )
    for relation in (text, faults, typed):
        cursor.execute(
            sql.SQL("update {} as o set line = p.place from {} as p where p.line = o.line").format(
                relation, place
            )
        )
    cursor.execute(sql.SQL("drop table {}").format(place))


def as_delivered(source: TableSource, alias: str) -> sql.Composed:
    """Build the delivered row as jsonb: column to text, or the whole text if malformed."""

    def kept(name: str) -> sql.Composed:
        return sql.SQL("left({}, {})").format(sql.Identifier(alias, name), sql.Literal(_KEPT))

    return sql.SQL(
        "case when {whole} is not null then to_jsonb({whole}) "
        "else jsonb_object({header}::text[], array[{fields}]::text[]) end"
    ).format(
        whole=kept("whole"),
        header=sql.Literal([source.header[at] for at in _known(source)]),
        fields=sql.SQL(", ").join(kept(f"f{at}") for at in _known(source)),
    )


def _known(source: TableSource) -> list[int]:
    """Positions of the contract's columns in a row."""
    names = {column.name for column in source.table.columns}
    return [at for at, name in enumerate(source.header) if name in names]


def _create_text(
    cursor: psycopg.Cursor, text: sql.Identifier, fields: Iterable[int], before: str = ""
) -> None:
    cursor.execute(
        sql.SQL("create unlogged table {} ({} {})").format(
            text,
            sql.SQL(before),
            sql.SQL(", ").join(
                sql.SQL('{} text collate "C"').format(sql.Identifier(f"f{at}")) for at in fields
            ),
        )
    )


def _copy_blocks(
    cursor: psycopg.Cursor,
    source: TableSource,
    text: sql.Identifier,
    progress: Callable[[int], None],
) -> int:
    sent = 0
    command = sql.SQL("copy {} from stdin (format csv, delimiter {}, force_null *)")
    with cursor.copy(command.format(text, sql.Literal(source.delimiter))) as copy:
        for block in source.blocks():
            copy.write(block)
            sent += block.count(b"\n")
            progress(sent)
    progress(cursor.rowcount)
    return cursor.rowcount


def _value(header: tuple[str, ...], column: str) -> sql.Composable:
    """The delivered text of a column; null when the file lacks the column."""
    if column not in header:
        return sql.SQL('null::text collate "C"')
    return sql.Identifier(f"f{header.index(column)}")


def _counted(header: tuple[str, ...], column: Column) -> sql.Composable:
    return casts.text_that_counts(column, lambda name: _value(header, name))


def _cast_columns(
    table: SourceTable, header: tuple[str, ...], *, common: bool = False
) -> sql.Composed:
    return sql.SQL(", ").join(
        sql.SQL("{} as {}").format(
            casts.cast(column, _counted(header, column), common=common),
            sql.Identifier(column.name),
        )
        for column in table.columns
    )


def _name_faults(
    cursor: psycopg.Cursor,
    table: SourceTable,
    header: tuple[str, ...],
    text: sql.Identifier,
    faults: sql.Identifier,
) -> None:
    """Store the first fault of each row, in the contract's order of columns."""
    found = casts.first_fault(table, lambda name: _value(header, name))
    cursor.execute(
        sql.SQL(
            """
            create unlogged table {faults} as
            select
                line,
                coalesce(column_name, split_part(found, ':', 1)) as column_name,
                coalesce(reason, split_part(found, ':', 2)) as reason
            from (
                select
                    line, column_name, reason,
                    case when reason is null then {found} end as found
                from {text}
            ) as looked_at
            where reason is not null or found is not null
            """
        ).format(faults=faults, found=found, text=text)
    )
