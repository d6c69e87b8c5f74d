"""What a delivery consists of: for each table its header, blocks fit for COPY, and its records."""

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

_NAMED = 20  # of what is ignored, so many are told by name
_EXTENSIONS = (".csv", ".csv.gz", ".parquet")


class TableSource(Protocol):
    """One table of a delivery."""

    @property
    def table(self) -> SourceTable:
        """Its place in the contract."""

    @property
    def name(self) -> str:
        """What a person calls it: a file's name, or schema and table."""

    @property
    def columns(self) -> tuple[str, ...]:
        """All its columns."""

    @property
    def header(self) -> tuple[str, ...]:
        """The columns that it reads, in the order of its rows; the contract's at least."""

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
    manifest: Manifest | None = None  # where it binds
    reading: SourceRead = NOT_LIVE


def open_folder(folder: Path, encoding: str, *, bound: bool = False) -> Delivery:
    """The tables of a delivery folder; DeliveryRefused when a file of it cannot be one.

    `bound`: it must be what its manifest says. A folder named by hand may have been edited; that
    it is not what its manifest says is noticed then.
    """
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
        source = _open_file(paths[0], table, encoding)
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
    """Notices about the columns; DeliveryRefused when a known one is missing or there twice."""
    table, header = source.table, source.columns
    known = [column.name for column in table.columns]
    # Missing ones first: without a header the first row stands in its place, and is not repeated.
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
    """The files of each table, and the names of what is nothing that is read."""
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
    """DeliveryRefused when a table or events that the sender counts on would not be read.

    Told by their rows, or by a name that would be one of ours but for its spelling.
    """
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
    """The first of many notices, and how many there are beside: `more` has a place for it."""
    rest = len(notices) - _NAMED
    return notices if rest <= 0 else [*notices[:_NAMED], more.format(f"{rest:,}")]


def _open_file(path: Path, table: SourceTable, encoding: str) -> TableSource:
    if path.name.endswith(".parquet"):
        # Here and not above: pyarrow costs memory that a delivery of CSV files need not pay.
        from orchestration.ingest.sources.parquet_file import open_parquet

        return open_parquet(path, table)
    return open_csv(path, table, encoding)


def _printable(name: str) -> str:
    """A column's name in a message: short, and on one line."""
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
