"""Reads a schema of another database than PostgreSQL, through SQLAlchemy (extra `databases`).

One connection holds the snapshot, so tables are read one at a time. SQLAlchemy is imported only
when such a source is opened.
"""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from orchestration.ingest.contract import ENTITY_TABLES, SOURCE_TABLES, SourceTable
from orchestration.ingest.errors import (
    DeliveryRefused,
    NeedsRowByRow,
    interruption,
    refused,
    unreadable_url,
)
from orchestration.ingest.sources.csv_text import Record, with_nul
from orchestration.ingest.sources.delivery import Delivery, check_header
from orchestration.ingest.watermark import LiveSource, Positions, SourceRead, full_read_positions

if TYPE_CHECKING:
    import sqlalchemy as sa

    from orchestration.ingest.sources.database_types import SourceColumn

SCHEMES = ("mysql+pymysql", "mariadb+pymysql", "mssql+pymssql", "oracle+oracledb", "sqlite")
_OURS = ("schema", "timezone")  # parameters of the URL that are not passed to the driver
_FETCH_ROWS = 5_000
_MISSING = "Install the program with its extra `databases` (docs/sources.md), then run again."


def is_known(url: str) -> bool:
    """Return whether a URL is that of a supported database."""
    return url.partition("://")[0] in SCHEMES


def label(url: str) -> str:
    """Return the URL without user and password, as it may be shown and stored.

    Only parameters that identify the database are kept; of an unreadable URL, only its scheme.
    """
    kind = url.partition("://")[0].partition("+")[0]
    try:
        address = _address(url)
    except (ImportError, DeliveryRefused):
        return kind
    named = address.database or ""
    if kind != "sqlite":
        host = address.host or ""
        host = f"[{host}]" if ":" in host else host
        port = f":{address.port}" if address.port else ""
        named = f"{host}{port}/{named}{_parameter(address, 'service_name') or ''}"
    schema = _parameter(address, "schema")
    return f"{kind} {named}" + (f", schema {schema}" if schema else "")


def _address(url: str) -> sa.URL:
    """Parse the URL; raise DeliveryRefused when another part of it may hold a password."""
    import sqlalchemy as sa

    try:
        address = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        address = None
    # SQLAlchemy ends a password at the first `@` and allows `?` in it.
    if address is None or (
        address.get_backend_name() != "sqlite"
        and ("@" in f"{address.host}{address.database}" or "@" in url.partition("?")[2])
    ):
        raise unreadable_url("in docs/sources.md")
    return address


def _parameter(address: sa.URL, name: str) -> str | None:
    """The last value of a parameter of the URL."""
    given = address.query.get(name)
    return given[-1] if isinstance(given, tuple) else given


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """The connection that holds the snapshot, and the lock of its current reader."""

    conn: sa.Connection
    lock: threading.Lock


@dataclass(frozen=True, slots=True)
class DatabaseTable:
    """A table or view as of the delivery's snapshot."""

    table: SourceTable
    name: str
    relation: sa.TableClause
    columns: tuple[str, ...]  # spelled as in the contract
    read: tuple[SourceColumn, ...]
    snapshot: _Snapshot
    since: datetime | None = None
    delimiter: str = ","
    is_ordered: bool = False

    @property
    def header(self) -> tuple[str, ...]:
        """The columns that are read, in order."""
        return tuple(column.name.lower() for column in self.read)

    def blocks(self) -> Iterator[bytes]:
        """Yield the rows as CSV for COPY."""
        for rows in self._partitions():
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows(rows)
            said = text.getvalue()
            if "\0" in said or said.startswith("\\.") or "\n\\." in said:
                raise NeedsRowByRow
            try:
                yield said.encode()
            except UnicodeEncodeError:
                raise NeedsRowByRow from None

    def records(self) -> Iterator[Record]:
        """Yield the rows one by one."""
        line = 0
        for rows in self._partitions():
            for fields in rows:
                line += 1
                if any("\0" in field for field in fields if field):
                    yield with_nul(line, fields, self.header)
                else:
                    yield Record(line, tuple(fields))

    def count_all(self) -> int:
        """Count all rows of the relation, including those that are not read."""
        import sqlalchemy as sa

        with self.snapshot.lock, _speaking(f"{self.name}: its rows cannot be counted"):
            query = sa.select(sa.func.count()).select_from(self.relation)
            return int(self.snapshot.conn.execute(query).scalar_one())

    def query(self) -> sa.Select[*tuple[Any, ...]]:
        """Build the query for the rows."""
        import sqlalchemy as sa

        query = sa.select(*(column.selected for column in self.read)).select_from(self.relation)
        for column in self.read:
            if self.since is not None and column.name.lower() == "updated_at":
                part = column.since(self.since)
                query = query if part is None else query.where(part)
        return query

    def _partitions(self) -> Iterator[list[list[str | None]]]:
        with self.snapshot.lock, _speaking(f"{self.name}: the table cannot be read"):
            query = self.query().execution_options(yield_per=_FETCH_ROWS)
            with self.snapshot.conn.execute(query) as result:
                for rows in result.partitions():
                    yield [
                        [column.text(value) for column, value in zip(self.read, row, strict=True)]
                        for row in rows
                    ]


@contextmanager
def open_database(url: str, positions: Positions = full_read_positions) -> Iterator[Delivery]:
    """Open the tables of a database schema (`?schema=`), all in one snapshot.

    `?timezone=` names the time zone of values without an offset. `positions` gives the first
    `updated_at` to read, by table.
    """
    try:
        import sqlalchemy as sa

        from orchestration.ingest.sources.database_types import KINDS
    except ImportError:
        raise refused(
            f"{label(url)} is read with SQLAlchemy, which is missing.", _MISSING
        ) from None
    address, schema, zone = _split(url)
    kind = KINDS[address.get_backend_name()]
    try:
        engine = sa.create_engine(address, poolclass=sa.NullPool)
    except ImportError:
        raise refused(f"The driver for {label(url)} is missing.", _MISSING) from None
    unusable = _speaking(f"The source {label(url)} cannot be used", hidden=address.password or "")
    with unusable, engine.connect() as conn:
        if kind.autocommit:
            conn = conn.execution_options(isolation_level="AUTOCOMMIT")
        kind.begin(conn)
        yield _delivery(conn, url, schema, zone, kind.clock(conn), positions)


def _split(url: str) -> tuple[sa.URL, str | None, ZoneInfo | None]:
    """The driver's URL and the project's own parameters; a refusal does not quote the URL."""
    address = _address(url)
    schema, named = (_parameter(address, name) for name in _OURS)
    try:
        zone = ZoneInfo(named) if named else None
    except (KeyError, ValueError, OSError):
        raise refused(
            f"No time zone is called {named!r}.", "Correct timezone=… in the source's URL."
        ) from None
    if address.get_backend_name() == "sqlite" and not Path(address.database or "").is_file():
        # SQLite would create an empty database.
        raise refused(f"The source {label(url)} does not exist.", "Name an SQLite file.")
    return address.difference_update_query(_OURS), schema, zone


def _delivery(
    conn: sa.Connection,
    url: str,
    schema: str | None,
    zone: ZoneInfo | None,
    seen_at: datetime,
    positions: Positions,
) -> Delivery:
    import sqlalchemy as sa

    from orchestration.ingest.sources.database_types import source_column

    inspector = sa.inspect(conn)
    listed = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
    names = {name.lower(): name for name in listed}
    snapshot = _Snapshot(conn, threading.Lock())
    tables: dict[str, DatabaseTable] = {}
    notices: list[str] = []
    for table in SOURCE_TABLES:
        if table.name not in names:
            continue
        known = {column.name: column for column in table.columns}
        told = f"{schema}.{table.name}" if schema else table.name
        found = inspector.get_columns(names[table.name], schema)
        read = tuple(
            source_column(
                told, (column["name"], column["type"]), known[name], conn.dialect.name, zone
            )
            for column in found
            if (name := column["name"].lower()) in known
        )
        columns = tuple(column["name"].lower() for column in found)
        relation = sa.table(names[table.name], schema=schema)
        tables[table.name] = DatabaseTable(table, told, relation, columns, read, snapshot)
        notices += check_header(tables[table.name])
    if not tables:
        raise refused(
            f"The delivery {label(url)} is empty: it holds no table of the source contract.",
            "Name the right schema with ?schema=… at the end of the source's URL.",
        )
    live = _live(tables, url, seen_at)
    since = positions(live)
    parts = {name: replace(table, since=since.get(name)) for name, table in tables.items()}
    counts = {name: parts[name].count_all for name in since if name in parts}
    return Delivery(label(url), parts, tuple(notices), reading=SourceRead(live, since, counts))


def _live(tables: dict[str, DatabaseTable], url: str, seen_at: datetime) -> LiveSource:
    """The tables that can be read in part, since their `updated_at` can be compared with a time."""
    entities = {table.name for table in ENTITY_TABLES}
    return LiveSource(
        label(url),
        seen_at,
        {
            name: ""
            for name, table in tables.items()
            if name in entities
            for column in table.read
            if column.name.lower() == "updated_at" and column.since(seen_at) is not None
        },
    )


@contextmanager
def _speaking(what: str, *, hidden: str | None = None) -> Iterator[None]:
    """Convert a driver's error to a refusal.

    Its message, without `hidden`, is quoted only where `hidden` is given: while rows are read it
    may quote them.
    """
    import sqlalchemy as sa

    try:
        yield
    except (DeliveryRefused, NeedsRowByRow):
        raise
    except ImportError:
        raise refused(f"{what}: its driver is missing.", _MISSING) from None
    except sa.exc.SQLAlchemyError as error:
        if stop := interruption(error):
            raise stop from None
        cause = getattr(error, "orig", None) or error
        said = type(cause).__name__
        if hidden is not None:
            words = str(cause).partition("\n")[0][:200]
            said += f": {words.replace(hidden, '…') if hidden else words}"
        raise refused(
            f"{what} ({said}).", "Check that its server runs and that --source names it."
        ) from None
