"""What a delivery consists of: for each table its header, blocks fit for COPY, and its records.

Belongs here: the files of a folder and what is wrong with them as files. Does not: a PostgreSQL
source (`source_postgres.py`), Parquet (`source_parquet.py`), any value of a row.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from orchestration.ingest.contract import SOURCE_TABLES, SourceTable
from orchestration.ingest.csv_text import BLOCK, BadText, Record, plain_blocks, records
from orchestration.ingest.errors import DeliveryRefused, NotPlain, refused
from orchestration.ingest.whatsapp import spool

_BOM = b"\xef\xbb\xbf"
_HEADER_LIMIT = 1 << 20
_EXTENSIONS = (".csv", ".csv.gz", ".parquet")
ENCODING_SETTING = "ATENDIMENTO_CSV_ENCODING"


class TableSource(Protocol):
    """One table of a delivery."""

    @property
    def table(self) -> SourceTable:
        """Its place in the contract."""

    @property
    def name(self) -> str:
        """What a person calls it: a file's name, or schema and table."""

    @property
    def header(self) -> tuple[str, ...]:
        """Its columns, in the order of its rows."""

    @property
    def delimiter(self) -> str:
        """What stands between two fields of `blocks`."""

    def blocks(self) -> Iterator[bytes]:
        """Its rows as UTF-8 CSV without header, fit for COPY; NotPlain when they may not be."""

    def records(self) -> Iterator[Record]:
        """Its rows one by one, with their lines."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Everything a delivery holds that the contract knows, and what was noticed on the way."""

    label: str
    tables: Mapping[str, TableSource]
    notices: tuple[str, ...]
    whatsapp_events: tuple[Path, ...] = ()


def open_folder(folder: Path, encoding: str) -> Delivery:
    """The tables of a delivery folder; DeliveryRefused when a file of it cannot be one."""
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "does not exist"
        raise refused(f"The delivery {folder} {what}.", "Name a folder that holds a delivery.")
    try:
        "".encode(encoding)
    except LookupError:
        raise refused(
            f"No encoding is called {encoding!r}.", f"Correct {ENCODING_SETTING}."
        ) from None
    found: dict[str, list[Path]] = {}
    notices = []
    known = {table.name for table in SOURCE_TABLES}
    for path in sorted(_listed(folder)):
        name, extension = _split_name(path.name)
        if not extension:
            continue
        if name in known:
            found.setdefault(name, []).append(path)
        else:
            notices.append(f"{path.name}: the contract has no table {name}; the file was ignored.")
    events = tuple(spool.files_of_delivery(folder))
    if not found and not events:
        raise refused(
            f"The delivery {folder} is empty: it holds no file of the source contract.",
            "A delivery holds files such as agenda.csv, agenda.csv.gz or agenda.parquet.",
        )
    tables = {}
    for name, paths in found.items():
        if len(paths) > 1:
            both = " and ".join(path.name for path in paths)
            raise refused(
                f"The delivery {folder} is ambiguous: it holds {both}.", "Leave one of them."
            )
        table = next(table for table in SOURCE_TABLES if table.name == name)
        source = _open_file(paths[0], table, encoding)
        notices += check_header(source)
        tables[name] = source
    return Delivery(str(folder), tables, tuple(notices), events)


def check_header(source: TableSource) -> list[str]:
    """Notices about the columns; DeliveryRefused when one is missing or there twice."""
    table, header = source.table, source.header
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise refused(
            f"{source.name}: the header has the column {', '.join(twice)} twice.",
            "Leave one of them and deliver again.",
        )
    missing = [name for name in table.required_columns if name not in header]
    if missing:
        columns = "column" if len(missing) == 1 else "columns"
        raise refused(
            f"{source.name}: the required {columns} {', '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing.",
            f"Deliver {table.name} with every required column.",
        )
    known = {column.name for column in table.columns}
    return [
        f"{source.name}: the column {_printable(name)} is not in the contract and was ignored."
        for name in header
        if name not in known
    ] + [
        f"{source.name}: the column {column.name} is missing and was read as empty."
        for column in table.columns
        if column.name not in header
    ]


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A CSV file, gzipped or not."""

    table: SourceTable
    path: Path
    encoding: str
    header: tuple[str, ...]
    header_line: str
    delimiter: str

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self.path.name

    def blocks(self) -> Iterator[bytes]:
        """Its rows as CSV, fit for COPY."""
        with self._opened() as stream:
            if self.encoding == "utf-8":
                skipped = len(self.header_line.encode())
                if len(stream.read(skipped)) < skipped:
                    raise NotPlain
                yield from plain_blocks(stream.read, self.delimiter)
                return
            text = io.TextIOWrapper(stream, self.encoding, errors="surrogateescape", newline="")
            text.read(len(self.header_line))

            def transcoded(size: int) -> bytes:
                try:
                    return text.read(size).encode()
                except UnicodeError:
                    raise NotPlain from None

            yield from plain_blocks(transcoded, self.delimiter)

    def records(self) -> Iterator[Record]:
        """Its rows one by one."""
        with self._opened() as stream:
            text = io.TextIOWrapper(stream, self.encoding, errors="surrogateescape", newline="")
            text.read(len(self.header_line))
            try:
                yield from records(text, self.delimiter, self.header, first_line=2)
            except BadText as bad:
                raise _refused_text(self.name, bad, self.encoding) from None

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        with _readable(self.path) as stream:
            start = stream.read(len(_BOM))
            if start != _BOM or self.encoding != "utf-8":
                stream.seek(0)
            yield stream


def _open_file(path: Path, table: SourceTable, encoding: str) -> TableSource:
    if path.name.endswith(".parquet"):
        # Here and not above: pyarrow costs memory that a delivery of CSV files need not pay.
        from orchestration.ingest.source_parquet import open_parquet

        return open_parquet(path, table)
    return _open_csv(path, table, encoding)


def _open_csv(path: Path, table: SourceTable, encoding: str) -> CsvFile:
    with _readable(path) as stream:
        # A byte order mark says UTF-8, whatever the setting.
        marked = stream.read(len(_BOM)) == _BOM
        if marked or encoding.lower().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig"):
            encoding = "utf-8"
        if not marked:
            stream.seek(0)
        text = io.TextIOWrapper(stream, encoding, errors="surrogateescape", newline="")
        line = text.readline(_HEADER_LIMIT)
        text.detach()
    if not line.strip():
        raise refused(
            f"{path.name}: the file is empty, without even a header.",
            "A table without rows is a file with its header alone.",
        )
    bare = line.rstrip("\r\n")
    if len(line) == _HEADER_LIMIT or any(ord(char) < 32 and char != "\t" for char in bare):
        raise refused(
            f"{path.name}: this is not a CSV file: its first line is no header.",
            "Look whether the file is of another kind, or damaged, and deliver again.",
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
    return CsvFile(table, path, encoding, header, line, delimiter)


def _delimiter(header: str, table: SourceTable) -> str:
    """`,` or `;`: the one that makes more of the header's names columns of the table."""
    known = {column.name for column in table.columns}

    def recognised(delimiter: str) -> int:
        return len(known & {name.strip(' "') for name in header.split(delimiter)})

    return max((",", ";"), key=recognised)


def _printable(name: str) -> str:
    """A column's name in a message: short, and on one line."""
    shown = name if name.isprintable() else repr(name)
    return shown if len(shown) <= 60 else shown[:60] + "…"


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


def _split_name(name: str) -> tuple[str, str]:
    for extension in sorted(_EXTENSIONS, key=len, reverse=True):
        if name.endswith(extension) and not name.startswith("."):
            return name.removesuffix(extension), extension
    return name, ""


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise refused(
            f"The delivery {folder} cannot be read: {error.strerror}.", "Check its permissions."
        ) from None


@contextmanager
def _readable(path: Path) -> Iterator[BinaryIO]:
    """The unzipped bytes of a file; whatever goes wrong while reading refuses the delivery."""
    try:
        if path.name.endswith(".gz"):
            with gzip.open(path, "rb") as unzipped:
                yield cast(BinaryIO, unzipped)
        else:
            with path.open("rb", buffering=BLOCK) as stream:
                yield stream
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
        ) from None
