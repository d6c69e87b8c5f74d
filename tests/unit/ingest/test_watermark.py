"""A live PostgreSQL source: what is read of it, and up to where it counts as read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from orchestration.ingest.load import DeliveryRefused, LoadResult, LoadSettings, load_delivery
from orchestration.ingest.parallel_staging import load_connection
from orchestration.ingest.sources.postgres_schema import open_schema
from orchestration.postgres.database import Database
from tests.deliveries import AT, BASE, LENIENT, agenda, load, stored

NOON = datetime(2026, 11, 20, 15, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
WINDOW = timedelta(hours=2)
WHOLE = replace(LENIENT, whole=True)


class Source:
    """A schema `crm` in the same database, with the base delivery in it."""

    def __init__(self, database: Database, conn: psycopg.Connection) -> None:
        self.database, self.conn = database, conn
        parts = database.parts
        self.url = (
            f"postgresql://{parts.get('user', '')}:{parts.get('password', '')}@/{parts['dbname']}"
            f"?host={parts['host']}&port={parts.get('port', 5432)}&schema=crm"
        )

    def put(self, key: str, updated_at: datetime | None, **changes: object) -> None:
        """Add a version of an agenda."""
        row = {**agenda(key), **changes, "updated_at": updated_at}
        columns = ", ".join(row)
        self.conn.execute(
            f"insert into crm.agenda ({columns}) values ({', '.join(['%s'] * len(row))})",
            list(row.values()),
        )

    def load(self, settings: LoadSettings = LENIENT) -> LoadResult:
        """Load what there is to read."""
        return load_delivery(self.database, self.url, settings)

    def read(self, settings: LoadSettings = LENIENT) -> int:
        """Load; how many agendas were read."""
        (found,) = (t for t in self.load(settings).tables if t.table == "agenda")
        return found.read

    def watermark(self, table: str = "agenda") -> datetime | None:
        """Up to where a table counts as read."""
        row = self.conn.execute(
            "select updated_at from ops.watermark where table_name = %s", [table]
        ).fetchone()
        return row[0] if row else None

    def agendas(self) -> set[object]:
        """The ids that were loaded."""
        return {row[0] for row in stored(self.database)["agenda"]}


@pytest.fixture
def source(database: Database, tmp_path: Path) -> Iterator[Source]:
    load(database, tmp_path, BASE)
    with database.connect() as conn:
        conn.autocommit = True
        conn.execute("create schema crm")
        for name in BASE:
            conn.execute(f"create table crm.{name} (like raw.{name})")
            conn.execute(f"insert into crm.{name} select * from raw.{name}")
            conn.execute(f"alter table crm.{name} drop column delivery_id")
        conn.execute("alter table crm.agenda alter updated_at drop not null")
        conn.execute("truncate ops.delivery cascade")
        yield Source(database, conn)


def test_the_second_time_only_what_is_new_is_read(source: Source) -> None:
    for hour in range(10):
        source.put(f"a{hour}", NOON - timedelta(hours=hour))
    assert source.read() == 10
    assert source.watermark() == NOON
    source.put("b", NOON + timedelta(minutes=1))
    assert source.read() == 4, "noon and the two hours before it, and the new one"
    assert source.watermark() == NOON + timedelta(minutes=1)
    assert len(source.agendas()) == 11
    with source.database.connect() as conn:
        told = conn.execute(
            "select rows_read, rows_new, rows_known, read_since from ops.delivery_file "
            "where table_name = 'agenda' order by delivery_id"
        ).fetchall()
        assert told == [(10, 10, 0, None), (4, 1, 3, NOON - WINDOW)]
        told = conn.execute(
            "select rows_read, read_since from ops.delivery_file where table_name = 'company'"
        ).fetchall()
        assert told == [(2, None)] * 2, "reference tables are read whole"
        assert "password" not in str(conn.execute("select * from ops.watermark").fetchall())


def test_the_edge_of_the_window(source: Source) -> None:
    source.put("first", NOON)
    source.load()
    source.put("inside", NOON - WINDOW)
    source.put("outside", NOON - WINDOW - MICROSECOND)
    assert source.read() == 2
    assert source.agendas() == {"first", "inside"}
    assert source.read(replace(LENIENT, window=WINDOW + MICROSECOND)) == 3
    assert source.agendas() == {"first", "inside", "outside"}
    assert source.watermark() == NOON
    assert source.read(replace(LENIENT, window=timedelta(0))) == 1


def test_once_a_day_all_is_read_so_that_what_came_late_is_not_lost(source: Source) -> None:
    """R1: every version is kept, whenever it came."""
    source.put("first", NOON)
    source.load()
    source.put("late", NOON - timedelta(days=3))
    read_whole = "update ops.watermark set full_refresh_at = clock_timestamp() - %s"
    source.conn.execute(read_whole, [timedelta(hours=19, minutes=59)])
    assert source.read() == 1
    source.conn.execute(read_whole, [timedelta(hours=20)])
    assert source.read() == 2
    assert source.agendas() == {"first", "late"}
    assert source.read() == 1, "the next day's is the next"
    assert source.read(replace(LENIENT, whole_after=timedelta(0))) == 2


def test_a_clock_that_went_back_does_not_put_off_the_reading_of_all(source: Source) -> None:
    source.put("first", NOON)
    source.load()
    source.put("late", NOON - timedelta(days=3))
    source.conn.execute(
        "update ops.watermark set full_refresh_at = clock_timestamp() + interval '1 day'"
    )
    assert source.read() == 2


def test_a_refused_delivery_leaves_the_watermark(source: Source) -> None:
    source.put("a", NOON)
    source.load()
    source.put("b", NOON + timedelta(hours=1))
    source.conn.execute("update crm.team set company_id = 'nowhere'")
    with pytest.raises(DeliveryRefused):
        source.load()
    source.conn.execute("update crm.team set company_id = 'c1'")
    source.conn.execute("alter table crm.passive_contact alter updated_at drop not null")
    source.conn.execute(
        "insert into crm.passive_contact (contact_id, company_id, menu_option, contacted_at) "
        "values ('w1', 'c1', 'book', now())"
    )
    with pytest.raises(DeliveryRefused, match="passive_contact"):
        source.load(LoadSettings())
    assert source.watermark() == NOON
    source.conn.execute("delete from crm.passive_contact")
    assert source.read() == 2
    assert source.watermark() == NOON + timedelta(hours=1)


def test_the_future_does_not_carry_the_watermark_away(source: Source) -> None:
    source.put("later", datetime.now(UTC) + timedelta(days=400))
    source.put("now", NOON - timedelta(days=9000))
    source.load()
    assert source.watermark() == NOON - timedelta(days=9000)
    source.put("meanwhile", NOON - timedelta(days=8000))
    assert source.read() == 3
    assert source.agendas() == {"later", "now", "meanwhile"}


def test_a_watermark_from_a_clock_that_was_wrong_is_not_believed(source: Source) -> None:
    past = NOON - timedelta(days=9000)
    source.put("a", past)
    source.load()
    source.conn.execute("update ops.watermark set updated_at = now() + interval '1 year'")
    source.put("b", past - timedelta(days=3))
    assert source.read() == 2
    assert source.watermark() == past


def test_a_restored_source_is_read_whole(source: Source) -> None:
    source.put("a", NOON)
    source.load()
    source.put("old", NOON - timedelta(days=30))
    assert source.read() == 1
    assert source.read(WHOLE) == 2
    source.put("older", NOON - timedelta(days=60))
    assert source.read() == 1
    source.conn.execute(
        "alter table crm.agenda rename to before; create table crm.agenda as table crm.before"
    )
    assert source.read() == 3, "a table made anew has other rows, whatever their dates"
    assert source.agendas() == {"a", "old", "older"}
    assert source.read() == 1


def test_a_table_that_was_emptied_and_filled_again_is_read_whole(source: Source) -> None:
    source.put("a", NOON)
    source.load()
    source.conn.execute("truncate crm.agenda")
    source.put("a", NOON)
    source.put("old", NOON - timedelta(days=3))
    assert source.read() == 2
    assert source.read() == 1
    source.conn.execute("alter table crm.agenda rename to kept")
    source.conn.execute("create view crm.agenda as table crm.kept")
    assert source.read() == 2, "a view is another relation"
    assert source.read() == 1, "and has an incarnation of its own"


def test_read_whole_the_watermark_is_what_the_rows_say(source: Source) -> None:
    source.put("a", NOON)
    source.load()
    source.conn.execute("update crm.agenda set updated_at = %s", [NOON - timedelta(days=2)])
    source.put("b", NOON - timedelta(days=1))
    source.load(WHOLE)
    assert source.watermark() == NOON - timedelta(days=1)


def test_a_table_that_is_there_no_longer_is_noticed(source: Source) -> None:
    before = source.load().notices
    source.conn.execute("drop table crm.reply; drop table crm.team")
    for _ in range(2):
        assert [notice.partition(";")[0] for notice in source.load().notices] == [
            *(notice for notice in before if "crm.reply" not in notice),
            "reply: the source has no such table any more",
            "team: the source has no such table any more",
        ]


@pytest.mark.parametrize("kind", ["text", "timestamp"])
def test_an_updated_at_that_is_no_instant_is_read_whole(source: Source, kind: str) -> None:
    source.conn.execute(
        f"alter table crm.agenda alter updated_at type {kind} "
        f"using to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS+00')::{kind}"
    )
    source.put("a", NOON)
    source.load()
    source.put("b", NOON - timedelta(days=30))
    assert source.read() == 2
    assert source.agendas() == ({"a", "b"} if kind == "text" else set())
    assert source.watermark() is None


def test_another_schema_or_an_empty_table_has_no_watermark(source: Source) -> None:
    source.load()
    assert source.watermark() is None
    assert source.watermark("client") is not None
    source.put("a", NOON)
    assert source.read() == 1
    source.conn.execute("alter schema crm rename to crm2")
    source.url = source.url.replace("schema=crm", "schema=crm2")
    source.load()
    with source.database.connect() as conn:
        named = conn.execute("select distinct source from ops.watermark").fetchall()
    assert len(named) == 2


def test_a_bad_row_in_a_quiet_hour_does_not_stop_what_the_whole_table_would_not(
    source: Source,
) -> None:
    for number in range(30):
        source.put(f"a{number}", NOON - timedelta(days=number + 1))
    source.load(LoadSettings())
    source.put("bad", NOON, origin="nobody")
    source.put("undated", None)
    with pytest.raises(DeliveryRefused, match=r"2 of 32 rows are rejected, 6\.2%"):
        source.load(LoadSettings())
    source.conn.execute("delete from crm.agenda where agenda_id = 'undated'")
    assert source.read(LoadSettings()) == 2, "one bad row of 31 is below five percent"
    source.put("undated", None)
    assert source.read() == 3, "a row without updated_at is told each time"
    assert source.watermark() == NOON - timedelta(days=1), "of rows that were taken only"


def test_limits_on_sessions_do_not_end_the_reading(source: Source) -> None:
    source.put("a", NOON)
    source.conn.execute(
        """
        alter table crm.client rename to client_there;
        create view crm.client as select c.* from crm.client_there as c, pg_sleep(1)
        """
    )
    limits = ("statement_timeout", "transaction_timeout", "idle_in_transaction_session_timeout")
    options = quote(" ".join(f"-c {limit}=500ms" for limit in limits))
    source.url += f"&options={options}"
    source.load()
    assert source.agendas() == {"a"}
    name = source.database.parts["dbname"]
    for limit in (*limits, "idle_session_timeout"):
        source.conn.execute(f"alter database {name} set {limit} = '1h'")
    with load_connection(source.database, "test") as conn:
        for limit in (*limits, "idle_session_timeout"):
            assert conn.execute(f"show {limit}").fetchone() == ("0",)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("c.name::int::text", r"crm\.client: SQLSTATE 22P02\."),
        ("nullif(pg_terminate_backend(pg_backend_pid())::text, '')", r"57P01"),
    ],
)
def test_an_error_of_the_source_is_the_sources(source: Source, name: str, says: str) -> None:
    source.load()
    source.conn.execute(
        f"""
        alter table crm.client rename to client_there;
        create view crm.client as select
            client_id, updated_at, {name} as name, ddd, mobile, landline, email, accepts_messages
        from crm.client_there as c
        """
    )
    with pytest.raises(DeliveryRefused, match=says) as refusal:
        source.load()
    assert "Rui" not in str(refusal.value)
    entered = "select status, message from ops.delivery order by delivery_id desc limit 1"
    assert source.conn.execute(entered).fetchone() == ("refused", str(refusal.value))


def test_a_source_that_is_gone_after_it_was_read_was_read(source: Source) -> None:
    source.put("a", NOON)
    with open_schema(source.url) as delivery:
        assert len(list(delivery.tables["agenda"].records())) == 1
        source.conn.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
            "where application_name = 'atendimento source' and datname = current_database()"
        )


def test_a_row_parked_in_one_reading_is_tried_in_the_next(source: Source) -> None:
    source.put("a", NOON, client_id="h2")
    source.load()
    assert source.watermark() == NOON
    assert source.agendas() == set()
    source.conn.execute(
        "insert into crm.client (client_id, updated_at, name, accepts_messages) "
        "values ('h2', %s, 'Eva', true)",
        [AT],
    )
    source.put("b", NOON + timedelta(days=1))
    source.load()
    assert source.agendas() == {"a", "b"}
