"""Reads a Parquet file as a table of a delivery, its values as text of the source contract.

It is imported only when a delivery holds a Parquet file.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from orchestration.ingest.contract import SourceTable, number_text
from orchestration.ingest.errors import DeliveryRefused, refused
from orchestration.ingest.sources.csv_text import Record, with_nul

_BATCH_ROWS = 16_384
_EXACT = 2.0**53  # up to here a double represents every integer exactly


@dataclass(frozen=True, slots=True)
class ParquetFile:
    """A Parquet file, read batch by batch; columns outside the contract are not read."""

    table: SourceTable
    path: Path
    columns: tuple[str, ...]
    delimiter: str = ","
    is_ordered: bool = True

    @property
    def name(self) -> str:
        """The name shown in messages."""
        return self.path.name

    @property
    def header(self) -> tuple[str, ...]:
        """The columns that are read, in order."""
        return tuple(self.columns[at] for at in self._known())

    def blocks(self) -> Iterator[bytes]:
        """Yield the rows as CSV for COPY."""
        options = pacsv.WriteOptions(include_header=False)
        for batch in self._batches():
            sink = io.BytesIO()
            pacsv.write_csv(batch, sink, options)
            yield sink.getvalue()

    def records(self) -> Iterator[Record]:
        """Yield the rows one by one."""
        line = 0
        for batch in self._batches():
            for fields in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                line += 1
                if any("\0" in field for field in fields if field):
                    yield with_nul(line, fields, self.header)
                else:
                    yield Record(line, tuple(field or None for field in fields))

    def _batches(self) -> Iterator[pa.RecordBatch]:
        """Yield batches whose columns are all text."""
        try:
            with pq.ParquetFile(self.path) as file:
                # Names as in the file, not stripped.
                names = [file.schema_arrow.names[at] for at in self._known()]
                for batch in file.iter_batches(_BATCH_ROWS, columns=names, use_threads=False):
                    texts = [self._text(name.strip(), batch.column(name)) for name in names]
                    yield pa.RecordBatch.from_arrays(texts, names=list(self.header))
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(self.path, error) from None

    def _known(self) -> list[int]:
        names = {column.name for column in self.table.columns}
        return [at for at, name in enumerate(self.columns) if name in names]

    def _text(self, name: str, column: pa.Array) -> pa.Array:
        kind = column.type
        if pa.types.is_dictionary(kind):
            column = column.dictionary_decode()
            kind = column.type
        if pa.types.is_timestamp(kind):
            # With a zone the text is UTC and ends in Z; without one it has no offset. PostgreSQL
            # rounds to microseconds, as for CSV.
            column = pc.cast(column, pa.timestamp(kind.unit, "UTC" if kind.tz else None))
        elif pa.types.is_date(kind):
            column = pc.cast(column, pa.date32())
        if pa.types.is_nested(kind):
            raise refused(
                f"{self.name}: the column {name} holds {kind}, which is not a scalar type.",
                "Deliver text, numbers, dates, booleans or timestamps.",
            )
        if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            return _numbers(column)
        texts = pc.cast(column, pa.string())
        texts.validate(full=True)  # a string column may hold invalid UTF-8
        return texts


def _numbers(column: pa.Array) -> pa.Array:
    """Format numbers as `number_text` does; pandas writes nullable integers as floats."""
    if pa.types.is_float16(column.type):
        column = pc.cast(column, pa.float32())
    texts = pc.cast(column, pa.string())
    if pa.types.is_floating(column.type):
        whole = pc.and_(pc.less(pc.abs(column), _EXACT), pc.equal(pc.round(column), column))
        integers = pc.cast(pc.if_else(whole, column, 0), pa.int64())
        texts = pc.if_else(whole, pc.cast(integers, pa.string()), texts)
    else:
        texts = pc.replace_substring_regex(texts, r"\.0+$", "")
    scientific = pc.match_substring_regex(texts, "[eE]").fill_null(False)
    if not scientific.true_count:
        return texts
    spelt = [number_text(number) for number in column.filter(scientific).to_pylist()]
    return pc.replace_with_mask(texts, scientific, pa.array(spelt, pa.string()))


def open_parquet(path: Path, table: SourceTable) -> ParquetFile:
    """Read the columns of a file; raise DeliveryRefused when it is not a Parquet file."""
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, error) from None
    return ParquetFile(table, path, tuple(name.strip() for name in schema.names))


def _unreadable(path: Path, error: Exception) -> DeliveryRefused:
    return refused(
        f"{path.name}: the file cannot be read as Parquet ({type(error).__name__}).",
        "Check whether it is damaged or of another kind, and deliver it again.",
    )
