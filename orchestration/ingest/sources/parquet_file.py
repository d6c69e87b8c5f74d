"""Reads a Parquet file as a table of a delivery, its values as text of the source contract.

It is imported only when a delivery holds a Parquet file.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from orchestration.files import open_regular
from orchestration.ingest.contract import Column, SourceTable, number_text
from orchestration.ingest.errors import (
    DeliveryRefused,
    NeedsRowByRow,
    SourceUnreadable,
    refused,
    too_large,
    unsupported_type,
)
from orchestration.ingest.sources.csv_text import RECORD_LIMIT, Record, with_nul
from orchestration.ingest.sources.parquet_pages import BadPages, LargestPages, largest_pages

_BATCH_ROWS = 16_384
_BATCH_BYTES = 32 << 20  # of text; a batch with more is divided
_PAGE_BYTES = 256 << 20  # of one page of each column, decompressed
_BUFFER = 1 << 20
_EXACT = 2.0**53  # up to here a double represents every integer exactly


@dataclass(frozen=True, slots=True)
class ParquetFile:
    """A Parquet file, read batch by batch; columns outside the contract are not read.

    `texts` are the columns stored as text, as they are called in the file.
    """

    table: SourceTable
    path: Path
    columns: tuple[str, ...]
    texts: tuple[str, ...]
    batch_rows: int
    largest: int  # bytes of text
    delimiter: str = ","
    is_ordered: bool = True

    @property
    def name(self) -> str:
        """The name shown in messages."""
        return self.path.name

    @property
    def header(self) -> tuple[str, ...]:
        """The columns that are read, in order."""
        return tuple(self.columns[at] for at in _known(self.columns, self.table))

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
        decoded = 0
        with _opened(self.path, self.texts) as file:
            # Names as in the file, not stripped.
            names = [file.schema_arrow.names[at] for at in _known(self.columns, self.table)]
            for whole in file.iter_batches(self.batch_rows, columns=names, use_threads=False):
                for batch in _divided(self.name, whole):
                    texts = [
                        self._text(self.table.column(name.strip()), batch.column(name))
                        for name in names
                    ]
                    decoded += sum(text.nbytes for text in texts)
                    if decoded > self.largest:
                        raise too_large(self.name, self.largest)
                    yield pa.RecordBatch.from_arrays(texts, names=list(self.header))

    def _text(self, known: Column, column: pa.Array) -> pa.Array:
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        kind = column.type
        if isinstance(kind, pa.UuidType):
            return pa.array(map(_uuid_text, column.storage.to_pylist()), pa.string())
        if pa.types.is_timestamp(kind):
            if known.kind == "date" and kind.tz:
                return _local_times(column)
            # With a zone the text is UTC and ends in Z; without one it has no offset. PostgreSQL
            # rounds to microseconds, as for CSV.
            column = pc.cast(column, pa.timestamp(kind.unit, "UTC" if kind.tz else None))
        elif pa.types.is_date(kind):
            column = pc.cast(column, pa.date32())
        elif pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            return _numbers(column)
        try:
            texts = pc.cast(column, pa.string())
            texts.validate(full=True)  # a string column may hold invalid UTF-8
        except pa.ArrowInvalid:
            raise refused(
                f"{self.name}: the column {known.name} holds bytes that are not UTF-8.",
                "Write it as text in UTF-8 and deliver again.",
            ) from None
        return texts


def open_parquet(path: Path, table: SourceTable, largest: int) -> ParquetFile:
    """Read the columns of a file and check how much memory its rows need.

    Args:
        path: The file.
        table: The table of the source contract.
        largest: The greatest number of bytes accepted, as text.

    Returns:
        The file as a table of the delivery.

    Raises:
        DeliveryRefused: It is not a Parquet file, is too large, or has a type that is no scalar.
    """
    with _opened(path) as file:
        names, types = file.schema_arrow.names, file.schema_arrow.types
        columns = tuple(name.strip() for name in names)
        known = _known(columns, table)
        for at in known:
            if not _is_readable(types[at]):
                raise unsupported_type(path.name, columns[at], str(types[at]))
        # Each value takes at least its delimiter.
        if file.metadata.num_rows * max(1, len(known)) > largest:
            raise too_large(path.name, largest)
        pages = _largest_pages(path, file.metadata, {names[at] for at in known})
        if pages.decompressed > _PAGE_BYTES:
            raise refused(
                f"{path.name}: its pages have {pages.decompressed >> 20:,} MB, decompressed; at "
                f"most {_PAGE_BYTES >> 20} MB are read at once.",
                "Write it with pages of the usual size, 1 MB, and deliver again.",
            )
    rows = min(_BATCH_ROWS, _PAGE_BYTES // max(1, sum(pages.growing.values())))
    # Arrow cannot read those that may grow as dictionaries.
    texts = tuple(
        names[at] for at in known if _is_text(types[at]) and names[at] not in pages.growing
    )
    return ParquetFile(table, path, columns, texts, max(1, rows), largest)


def _known(columns: tuple[str, ...], table: SourceTable) -> list[int]:
    """Positions of the contract's columns."""
    names = {column.name for column in table.columns}
    return [at for at, name in enumerate(columns) if name in names]


@contextmanager
def _opened(path: Path, texts: tuple[str, ...] = ()) -> Iterator[pq.ParquetFile]:
    """Open a file; any error while it is read refuses the delivery.

    `texts` are read as dictionaries, in which a long text that occurs in many rows is held once.
    """
    try:
        with (
            open_regular(path, sys.maxsize) as stored,
            pq.ParquetFile(stored, read_dictionary=list(texts), buffer_size=_BUFFER) as file,
        ):
            yield file
    except (DeliveryRefused, NeedsRowByRow):
        raise
    except OSError as error:
        if error.errno is None:  # of Arrow
            raise _unreadable(path, error) from None
        raise refused(
            f"{path.name}: the file cannot be read: {error.strerror or type(error).__name__}.",
            "Check that it is there and its permissions.",
            SourceUnreadable,
        ) from None
    except (pa.ArrowException, BadPages, OverflowError, ValueError) as error:
        raise _unreadable(path, error) from None


def _largest_pages(path: Path, metadata: pq.FileMetaData, names: set[str]) -> LargestPages:
    chunks: dict[str, list[tuple[int, int]]] = {}
    for group in range(metadata.num_row_groups):
        for at in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(at)
            if chunk.path_in_schema in names:
                start = chunk.data_page_offset
                if chunk.has_dictionary_page and chunk.dictionary_page_offset:
                    start = min(start, chunk.dictionary_page_offset)
                place = (start, chunk.total_compressed_size)
                chunks.setdefault(chunk.path_in_schema, []).append(place)
    with open_regular(path, sys.maxsize) as stored:
        return largest_pages(stored, chunks)


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return any(
        test(kind)
        for test in (
            pa.types.is_string,
            pa.types.is_large_string,
            pa.types.is_string_view,
            pa.types.is_binary,
            pa.types.is_large_binary,
            pa.types.is_binary_view,
        )
    )


def _is_readable(kind: pa.DataType) -> bool:
    """Whether the contract can say the values of a type."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return (
        _is_text(kind)
        or isinstance(kind, pa.UuidType)
        or any(
            test(kind)
            for test in (
                pa.types.is_null,
                pa.types.is_boolean,
                pa.types.is_integer,
                pa.types.is_floating,
                pa.types.is_decimal,
                pa.types.is_date,
                pa.types.is_timestamp,
            )
        )
    )


def _divided(name: str, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Divide a batch until each part has at most _BATCH_BYTES of text."""
    size = sum(map(_text_bytes, batch.columns))
    if size <= _BATCH_BYTES:
        yield batch
    elif batch.num_rows > 1:
        half = batch.num_rows // 2
        yield from _divided(name, batch.slice(0, half))
        yield from _divided(name, batch.slice(half))
    elif size <= RECORD_LIMIT:
        yield batch
    else:
        raise refused(
            f"{name}: a row has more than {RECORD_LIMIT >> 20} MB of text.",
            "Correct that row and deliver again.",
        )


def _text_bytes(column: pa.Array) -> int:
    """The bytes of a column's texts once each row has its own."""
    if not pa.types.is_dictionary(column.type) or not _is_text(column.type):
        return int(column.nbytes)
    lengths = pc.binary_length(column.dictionary).take(column.indices)
    return int(pc.sum(lengths).as_py() or 0)


def _uuid_text(value: bytes | None) -> str | None:
    if value is None:
        return None
    digits = value.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _local_times(column: pa.Array) -> pa.Array:
    """The times as written in their own zone, without an offset."""
    coded = pc.cast(column, pa.timestamp("us", column.type.tz), safe=False).dictionary_encode()
    # By Python's zone data, which are there where the system has none.
    texts = [moment.replace(tzinfo=None).isoformat(" ") for moment in coded.dictionary.to_pylist()]
    return pa.array(texts, pa.string()).take(coded.indices)


def _numbers(column: pa.Array) -> pa.Array:
    """Format numbers as `number_text` does; pandas writes nullable integers as floats."""
    if pa.types.is_float16(column.type):
        column = pc.cast(column, pa.float32())
    texts = pc.cast(column, pa.string())
    if pa.types.is_floating(column.type):
        whole = pc.and_(pc.less(pc.abs(column), _EXACT), pc.equal(pc.round(column), column))
        integers = pc.cast(pc.if_else(whole, column, 0), pa.int64())
        texts = pc.if_else(whole, pc.cast(integers, pa.string()), texts)
        texts = pc.if_else(pc.is_nan(column), pa.scalar(None, pa.string()), texts)
    else:
        texts = pc.replace_substring_regex(texts, r"(\.[0-9]*[1-9])0+$|\.0+$", r"\1")
    # An exponent, or infinity.
    unusual = pc.match_substring_regex(texts, "[eEi]").fill_null(False)
    if not unusual.true_count:
        return texts
    spelt = [number_text(number) for number in column.filter(unusual).to_pylist()]
    return pc.replace_with_mask(texts, unusual, pa.array(spelt, pa.string()))


def _unreadable(path: Path, error: Exception) -> DeliveryRefused:
    return refused(
        f"{path.name}: the file cannot be read as Parquet ({type(error).__name__}).",
        "Check whether it is damaged or of another kind, and deliver it again.",
    )
