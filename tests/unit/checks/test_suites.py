"""Every check over small tables in a real database: it passes, it fails, it says only ids.

One worker for the whole module: the import of Great Expectations is paid once.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import yaml

from checks.marts_suite import HAS_ONE_INSTANT
from checks.published_tables import COLUMNS, USUALLY_NOT_EMPTY
from checks.runner import CheckCrashed, CheckWorker
from checks.spec import Finding, Limits, SuiteName
from checks.suites import SUITES
from orchestration.postgres.database import Database

AS_OF = datetime(2026, 11, 20, 15, tzinfo=UTC)  # 12:00 in São Paulo
PHONE = "11 98765-4321"
NAME = "Fulana de Tal"
MEASUREMENTS = Path(__file__).resolve().parents[3] / "dbt_project/models/measurements"
RECORD_CONNECTIONS = """
import os, socket
_connect, _resolve = socket.socket.connect, socket.getaddrinfo
def _note(what):
    with open(os.environ["RECORDED_CONNECTIONS"], "a") as file:
        file.write(repr(what) + chr(10))
def connect(self, address):
    _note(address)
    return _connect(self, address)
def getaddrinfo(*arguments, **options):
    _note(arguments)
    return _resolve(*arguments, **options)
socket.socket.connect, socket.getaddrinfo = connect, getaddrinfo
_note("watching")
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the worker's Python writes every address it looks up or connects to."""
    folder = tmp_path_factory.mktemp("recording")
    (folder / "sitecustomize.py").write_text(RECORD_CONNECTIONS, encoding="utf-8")
    return folder / "connections"


@pytest.fixture(scope="module")
def worker(recorded: Path) -> Iterator[CheckWorker]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(recorded.parent))
        patch.setenv("RECORDED_CONNECTIONS", str(recorded))
        made = CheckWorker()
        made.start()
    with made:
        yield made


@pytest.fixture
def conn(database: Database) -> Iterator[psycopg.Connection]:
    """Everything is there and nothing is wrong: two companies of 30 agendas, sent today."""
    with database.connect() as made:
        made.execute("create schema marts_next; create schema measurements")
        for table, columns in COLUMNS.items():
            typed = ", ".join(
                f"{column} {'timestamptz' if column in ('as_of', 'data_until') else 'text'}"
                for column in columns
            )
            made.execute(f"create table marts_next.{table} ({typed})")
        for path in MEASUREMENTS.glob("*.yml"):
            (model,) = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
            typed = ", ".join(f"{c['name']} {c['data_type']}" for c in model["columns"])
            made.execute(f"create table measurements.{model['name']} ({typed})")
        made.execute(
            "insert into measurements.measured_table"
            " select name, case when rows > 0 then %s::timestamptz end, rows"
            " from (select unnest(%s::text[]) as name) as t, lateral (select"
            " case when name = any(%s) then 9 else 0 end as rows) as r",
            [AS_OF, list(HAS_ONE_INSTANT), list(USUALLY_NOT_EMPTY)],
        )
        made.execute(
            "insert into measurements.measured_company select id, 0, 30, 30, true, 0, 30, 0, 30, 0,"
            " 30, 0, 0, null, 0, 0, 0, null from unnest(array['norte', 'sul']) as id"
        )
        made.execute(
            "insert into marts_next.client (client_id, name, mobile) values ('1', %s, %s)",
            [NAME, PHONE],
        )
        made.execute(
            "insert into marts_next.source_freshness select t, %s::timestamptz - interval '1 hour',"
            " %s from unnest(array['agenda', 'dispatch']) as t",
            [AS_OF, AS_OF],
        )
        made.commit()
        yield made


def found(
    worker: CheckWorker, conn: psycopg.Connection, suite: SuiteName, as_of: datetime = AS_OF
) -> dict[str, Finding]:
    """Commit, run the suite; no finding says a name or a phone."""
    conn.commit()
    database = Database(conn.info.dsn)
    findings = worker.run(suite, database.sqlalchemy_url("psycopg"), as_of)
    assert [f.check for f in findings if NAME in repr(f) or "98765" in repr(f)] == []
    assert sorted(f.check for f in findings) == sorted(c.name for c in SUITES[suite].checks)
    return {finding.check: finding for finding in findings}


def failed(findings: dict[str, Finding]) -> set[str]:
    return {name for name, finding in findings.items() if not finding.passed}


def set_company(conn: psycopg.Connection, company: str, values: str) -> None:
    """Change what is measured of a company."""
    conn.execute(
        f"update measurements.measured_company set {values} where company_id = %s".encode(),
        [company],
    )


def test_a_first_run_with_nothing_wrong_passes(
    worker: CheckWorker, conn: psycopg.Connection
) -> None:
    findings = found(worker, conn, "published")
    assert failed(findings) == set()
    assert not any(finding.crashed or finding.details for finding in findings.values())


def test_a_missing_column_and_a_missing_table_block(
    worker: CheckWorker, conn: psycopg.Connection
) -> None:
    conn.execute("alter table marts_next.agenda_status drop column call_detail")
    conn.execute("drop table marts_next.dispatch_due")
    findings = found(worker, conn, "published")
    assert failed(findings) == {"agenda_status_has_its_columns", "dispatch_due_has_its_columns"}
    column = findings["agenda_status_has_its_columns"]
    assert column.blocking
    assert column.details == {"rows": [{"column_name": "call_detail"}]}
    assert findings["dispatch_due_has_its_columns"].unexpected_count == 4


def test_a_row_of_another_instant_blocks(worker: CheckWorker, conn: psycopg.Connection) -> None:
    conn.execute(
        "insert into measurements.measured_table values ('agenda_status', %s, 1)",
        [AS_OF + timedelta(microseconds=1)],
    )
    findings = found(worker, conn, "published")
    assert failed(findings) == {"agenda_status_is_of_one_instant"}
    finding = findings["agenda_status_is_of_one_instant"]
    assert finding.blocking
    assert finding.unexpected_count == 1
    assert finding.details == {"rows": [{"table_name": "agenda_status"}]}


def test_tables_all_of_an_earlier_instant_block(
    worker: CheckWorker, conn: psycopg.Connection
) -> None:
    findings = found(worker, conn, "published", AS_OF.replace(hour=16))
    assert failed(findings) == {f"{table}_is_of_one_instant" for table in USUALLY_NOT_EMPTY}


def test_an_empty_table_warns_and_a_quiet_work_list_does_not(
    worker: CheckWorker, conn: psycopg.Connection
) -> None:
    conn.execute("update measurements.measured_table set as_of = null, row_count = 0")
    findings = found(worker, conn, "published")
    assert failed(findings) == {f"{table}_is_not_empty" for table in USUALLY_NOT_EMPTY}
    assert not any(findings[name].blocking for name in failed(findings))


def test_a_company_without_its_agendas_blocks(
    worker: CheckWorker, conn: psycopg.Connection
) -> None:
    set_company(conn, "norte", "published_agendas = 30, agendas = 0, with_client = 0")
    set_company(conn, "sul", "published_agendas = 30, fallen_share = 0")
    findings = found(worker, conn, "published")
    lost = findings["no_company_lost_all_agendas"]
    assert lost.blocking
    assert lost.details == {"rows": [{"company_id": "norte", "published_agendas": 30}]}
    assert failed(findings) == {"no_company_lost_all_agendas", "agendas_did_not_fall"}
    assert findings["agendas_did_not_fall"].details == {
        "rows": [{"published_agendas": 60, "agendas": 30}]
    }


@pytest.mark.parametrize(("left", "expected"), [
    (24, set()),  # a fifth less is still within the limit
    (23, {"agendas_of_no_company_fell"}),
    (17, {"agendas_of_no_company_fell", "agendas_did_not_fall"}),
])  # fmt: skip
def test_fewer_agendas_warn(
    worker: CheckWorker, conn: psycopg.Connection, left: int, expected: set[str]
) -> None:
    set_company(conn, "norte", "published_agendas = 30, fallen_share = 0")
    set_company(
        conn, "sul", f"published_agendas = 30, agendas = {left}, fallen_share = 1 - {left} / 30.0"
    )
    findings = found(worker, conn, "published")
    assert failed(findings) == expected
    assert not any(findings[name].blocking for name in expected)


def test_nothing_sent_today_warns_for_a_company_with_agendas_today(
    worker: CheckWorker, conn: psycopg.Connection
) -> None:
    set_company(conn, "sul", "has_sent_lately = false")
    set_company(conn, "norte", "has_sent_lately = false, of_today = 0")
    findings = found(worker, conn, "published")
    assert failed(findings) == {"something_was_sent_today"}
    assert findings["something_was_sent_today"].details == {
        "rows": [{"company_id": "sul", "of_today": 30}]
    }


@pytest.mark.parametrize(
    ("of", "column", "share", "within", "beyond", "check"),
    [
        ("with_client", "invalid_phone", "invalid_phone_share", 12, 13, "most_phones_are_valid"),
        ("agendas", "without_client", "no_client_share", 6, 7, "most_agendas_have_a_client"),
        (
            *("messages_of_today", "failed_of_today", "failed_of_today_share", 6, 7),
            "few_messages_of_today_failed",
        ),
        (
            *("failed", "failed_for_unknown_reason", "unknown_error_share", 6, 7),
            "most_failures_are_explained",
        ),
    ],
)
def test_a_share_above_its_limit_warns(
    worker: CheckWorker,
    conn: psycopg.Connection,
    of: str,
    column: str,
    share: str,
    within: int,
    beyond: int,
    check: str,
) -> None:
    values = "{0} = 30, {1} = {3}, {2} = {3} / 30.0"
    set_company(conn, "sul", values.format(of, column, share, within))
    assert failed(found(worker, conn, "published")) == set()
    set_company(conn, "sul", values.format(of, column, share, beyond))
    findings = found(worker, conn, "published")
    assert failed(findings) == {check}
    assert not findings[check].blocking
    (row,) = findings[check].details["rows"]
    assert row["company_id"] == "sul"
    assert row[column] == beyond
    set_company(conn, "sul", f"{of} = 19")  # of so few a share says nothing
    assert failed(found(worker, conn, "published")) == set()


def test_a_totalizer_far_from_its_usual_warns(
    worker: CheckWorker, conn: psycopg.Connection
) -> None:
    conn.execute(
        "insert into measurements.measured_totalizer values"
        " ('sul', 'within', 3, 89, 30, 59, 89 / 30.0), ('sul', 'as_usual', 7, 30, 30, 0, 1),"
        " ('sul', 'too_few_days', 2, 900, 30, 870, 30), ('sul', 'small', 7, 49, 0, 49, 'infinity')"
    )
    assert failed(found(worker, conn, "published")) == set()
    conn.execute(
        "insert into measurements.measured_totalizer values"
        " ('sul', 'active', 3, 90, 30, 60, 3), ('sul', 'vanished', 7, 60, 0, 60, 'infinity')"
    )
    findings = found(worker, conn, "published")
    assert failed(findings) == {"totalizers_are_as_usual"}
    assert findings["totalizers_are_as_usual"].details["rows"] == [
        {"company_id": "sul", "totalizer": "active", "agenda_count": 30, "median": 90},
        {"company_id": "sul", "totalizer": "vanished", "agenda_count": 0, "median": 60},
    ]


def test_old_data_warns(worker: CheckWorker, conn: psycopg.Connection) -> None:
    conn.execute("update marts_next.source_freshness set data_until = as_of - interval '1 day'")
    assert failed(found(worker, conn, "published")) == set()
    conn.execute("update marts_next.source_freshness set data_until = as_of - interval '25 hours'")
    findings = found(worker, conn, "published")
    assert failed(findings) == {"agenda_is_fresh", "dispatch_is_fresh"}
    assert findings["agenda_is_fresh"].details == {"rows": [{"table_name": "agenda", "hours": 25}]}


def test_empty_source_tables_warn_and_those_everything_needs_block(
    worker: CheckWorker, conn: psycopg.Connection
) -> None:
    findings = found(worker, conn, "loaded")
    blocking = {name for name in failed(findings) if findings[name].blocking}
    assert blocking == {"company_is_not_empty", "event_type_is_not_empty"}
    assert "dispatch_is_not_empty" in failed(findings)
    conn.execute(
        "insert into raw.company (company_id, name, delivery_id) values ('sul', %s, 1)", [NAME]
    )
    conn.execute("insert into raw.event_type values ('e', 'c', %s, 1)", [NAME])
    conn.execute(
        "insert into raw.client (client_id, updated_at, name, mobile, accepts_messages,"
        " delivery_id) values ('1', %s, %s, %s, true, 1)",
        [AS_OF, NAME, PHONE],
    )
    after = found(worker, conn, "loaded")
    assert failed(findings) - failed(after) == blocking | {"client_is_not_empty"}
    assert not any(after[name].blocking for name in failed(after))


def test_rows_set_aside_warn(worker: CheckWorker, conn: psycopg.Connection) -> None:
    conn.execute(
        "insert into ops.delivery (source, run_id, started_at, status)"
        " values ('first', '1', '2026-11-17T15:00Z', 'loaded'),"
        " ('second', '2', '2026-11-20T14:00Z', 'loaded'),"
        " ('third', '3', '2026-11-20T14:30Z', 'refused')"
    )
    conn.execute(
        "insert into ops.delivery_file values (1, 'client', 'client.csv', 9, 8, 0, 1, 0),"
        " (2, 'agenda', 'agenda.csv', 9, 7, 0, 2, 0), (2, 'reply', 'reply.csv', 9, 8, 0, 0, 1)"
    )
    conn.execute(
        "insert into raw.rejected_row"
        " (delivery_id, last_delivery_id, table_name, file_name, line, reason, row_as_delivered)"
        " select delivery, delivery, t, 'f', 2, 'unknown_reference', to_jsonb(%s::text)"
        " from (values (1, 'dispatch'), (2, 'reply')) as r (delivery, t)",
        [PHONE],
    )
    findings = found(worker, conn, "loaded")
    set_aside = {name for name in failed(findings) if not name.endswith("_is_not_empty")}
    # The client's was rejected in the delivery before, the reply has not waited for long.
    assert set_aside == {"agenda_had_no_row_rejected", "dispatch_has_no_row_parked_for_long"}
    assert findings["agenda_had_no_row_rejected"].details["rows"] == [
        {"table_name": "agenda", "delivery_id": 2, "rows_rejected": 2}
    ]


def test_parked_rows_are_told_and_stop_above_half_of_the_newest_file(
    worker: CheckWorker, conn: psycopg.Connection
) -> None:
    def deliver(read: int, parked: int) -> set[str]:
        (number,) = conn.execute(
            "insert into ops.delivery (source, run_id, started_at, status)"
            " values ('x', '', %s, 'loaded') returning delivery_id",
            [AS_OF],
        ).fetchone() or (0,)
        conn.execute(
            "insert into ops.delivery_file values (%s, 'agenda', 'agenda.csv', %s, 0, 0, 0, 0)",
            [number, read],
        )
        conn.execute("update raw.rejected_row set last_delivery_id = %s, times = 0", [number])
        conn.execute(
            "insert into raw.rejected_row (delivery_id, last_delivery_id, times, table_name,"
            " file_name, line, column_name, reason, row_as_delivered)"
            " values (1, %s, %s, 'agenda', 'f', 2, 'client_id', 'unknown_reference',"
            ' \'{"client_id": " 1002.0"}\')',
            [number, parked],
        )
        nonlocal findings
        findings = found(worker, conn, "loaded")
        return {name for name in failed(findings) if name.endswith("_parked")}

    findings: dict[str, Finding] = {}
    assert deliver(read=19, parked=19) == set()
    assert deliver(read=20, parked=1) == set()
    assert deliver(read=20, parked=2) == {"agenda_has_few_rows_parked"}
    assert findings["agenda_has_few_rows_parked"].details["rows"] == [
        {
            "table_name": "agenda", "file_name": "agenda.csv", "rows_parked": 2, "rows_read": 20,
            "missing_ids": "client_id 1002.0",
        }
    ]  # fmt: skip
    assert deliver(read=20, parked=10) == {"agenda_has_few_rows_parked"}
    both = {"agenda_has_few_rows_parked", "agenda_is_not_mostly_parked"}
    assert deliver(read=20, parked=11) == both
    assert findings["agenda_is_not_mostly_parked"].blocking
    conn.execute("update raw.rejected_row set reason = 'duplicate_version'")
    assert both & failed(found(worker, conn, "loaded")) == set()


def test_a_limit_that_is_set_holds(
    worker: CheckWorker, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "limits", Limits(stale_hours=0.5))
    assert failed(found(worker, conn, "published")) == {"agenda_is_fresh", "dispatch_is_fresh"}


def test_a_measurement_that_raises_fails_its_checks_without_values(
    worker: CheckWorker, conn: psycopg.Connection
) -> None:
    # A view whose row cannot be computed: the error's text quotes the phone.
    conn.execute("drop table marts_next.source_freshness")
    conn.execute(
        "create view marts_next.source_freshness as select 'agenda' as table_name,"
        " cast(mobile as timestamptz) as data_until, timestamptz '2026-11-20T15:00Z' as as_of"
        " from marts_next.client"
    )
    finding = found(worker, conn, "published")["agenda_is_fresh"]
    assert (finding.passed, finding.crashed) == (False, True)
    assert finding.details == {"crashed": "DatetimeFieldOverflow"}


def test_an_expectation_that_raises_is_a_failed_check_of_its_own(
    worker: CheckWorker, conn: psycopg.Connection
) -> None:
    conn.execute("alter table measurements.measured_company drop column no_client_share")
    findings = found(worker, conn, "published")
    assert failed(findings) == {"most_agendas_have_a_client"}
    assert findings["most_agendas_have_a_client"].crashed
    assert set(findings["most_agendas_have_a_client"].details) == {"crashed"}


def test_a_table_that_is_not_there_is_named(worker: CheckWorker, conn: psycopg.Connection) -> None:
    conn.execute("drop table measurements.measured_totalizer")
    findings = found(worker, conn, "published")
    assert failed(findings) == {"totalizers_are_as_usual"}
    crashed = findings["totalizers_are_as_usual"]
    assert crashed.crashed
    assert "measurements.measured_totalizer" in crashed.details["crashed"]


def test_the_worker_leaves_no_connection_and_calls_nobody(
    worker: CheckWorker, conn: psycopg.Connection, recorded: Path
) -> None:
    found(worker, conn, "published")
    others = (
        "select count(*) from pg_stat_activity where datname = current_database()"
        " and pid <> pg_backend_pid() and backend_type = 'client backend'"
    )
    deadline = time.monotonic() + 10
    conn.autocommit = True
    while conn.execute(others).fetchone() != (0,):  # a backend ends a moment after its client
        assert time.monotonic() < deadline, "the worker keeps a connection open"
        time.sleep(0.05)
    # libpq does not pass here; what would, is a call home.
    assert recorded.read_text(encoding="utf-8") == "'watching'\n"


def test_a_database_that_cannot_be_reached_is_no_finding_and_the_worker_lives(
    worker: CheckWorker, conn: psycopg.Connection
) -> None:
    with pytest.raises(CheckCrashed, match="published state is as it was") as crash:
        worker.run("published", "postgresql+psycopg://me:secreta@127.0.0.1:1/none", AS_OF)
    assert "secreta" not in str(crash.value)
    assert failed(found(worker, conn, "published")) == set()
