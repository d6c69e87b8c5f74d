"""Reads a CSV file, gzipped or not, in its encoding, as a table of a delivery."""

from __future__ import annotations

import csv
import gzip
import io
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from orchestration.files import open_regular
from orchestration.ingest.contract import SourceTable
from orchestration.ingest.errors import (
    DeliveryRefused,
    NeedsRowByRow,
    SourceUnreadable,
    refused,
    too_large,
)
from orchestration.ingest.sources.csv_text import BadText, Record, plain_blocks, records

ENCODING_SETTING = "ATENDIMENTO_CSV_ENCODING"
_BOM = b"\xef\xbb\xbf"
_HEADER_LIMIT = 1 << 20
# How files that are not CSV begin, what they are, and what to do.
_OTHER_KINDS = (
    (b"PK\x03\x04", "an Excel workbook or ZIP archive", "In Excel save it as CSV UTF-8"),
    (b"\xd0\xcf\x11\xe0", "an Excel 97 workbook", "In Excel save it as CSV UTF-8"),
    (b"\x1f\x8b", "a gzip file", "Name it with .gz at the end"),
    (b"PAR1", "a Parquet file", "Name it with .parquet at the end"),
)
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A CSV file, gzipped or not."""

    table: SourceTable
    path: Path
    encoding: str
    header: tuple[str, ...]
    header_line: str
    delimiter: str
    largest: int  # bytes, decompressed
    is_ordered: bool = True

    @property
    def name(self) -> str:
        """The name shown in messages."""
        return self.path.name

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns of the file, since lines are read whole."""
        return self.header

    def blocks(self) -> Iterator[bytes]:
        """Yield the rows as CSV for COPY."""
        with self._opened() as stream:
            if self.encoding == "utf-8":
                skipped = len(self.header_line.encode())
                if len(stream.read(skipped)) < skipped:
                    raise NeedsRowByRow
                yield from plain_blocks(stream.read, self.delimiter)
                return
            text = io.TextIOWrapper(stream, self.encoding, errors="surrogateescape", newline="")
            text.read(len(self.header_line))

            def transcoded(size: int) -> bytes:
                try:
                    return text.read(size).encode()
                except UnicodeError:
                    raise NeedsRowByRow from None

            yield from plain_blocks(transcoded, self.delimiter)

    def records(self) -> Iterator[Record]:
        """Yield the rows one by one."""
        with self._opened() as stream:
            text = io.TextIOWrapper(stream, self.encoding, errors="surrogateescape", newline="")
            text.read(len(self.header_line))
            try:
                yield from records(text, self.delimiter, self.header, first_line=2)
            except BadText as bad:
                raise _refused_text(self.name, bad, self.encoding) from None

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        with _readable(self.path, self.largest) as stream:
            start = stream.read(len(_BOM))
            if start != _BOM or self.encoding != "utf-8":
                stream.seek(0)
            yield stream


def open_csv(path: Path, table: SourceTable, encoding: str, largest: int) -> CsvFile:
    """Open a CSV file and read its header.

    Args:
        path: The file.
        table: The table of the source contract.
        encoding: Encoding of the file, unless it begins with a byte order mark of UTF-8.
        largest: The greatest number of bytes accepted, decompressed.

    Returns:
        The file as a table of the delivery.

    Raises:
        DeliveryRefused: The file cannot be read as CSV.
    """
    with _readable(path, largest) as stream:
        start = stream.read(4)
        _check_kind(path.name, start, encoding)
        # A byte order mark of UTF-8 overrides the setting.
        marked = start.startswith(_BOM)
        if marked or encoding.lower().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig"):
            encoding = "utf-8"
        stream.seek(len(_BOM) if marked else 0)
        text = io.TextIOWrapper(stream, encoding, errors="surrogateescape", newline="")
        line = text.readline(_HEADER_LIMIT)
        text.detach()
    if not line.strip():
        raise refused(
            f"{path.name}: the file is empty, without even a header.",
            "A table without rows is a file with its header alone.",
        )
    bare = line.rstrip("\r\n")
    if bare.lower().startswith("sep="):
        raise refused(
            f"{path.name}: the file starts with {bare[:5]}, a line for Excel, not with its header.",
            "Remove that line: the delimiter is recognised by the header.",
        )
    if len(line) == _HEADER_LIMIT or any(ord(char) < 32 and char != "\t" for char in bare):
        raise refused(
            f"{path.name}: this is not a CSV file: its first line is not a header.",
            "Check whether the file is of another kind, or damaged, and deliver again.",
        )
    if any("\udc80" <= char <= "\udcff" for char in bare):
        raise _refused_text(path.name, BadText(1, "encoding"), encoding)
    delimiter = _delimiter(bare, table)
    try:
        names = next(csv.reader([bare], delimiter=delimiter, strict=True))
    except csv.Error:
        bad = BadText(1, "a quote that opens there is never closed")
        raise _refused_text(path.name, bad, encoding) from None
    header = tuple(name.strip() for name in names)
    return CsvFile(table, path, encoding, header, line, delimiter, largest)


def _check_kind(name: str, start: bytes, encoding: str) -> None:
    """Refuse a file that its first bytes show to be of another kind or encoding."""
    for mark, kind, remedy in _OTHER_KINDS:
        if start.startswith(mark):
            raise refused(
                f"{name}: this is not a CSV file, but {kind}.", f"{remedy}, and deliver again."
            )
    if start.startswith(_UTF_16) and "16" not in encoding:
        raise refused(
            f"{name}: the file is UTF-16, not {encoding}.",
            "In Excel save it as “CSV UTF-8”, not as “Unicode text”; or, where all CSV files of "
            f"the delivery are UTF-16, set {ENCODING_SETTING}=utf-16.",
        )


def _delimiter(header: str, table: SourceTable) -> str:
    """`,` or `;`, whichever splits the header into more of the table's columns."""
    known = {column.name for column in table.columns}

    def recognised(delimiter: str) -> int:
        return len(known & {name.strip(' "') for name in header.split(delimiter)})

    return max((",", ";"), key=recognised)


def _refused_text(name: str, bad: BadText, encoding: str) -> DeliveryRefused:
    if bad.what == "encoding":
        return refused(
            f"{name}, line {bad.line}: the bytes are not {encoding}.",
            f"Deliver the file in {encoding}, or name its encoding in {ENCODING_SETTING} "
            "(CRMs here often export cp1252).",
        )
    return refused(
        f"{name}, line {bad.line}: {bad.what}, so its rows cannot be told apart.",
        "Correct that line and deliver again.",
    )


class _Bounded(gzip.GzipFile):
    """A gzip file that refuses the delivery once more than `largest` bytes were decompressed."""

    def __init__(self, stored: BinaryIO, name: str, largest: int) -> None:
        super().__init__(fileobj=stored)
        self._shown_name, self._largest = name, largest

    def read(self, size: int | None = -1) -> bytes:
        return self._counted(super().read(size))

    def read1(self, size: int = -1) -> bytes:
        return self._counted(super().read1(size))

    def _counted(self, block: bytes) -> bytes:
        if self.tell() > self._largest:
            raise too_large(self._shown_name, self._largest)
        return block


@contextmanager
def _readable(path: Path, largest: int) -> Iterator[BinaryIO]:
    """Open a file, decompressed; any error while reading refuses the delivery."""
    try:
        with open_regular(path, sys.maxsize) as stored:
            if os.fstat(stored.fileno()).st_size > largest:
                raise too_large(path.name, largest)
            if path.name.endswith(".gz"):
                with _Bounded(stored, path.name, largest) as unzipped:
                    yield cast(BinaryIO, unzipped)
            else:
                yield stored
    except EOFError:
        raise refused(
            f"{path.name}: the gzip file is cut off before its end.", "Deliver it again, whole."
        ) from None
    except (gzip.BadGzipFile, zlib.error):
        raise refused(
            f"{path.name}: this is not a gzip file, or it is damaged.", "Deliver it again."
        ) from None
    except OSError as error:
        raise refused(
            f"{path.name}: the file cannot be read: {error.strerror or type(error).__name__}.",
            "Check that it is there and its permissions.",
            SourceUnreadable,
        ) from None
