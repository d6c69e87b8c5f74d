"""Defines a delivery: for each table its header, blocks for COPY, and records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from orchestration.ingest.contract import MANIFEST, SOURCE_TABLES, SourceTable
from orchestration.ingest.errors import refused
from orchestration.ingest.manifest import Manifest, manifest_of
from orchestration.ingest.sources.csv_file import ENCODING_SETTING, open_csv
from orchestration.ingest.sources.csv_text import Record
from orchestration.ingest.watermark import NOT_LIVE, SourceRead
from orchestration.ingest.whatsapp import spool

_NAMED = 20  # how many ignored items a notice names
_EXTENSIONS = (".csv", ".csv.gz", ".parquet")


class TableSource(Protocol):
    """One table of a delivery."""

    @property
    def table(self) -> SourceTable:
        """The table of the source contract."""

    @property
    def name(self) -> str:
        """The name shown in messages: a file's name, or schema and table."""

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns of the file or relation."""

    @property
    def header(self) -> tuple[str, ...]:
        """The columns that are read, in order; at least those the contract requires."""

    @property
    def delimiter(self) -> str:
        """The field delimiter of `blocks`."""

    @property
    def is_ordered(self) -> bool:
        """Whether the order of the rows counts, as in a file (R1)."""

    def blocks(self) -> Iterator[bytes]:
        """Yield the rows as UTF-8 CSV without header for COPY.

        Raises:
            NeedsRowByRow: COPY might misread the rows.
        """

    def records(self) -> Iterator[Record]:
        """Yield the rows one by one, with their lines."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """The tables of a delivery that the contract knows, and notices about the rest."""

    label: str
    tables: Mapping[str, TableSource]
    notices: tuple[str, ...]
    whatsapp_events: tuple[Path, ...] = ()
    manifest: Manifest | None = None  # set where the folder must match it
    reading: SourceRead = NOT_LIVE


def open_folder(folder: Path, encoding: str, largest: int, *, bound: bool = False) -> Delivery:
    """Open the tables of a delivery folder.

    Args:
        folder: The delivery folder.
        encoding: Encoding of its CSV files.
        largest: The greatest number of bytes accepted in one file, decompressed.
        bound: Whether the folder must match its manifest. Differences in other folders, which may
            have been edited by hand, become notices.

    Returns:
        The delivery.

    Raises:
        DeliveryRefused: A file cannot be read as a table, or the folder differs from its manifest.
    """
    if bound and folder.is_symlink():
        raise refused(
            f"The delivery {folder} is a link, and links in the inbox are not followed.",
            "Write the files into a folder of the inbox.",
        )
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "does not exist"
        raise refused(f"The delivery {folder} {what}.", "Name a folder that holds a delivery.")
    try:
        "".encode(encoding)
    except LookupError:
        raise refused(
            f"No encoding is called {encoding!r}.", f"Correct {ENCODING_SETTING}."
        ) from None
    manifest, notices = manifest_of(folder, bound=bound)
    found, others = _recognised(folder)
    if manifest:
        _check_promised(manifest, others)
    notices += _told(
        [f"{_printable(name)}: no file of that name is read; it was ignored." for name in others],
        "{} more files were ignored.",
    )
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
        source = _open_file(paths[0], table, encoding, largest)
        notices += check_header(source)
        tables[name] = source
    if manifest:
        named = {file.name for file in manifest.files}
        notices += [
            f"{source.name}: {MANIFEST} does not name it; it was loaded as it is."
            for source in tables.values()
            if source.name not in named
        ]
    return Delivery(str(folder), tables, tuple(notices), events, manifest)


def check_header(source: TableSource) -> list[str]:
    """Return notices about columns; raise DeliveryRefused for missing or repeated ones."""
    table, header = source.table, source.columns
    known = [column.name for column in table.columns]
    # Missing columns first: without a header the first row takes its place and must not be quoted.
    missing = [name for name in table.required_columns if name not in header]
    if missing:
        columns = "column" if len(missing) == 1 else "columns"
        raise refused(
            f"{source.name}: the required {columns} {', '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing.",
            f"Deliver {table.name} with every required column.",
        )
    twice = sorted(name for name in known if header.count(name) > 1)
    if twice:
        raise refused(
            f"{source.name}: the header has the column {', '.join(twice)} twice.",
            "Leave one of them and deliver again.",
        )
    unknown = _told(
        [
            f"{source.name}: the column {_printable(name)} is not in the contract and was ignored."
            for name in header
            if name not in known
        ],
        f"{source.name}: {{}} more columns are not in the contract and were ignored.",
    )
    return unknown + [
        f"{source.name}: the column {column.name} is missing and was read as empty."
        for column in table.columns
        if column.name not in header
    ]


def _recognised(folder: Path) -> tuple[dict[str, list[Path]], list[str]]:
    """The files of each table, and the names of files that are not read."""
    tables = {table.name for table in SOURCE_TABLES}
    found: dict[str, list[Path]] = {}
    others = []
    for path in sorted(_listed(folder)):
        name, extension = _split_name(path.name)
        if extension and name in tables:
            found.setdefault(name, []).append(path)
        elif path.name not in (MANIFEST, *spool.IN_A_DELIVERY) and not path.name.startswith("."):
            others.append(path.name)
    return found, others


def _check_promised(manifest: Manifest, others: list[str]) -> None:
    """Raise DeliveryRefused when a listed file with rows or a near-miss name would be ignored."""
    ours = {table.name for table in SOURCE_TABLES} | {spool.IN_A_DELIVERY[0].partition(".")[0]}
    unread = [
        file.name
        for file in manifest.files
        if file.name in others
        and (file.rows is not None or file.name.partition(".")[0].lower() in ours)
    ]
    if unread:
        more = f" and {len(unread) - _NAMED:,} more" if len(unread) > _NAMED else ""
        raise refused(
            f"{MANIFEST} names what is not read: {', '.join(unread[:_NAMED])}{more}.",
            "Name files as in agenda.csv, agenda.csv.gz, agenda.parquet or "
            f"{spool.IN_A_DELIVERY[0]}, in lower case; leave any other out of the manifest, "
            "or its number of rows.",
        )


def _told(notices: list[str], more: str) -> list[str]:
    """Shorten a list of notices; `more` is the text for the number left out."""
    rest = len(notices) - _NAMED
    return notices if rest <= 0 else [*notices[:_NAMED], more.format(f"{rest:,}")]


def _open_file(path: Path, table: SourceTable, encoding: str, largest: int) -> TableSource:
    if path.name.endswith(".parquet"):
        # Imported here: a delivery of CSV files does not need the memory of pyarrow.
        from orchestration.ingest.sources.parquet_file import open_parquet

        return open_parquet(path, table, largest)
    return open_csv(path, table, encoding, largest)


def _printable(name: str) -> str:
    """A column's name for a message: short, and on one line."""
    if not name:
        return "without a name"
    shown = name if name.isprintable() else repr(name)
    return shown if len(shown) <= 60 else shown[:60] + "…"


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
