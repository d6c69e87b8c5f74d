"""Reads a schema of a PostgreSQL database, whose relations are named as in the contract."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from urllib.parse import unquote

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from orchestration.errors import DatabaseError
from orchestration.ingest.contract import ENTITY_TABLES, SOURCE_TABLES, SourceTable
from orchestration.ingest.errors import (
    NeedsRowByRow,
    interruption,
    refused,
    source_failed,
    unreadable_url,
    unsupported_type,
)
from orchestration.ingest.sources.csv_text import Record
from orchestration.ingest.sources.delivery import Delivery, check_header
from orchestration.ingest.watermark import LiveSource, Positions, SourceRead, full_read_positions
from orchestration.postgres.database import Database

SCHEMES = ("postgresql://", "postgres://")
_OURS = "schema="  # a parameter of the URL that libpq does not know
_FETCH_ROWS = 5_000
# The types that are read, besides enumerations and those of PostgreSQL's category of strings.
_READABLE = (
    *("timestamptz", "timestamp", "date", "bool", "int2", "int4", "int8", "numeric"),
    *("float4", "float8", "uuid", "bit", "varbit", "bytea"),
)
# How a value becomes text, other than by a cast; as the other kinds of source write it.
_AS_TEXT = {
    "numeric": "trim_scale(nullif({}, 'NaN'))::text",
    # By its shortest decimal text: a cast to numeric would round it to 15 digits.
    "float4": "trim_scale(nullif({}, 'NaN')::text::numeric)::text",
    "float8": "trim_scale(nullif({}, 'NaN')::text::numeric)::text",
    "bytea": "encode({}, 'hex')",
}


@dataclass(frozen=True, slots=True)
class SourceRelation:
    """A table or view as of the delivery's snapshot."""

    table: SourceTable
    database: Database
    snapshot: str
    schema: str
    columns: tuple[str, ...]
    types: tuple[tuple[str, str], ...]  # columns of the contract, with their types
    since: datetime | None = None  # older versions are left out
    delimiter: str = ","
    is_ordered: bool = False

    @property
    def name(self) -> str:
        """The name shown in messages."""
        return f"{self.schema}.{self.table.name}"

    @property
    def header(self) -> tuple[str, ...]:
        """The columns that are read, in order."""
        return tuple(name for name, _ in self.types)

    def blocks(self) -> Iterator[bytes]:
        """Yield the rows as CSV for COPY."""
        with (
            self._connected() as conn,
            conn.cursor() as cursor,
            cursor.copy(
                sql.SQL("copy (select {} from {} as source {}) to stdout (format csv)").format(
                    self._texts(), self._relation(), self._part()
                )
            ) as copy,
        ):
            for block in copy:
                text = bytes(block)
                # Older servers treat a line `\.` as the end of the data.
                if text.startswith(b"\\.") or b"\n\\." in text:
                    raise NeedsRowByRow
                yield text

    def records(self) -> Iterator[Record]:
        """Yield the rows one by one."""
        query = sql.SQL("select {} from {} as source {}").format(
            self._texts(), self._relation(), self._part()
        )
        with self._connected() as conn, conn.cursor("rows") as cursor:
            cursor.itersize = _FETCH_ROWS
            cursor.execute(query)
            for line, fields in enumerate(cursor, start=1):
                yield Record(line, tuple(field or None for field in fields))

    def count_all(self) -> int:
        """Count all rows of the relation, including those that are not read."""
        with self._connected() as conn:
            query = sql.SQL("select count(*) from {}").format(self._relation())
            (count,) = conn.execute(query).fetchone() or (0,)
            return int(count)

    def _part(self) -> sql.Composable:
        """Rows without `updated_at` are read each time, to be rejected (R2)."""
        if self.since is None:
            return sql.SQL("")
        return sql.SQL("where source.updated_at >= {} or source.updated_at is null").format(
            sql.Literal(self.since)
        )

    def _relation(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.table.name)

    def _texts(self) -> sql.Composed:
        """Every column as text, for both paths: COPY alone would pad a `char(n)`."""
        return sql.SQL(", ").join(
            sql.SQL(_AS_TEXT.get(kind, "{}::text")).format(sql.Identifier("source", name))
            for name, kind in self.types
        )

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection]:
        with _speaking(self.name), _reading(self.database) as conn:
            conn.execute(sql.SQL("set transaction snapshot {}").format(sql.Literal(self.snapshot)))
            yield conn


@contextmanager
def open_schema(url: str, positions: Positions = full_read_positions) -> Iterator[Delivery]:
    """Open the tables of the schema named by `?schema=`, all in one snapshot.

    `positions` gives the first `updated_at` to read, by table.
    """
    database, schema = split_url(url)
    label = f"{database.label}, schema {schema}"
    with _reading(database) as conn:
        with _speaking(label):
            (snapshot,) = conn.execute("select pg_export_snapshot()").fetchone() or ("",)
            found = _columns(conn, schema)
            live = _live(conn, schema, found)
        if not found:
            raise refused(
                f"The delivery {label} is empty: it holds no table of the source contract.",
                "Name the right schema with ?schema=… at the end of the source's URL.",
            )
        since = positions(live)
        tables = {}
        notices: list[str] = []
        for table in SOURCE_TABLES:
            of_it = [column for column in found if column.relation == table.name]
            known = {column.name for column in table.columns}
            if of_it:
                for column in of_it:
                    if column.name in known and not column.readable:
                        name = f"{schema}.{table.name}"
                        raise unsupported_type(name, column.name, column.shown_type)
                source = SourceRelation(
                    table,
                    database,
                    str(snapshot),
                    schema,
                    tuple(column.name for column in of_it),
                    tuple((c.name, c.type) for c in of_it if c.name in known),
                    since.get(table.name),
                )
                notices += check_header(source)
                tables[table.name] = source
        counts = {name: tables[name].count_all for name in since if name in tables}
        yield Delivery(label, tables, tuple(notices), reading=SourceRead(live, since, counts))


class _Column(NamedTuple):
    """A column of a relation of the contract; `type` is the base type where it is a domain.

    A recreated relation has another oid, and one emptied by TRUNCATE another file node (a view has
    none): its `incarnation`.
    """

    relation: str
    incarnation: str
    name: str
    type: str
    shown_type: str
    readable: bool


def _columns(conn: psycopg.Connection, schema: str) -> list[_Column]:
    cursor = conn.cursor(row_factory=class_row(_Column))
    return cursor.execute(
        """
        select
            c.relname as relation,
            concat_ws('.', c.oid, pg_relation_filenode(c.oid)) as incarnation,
            a.attname as name,
            t.typname as type,
            format_type(a.atttypid, a.atttypmod) as shown_type,
            t.typname = any(%s) or t.typtype = 'e' or t.typcategory = 'S' as readable
        from pg_class as c
        join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        join pg_type as t on t.oid = pg_basetype(a.atttypid)
        where c.relnamespace = (select oid from pg_namespace where nspname = %s)
            and c.relkind = any('{r,v,m,f,p}') and c.relname = any(%s)
        order by c.relname, a.attnum
        """,
        [list(_READABLE), schema, [table.name for table in SOURCE_TABLES]],
    ).fetchall()


def _live(conn: psycopg.Connection, schema: str, found: list[_Column]) -> LiveSource:
    """The database's oid is part of each incarnation, since a restored database has another one."""
    row = conn.execute(
        "select now(), oid from pg_database where datname = current_database()"
    ).fetchone()
    assert row is not None  # noqa: S101 — the current database exists
    info = conn.info
    entities = {table.name for table in ENTITY_TABLES}
    return LiveSource(
        f"postgresql {info.host}:{info.port}/{info.dbname} {schema}",
        row[0],
        {
            column.relation: f"{row[1]}.{column.incarnation}"
            for column in found
            if column.relation in entities
            and (column.name, column.type) == ("updated_at", "timestamptz")
        },
    )


def split_url(url: str) -> tuple[Database, str]:
    """Split a URL into the database and the schema, which is the project's own parameter.

    Raises:
        DeliveryRefused: The URL is ambiguous. It is not quoted, since it may hold a password.
    """
    address, _, query = url.partition("?")
    parameters = query.split("&") if query else []
    ours = [part for part in parameters if part.startswith(_OURS)]
    kept = "&".join(part for part in parameters if part not in ours)
    schema = unquote(ours[-1].removeprefix(_OURS)) if ours else ""
    database = Database(f"{address}?{kept}" if kept else address)
    try:
        clear = database.is_clear
    except psycopg.ProgrammingError:
        clear = False
    if not clear:
        raise unreadable_url("postgresql://USER:PASSWORD@HOST:PORT/DATABASE?schema=NAME")
    return database, schema or "public"


@contextmanager
def _reading(database: Database) -> Iterator[psycopg.Connection]:
    try:
        opened = database.connect(application="atendimento source")
    except DatabaseError as error:
        raise refused(
            f"The source cannot be used. {str(error).splitlines()[0]}",
            "Check that its server runs and that --source or ATENDIMENTO_SOURCE names it.",
        ) from None
    # Not a `with` block, which commits at its end: if the source is gone by then, that would fail
    # although the delivery was loaded.
    try:
        with _speaking(database.label):
            # Views may call functions of the source that rely on its path; ours name all schemas.
            opened.execute("reset search_path")
            opened.commit()
        opened.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        opened.read_only = True
        yield opened
    finally:
        opened.close()


@contextmanager
def _speaking(what: str) -> Iterator[None]:
    """Convert errors of the source to a refusal; errors of the project's database must not pass."""
    try:
        yield
    except psycopg.Error as error:
        if stop := interruption(error):
            raise stop from None
        raise source_failed(what, error) from None
