"""Converts columns and values of each database to the source contract's text.

It is imported only where such a source is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects import mssql, mysql, oracle

from orchestration.ingest.contract import Column, number_text
from orchestration.ingest.errors import refused, unsupported_type

# When clocks go back an hour repeats: a later local time may be smaller than an earlier one.
_HOUR_SAID_TWICE = timedelta(hours=1)
_SQLITE_PRECISION = timedelta(milliseconds=1)
_WITHOUT_OFFSET = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,6})?")

Element = sa.ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A column of the contract as found in its database; `kind` is the contract's.

    `zone` is the time zone of values without an offset, if the source's URL names one.
    """

    name: str
    type: sa.types.TypeEngine[object]
    kind: str
    dialect: str
    zone: ZoneInfo | None

    @property
    def raw(self) -> Element:
        """The column; in SQLite as stored, since any type may hold any value."""
        kept = sa.types.NullType() if self.dialect == "sqlite" else self.type
        return sa.column(self.name, kept)

    @property
    def knows_offset(self) -> bool:
        """Whether each value identifies a point in time by itself."""
        if self.dialect in ("mysql", "mariadb"):
            return isinstance(self.type, mysql.TIMESTAMP | sa.TIMESTAMP)
        if isinstance(self.type, mssql.DATETIMEOFFSET):
            return True
        return bool(
            getattr(self.type, "timezone", False) or getattr(self.type, "local_timezone", False)
        )

    @property
    def selected(self) -> Element:
        """The selected expression, converted to UTC where the driver would lose the offset.

        A date is taken as written, whatever the offset.
        """
        if self.kind == "date" and self.knows_offset and self.dialect in ("mssql", "oracle"):
            plain = mssql.DATETIME2 if self.dialect == "mssql" else oracle.TIMESTAMP
            return sa.cast(self.raw, plain)
        if self.knows_offset and self.dialect == "mssql":
            return sa.cast(sa.func.switchoffset(self.raw, "+00:00"), mssql.DATETIME2)
        if self.knows_offset and self.dialect == "oracle":
            return sa.func.sys_extract_utc(self.raw, type_=oracle.TIMESTAMP())
        return self.raw

    def since(self, moment: datetime) -> Element | None:
        """Build the condition for rows from `moment` on or without a time.

        Returns None where values cannot be compared with it.
        """
        if self.dialect == "sqlite":
            if self.zone:
                return None
            low = (moment - _SQLITE_PRECISION).astimezone(UTC).isoformat()
            day = sa.func.julianday(self.raw)
            return sa.or_(day >= sa.func.julianday(low), day.is_(None))
        if self.knows_offset:
            bound = moment.astimezone(UTC).replace(tzinfo=None)
        elif self.zone and isinstance(self.type, sa.DateTime):
            bound = (moment - _HOUR_SAID_TWICE).astimezone(self.zone).replace(tzinfo=None)
        else:
            return None
        early: Element = sa.literal(bound, sa.DateTime())
        if self.knows_offset and self.dialect == "mssql":
            early = sa.func.todatetimeoffset(early, "+00:00")
        elif self.knows_offset and self.dialect == "oracle":
            early = sa.func.from_tz(sa.cast(early, oracle.TIMESTAMP()), "UTC")
        return sa.or_(self.raw >= early, self.raw.is_(None))

    def text(self, value: object) -> str | None:
        """Format a value as the contract writes it."""
        if value is None:
            return None
        if isinstance(value, bytes | bytearray | memoryview):
            value = bytes(value)
            return str(int(any(value))) if self.kind == "boolean" else value.hex()
        if isinstance(value, datetime):
            return self._instant(value)
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, float | Decimal):
            return number_text(value) if value == value else None  # not-a-number is no value
        text = str(value)
        if isinstance(self.type, sa.CHAR | sa.NCHAR):
            text = text.rstrip(" ")
        if self.kind == "timestamp" and self.zone and _WITHOUT_OFFSET.fullmatch(text):
            return self._instant(datetime.fromisoformat(text))
        return text or None

    def _instant(self, value: datetime) -> str:
        """Format a time with its offset; without one if it is unknown, ambiguous or nonexistent."""
        if self.kind == "date" and value.time() == datetime.min.time():
            return value.date().isoformat()  # Oracle's DATE has a time of day
        if value.tzinfo is None and self.knows_offset:
            value = value.replace(tzinfo=UTC)
        elif value.tzinfo is None and self.zone:
            local = value.replace(tzinfo=self.zone)
            if local.utcoffset() == local.replace(fold=1).utcoffset():
                value = local
        return value.isoformat()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of database: how a snapshot transaction begins, and how to read its clock in UTC.

    `begin` gets a connection in the driver's autocommit mode, where there is one.
    """

    begin: Callable[[sa.Connection], None]
    clock: Callable[[sa.Connection], datetime]
    autocommit: bool = True


def _says(conn: sa.Connection, question: str) -> object:
    return conn.exec_driver_sql(question).scalar_one()


def _clock(question: str) -> Callable[[sa.Connection], datetime]:
    def asked(conn: sa.Connection) -> datetime:
        said = _says(conn, question)
        assert isinstance(said, datetime)  # noqa: S101 — each query selects a time
        return said.replace(tzinfo=UTC)

    return asked


def _begin_mysql(conn: sa.Connection) -> None:
    conn.exec_driver_sql("set session transaction isolation level repeatable read")
    conn.exec_driver_sql("set time_zone = '+00:00'")
    conn.exec_driver_sql("start transaction with consistent snapshot, read only")


def _begin_mssql(conn: sa.Connection) -> None:
    state = "select snapshot_isolation_state from sys.databases where name = db_name()"
    if _says(conn, state) != 1:
        raise refused(
            "The source, an SQL Server, does not allow snapshot isolation.",
            "Ask its administrator to run ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON.",
        )
    conn.exec_driver_sql("set transaction isolation level snapshot")
    conn.exec_driver_sql("begin transaction")


def _begin_oracle(conn: sa.Connection) -> None:
    conn.exec_driver_sql("set transaction read only")


def _begin_sqlite(conn: sa.Connection) -> None:
    conn.exec_driver_sql("pragma query_only = on")
    conn.exec_driver_sql("begin")
    # SQLite takes the snapshot at the first read.
    _says(conn, "select count(*) from sqlite_schema")


_MYSQL = Kind(_begin_mysql, _clock("select utc_timestamp(6)"))
KINDS = {
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    "mssql": Kind(_begin_mssql, _clock("select sysutcdatetime()")),
    "oracle": Kind(_begin_oracle, _clock("select sys_extract_utc(systimestamp) from dual"), False),
    "sqlite": Kind(_begin_sqlite, lambda _: datetime.now(UTC)),
}


# Types whose values the contract cannot say.
_UNREADABLE = (sa.ARRAY, sa.Interval, sa.JSON, sa.Time, oracle.INTERVAL, mysql.TIME)


def source_column(
    relation: str,
    found: tuple[str, sa.types.TypeEngine[object]],
    known: Column,
    dialect: str,
    zone: ZoneInfo | None,
) -> SourceColumn:
    """Build a column of the contract from a column that was found.

    Args:
        relation: The table or view, as it is shown in messages.
        found: Its name and type in the database.
        known: The column of the source contract.
        dialect: The SQLAlchemy dialect.
        zone: The time zone of values without an offset, or None.

    Returns:
        The column.

    Raises:
        DeliveryRefused: The contract cannot say values of its type.
    """
    name, kind = found
    # SQLite stores any value in a column of any type.
    if dialect != "sqlite" and isinstance(kind, _UNREADABLE):
        raise unsupported_type(relation, name, str(kind))
    return SourceColumn(name, kind, known.kind, dialect, zone)
