"""Every check over small tables in a real database: it passes, it fails, it says only ids.

One worker for the whole module: the import of Great Expectations is paid once.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from checks.catalogue import SUITES
from checks.declaration import Finding, Limits, SuiteName
from checks.published_tables import COLUMNS
from checks.runner import CheckCrashed, CheckWorker
from orchestration.ingest import raw_tables
from orchestration.postgres.database import Database
from orchestration.runs import ledger

AS_OF = datetime(2026, 11, 20, 15, tzinfo=UTC)  # 12:00 in São Paulo
PHONE = "11 98765-4321"
NAME = "Fulana de Tal"
TYPES = {
    "contact_date": "date",
    "local_date": "date",
    "snapshot_date": "date",
    "is_open": "boolean",
    "agenda_count": "bigint",
    "as_of": "timestamptz",
    "data_until": "timestamptz",
    "last_sent_at": "timestamptz",
}
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
        ledger.create_ledger_tables(made)
        raw_tables.create_raw_tables(made)
        made.execute("create schema marts_next")
        for table, columns in COLUMNS.items():
            typed = ", ".join(f"{column} {TYPES.get(column, 'text')}" for column in columns)
            made.execute(f"create table marts_next.{table} ({typed})")
        made.execute(
            "insert into marts_next.company (company_id, name, timezone, local_date, as_of)"
            " select id, %s, zone, '2026-11-20', %s from (values"
            " ('norte', 'America/Manaus'), ('sul', 'America/Sao_Paulo')) as c (id, zone)",
            [NAME, AS_OF],
        )
        made.execute(
            "insert into marts_next.agenda_status (agenda_id, company_id, contact_date, client_id,"
            " origin, is_open, whatsapp_status, last_sent_at, as_of)"
            " select company_id || i, company_id, '2026-11-20', 'client' || i, 'active', true,"
            " 'sent', %s::timestamptz - interval '1 hour', %s"
            " from marts_next.company, generate_series(1, 30) as i",
            [AS_OF, AS_OF],
        )
        made.execute(
            "insert into marts_next.totalizer (company_id, totalizer, bucket, agenda_count, as_of)"
            " select company_id, 'active', 'sent', 30, as_of from marts_next.company"
        )
        for table in ("passive_contact_status", "call_list"):
            made.execute(
                f"insert into marts_next.{table} (company_id, as_of) values ('sul', %s)", [AS_OF]
            )
        made.execute(
            "insert into marts_next.client (client_id, name, mobile) values ('1', %s, %s)",
            [NAME, PHONE],
        )
        made.execute("update marts_next.call_list set phone = %s", [PHONE])
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


def publish(conn: psycopg.Connection) -> None:
    """What is in marts_next is the published edition too."""
    conn.execute("create schema marts")
    conn.execute("create table marts.agenda_status as table marts_next.agenda_status")


def test_a_first_run_with_nothing_wrong_passes(
    worker: CheckWorker, conn: psycopg.Connection
) -> None:
    findings = found(worker, conn, "published")
    assert failed(findings) == set()
    assert findings["no_company_lost_all_agendas"].details == {
        "nothing_to_compare_with": "marts.agenda_status"
    }
    assert not any(finding.crashed for finding in findings.values())


def test_the_same_edition_again_passes(worker: CheckWorker, conn: psycopg.Connection) -> None:
    publish(conn)
    findings = found(worker, conn, "published")
    assert failed(findings) == set()
    assert findings["no_company_lost_all_agendas"].details == {}


def test_a_missing_column_and_a_missing_table_block(
    worker: CheckWorker, conn: psycopg.Connection
) -> None:
    conn.execute("alter table marts_next.agenda_status drop column call_detail")
    conn.execute("drop table marts_next.dispatch_due")
    findings = found(worker, conn, "published")
    column = findings["agenda_status_has_its_columns"]
    assert column.blocking
    assert column.details == {"rows": [{"column_name": "call_detail"}]}
    assert findings["dispatch_due_has_its_columns"].unexpected_count == 4
    assert findings["call_list_has_its_columns"].passed
    # What cannot be computed without the table has crashed, and says of what.
    crashed = findings["dispatch_due_is_of_one_instant"]
    assert crashed.crashed
    assert not crashed.passed
    assert "marts_next.dispatch_due" in crashed.details["crashed"]
    assert findings["no_company_lost_all_agendas"].passed


def test_a_row_of_another_instant_blocks(worker: CheckWorker, conn: psycopg.Connection) -> None:
    conn.execute(
        "update marts_next.agenda_status set as_of = as_of + interval '1 microsecond'"
        " where agenda_id = 'sul1'"
    )
    conn.execute("update marts_next.call_list set as_of = null")
    findings = found(worker, conn, "published")
    assert failed(findings) == {"agenda_status_is_of_one_instant", "call_list_is_of_one_instant"}
    assert all(findings[name].blocking for name in failed(findings))


def test_tables_all_of_an_earlier_instant_block(
    worker: CheckWorker, conn: psycopg.Connection
) -> None:
    late = AS_OF.replace(hour=16)
    findings = found(worker, conn, "published", late)
    assert "agenda_status_is_of_one_instant" in failed(findings)
    assert "dispatch_due_is_of_one_instant" not in failed(findings)  # empty


def test_an_empty_table_warns_and_a_quiet_work_list_does_not(
    worker: CheckWorker, conn: psycopg.Connection
) -> None:
    for table in ("agenda_status", "passive_contact_status", "totalizer", "call_list"):
        conn.execute(f"truncate marts_next.{table}")
    findings = found(worker, conn, "published")
    assert failed(findings) == {
        "agenda_status_is_not_empty",
        "passive_contact_status_is_not_empty",
        "totalizer_is_not_empty",
        "call_list_is_not_empty",
    }
    assert not any(findings[name].blocking for name in failed(findings))


def test_a_company_without_its_agendas_blocks(
    worker: CheckWorker, conn: psycopg.Connection
) -> None:
    publish(conn)
    conn.execute("delete from marts_next.agenda_status where company_id = 'norte'")
    findings = found(worker, conn, "published")
    lost = findings["no_company_lost_all_agendas"]
    assert lost.blocking
    assert lost.details == {"rows": [{"company_id": "norte", "published_agendas": 30}]}
    assert failed(findings) == {"no_company_lost_all_agendas", "agendas_did_not_fall"}


@pytest.mark.parametrize(("left", "expected"), [
    (24, set()),  # a fifth less is still within the limit
    (23, {"agendas_of_no_company_fell"}),
    (17, {"agendas_of_no_company_fell", "agendas_did_not_fall"}),
])  # fmt: skip
def test_fewer_agendas_warn(
    worker: CheckWorker, conn: psycopg.Connection, left: int, expected: set[str]
) -> None:
    publish(conn)
    conn.execute(
        "delete from marts_next.agenda_status where company_id = 'sul'"
        " and substr(agenda_id, 4)::int > %s",
        [left],
    )
    findings = found(worker, conn, "published")
    assert failed(findings) == expected
    assert not any(findings[name].blocking for name in expected)


def test_nothing_sent_today_warns_for_that_company(
    worker: CheckWorker, conn: psycopg.Connection
) -> None:
    # 03:00Z is midnight in São Paulo: one second before it is yesterday.
    conn.execute(
        "update marts_next.agenda_status set last_sent_at = '2026-11-20T02:59:59Z'"
        " where company_id = 'sul'"
    )
    # In Manaus the day begins at 04:00Z.
    conn.execute(
        "update marts_next.agenda_status set last_sent_at = '2026-11-20T04:00:00Z'"
        " where company_id = 'norte'"
    )
    findings = found(worker, conn, "published")
    assert failed(findings) == {"something_was_sent_today"}
    assert findings["something_was_sent_today"].details == {
        "rows": [{"company_id": "sul", "of_today": 30}]
    }


def test_before_the_sending_hours_yesterdays_messages_count(
    worker: CheckWorker, conn: psycopg.Connection
) -> None:
    early = datetime(2026, 11, 20, 10, 59, 59, tzinfo=UTC)  # 07:59:59 in São Paulo
    conn.execute("update marts_next.agenda_status set last_sent_at = '2026-11-19T12:00:00Z'")
    assert found(worker, conn, "published", early)["something_was_sent_today"].passed
    late = datetime(2026, 11, 20, 11, tzinfo=UTC)
    findings = found(worker, conn, "published", late)
    assert findings["something_was_sent_today"].details["rows"] == [
        {"company_id": "sul", "of_today": 30}
    ]


def test_without_any_message_it_warns_and_nothing_blocks(
    worker: CheckWorker, conn: psycopg.Connection
) -> None:
    conn.execute(
        "update marts_next.agenda_status set last_sent_at = null, whatsapp_status = 'other',"
        " whatsapp_cause = 'not_queued'"
    )
    conn.execute("delete from marts_next.source_freshness where table_name = 'dispatch'")
    findings = found(worker, conn, "published")
    assert failed(findings) == {"something_was_sent_today"}
    assert not any(finding.blocking for finding in findings.values() if not finding.passed)


@pytest.mark.parametrize(("change", "within", "beyond", "check"), [
    ("whatsapp_status = 'invalid_phone'", 12, 13, "most_phones_are_valid"),
    ("client_id = null", 6, 7, "most_agendas_have_a_client"),
    ("whatsapp_status = '', whatsapp_cause = 'template'", 6, 7, "few_messages_of_today_failed"),
])  # fmt: skip
def test_a_share_above_its_limit_warns(
    worker: CheckWorker,
    conn: psycopg.Connection,
    change: str,
    within: int,
    beyond: int,
    check: str,
) -> None:
    for rows in (within, beyond):
        conn.execute(
            f"update marts_next.agenda_status set {change} where company_id = 'sul'"
            " and substr(agenda_id, 4)::int <= %s",
            [rows],
        )
        findings = found(worker, conn, "published")
        assert failed(findings) == ({check} if rows == beyond else set())
        assert not findings[check].blocking


def test_failures_of_unknown_reason_warn(worker: CheckWorker, conn: psycopg.Connection) -> None:
    # Contacts of another day: the share of today's failures is not touched.
    conn.execute(
        "update marts_next.agenda_status set contact_date = '2026-11-01',"
        " whatsapp_status = 'other', whatsapp_cause = case"
        " when substr(agenda_id, 4)::int <= 7 then 'unknown_error' else 'template' end"
        " where company_id = 'sul'"
    )
    findings = found(worker, conn, "published")
    assert failed(findings) == {"most_failures_are_explained"}
    assert findings["most_failures_are_explained"].details["rows"] == [
        {"company_id": "sul", "failed": 30, "failed_for_unknown_reason": 7}
    ]


def test_a_totalizer_far_from_its_usual_warns(
    worker: CheckWorker, conn: psycopg.Connection
) -> None:
    def history(days: int, count: int) -> dict[str, Finding]:
        conn.execute("truncate history.totalizer_history")
        conn.execute(
            "insert into history.totalizer_history select 'sul', date '2026-11-20' - d, 'active',"
            " 'sent', %s, %s from generate_series(0, %s) as d",
            [count, AS_OF, days],
        )
        return found(worker, conn, "published")

    assert failed(history(days=3, count=89)) == set()  # not three times as many
    findings = history(days=3, count=90)
    assert failed(findings) == {"totalizers_are_as_usual"}
    assert findings["totalizers_are_as_usual"].details["rows"] == [
        {"company_id": "sul", "totalizer": "active", "agenda_count": 30, "median": 90}
    ]
    assert failed(history(days=2, count=900)) == set()  # too few days to know what is usual


def test_a_totalizer_that_vanished_warns(worker: CheckWorker, conn: psycopg.Connection) -> None:
    conn.execute(
        "insert into history.totalizer_history select 'sul', date '2026-11-20' - d, 'booked',"
        " 'booked', case when d <= 4 then 60 else 1 end, %s from generate_series(1, 7) as d",
        [AS_OF],
    )
    findings = found(worker, conn, "published")
    assert findings["totalizers_are_as_usual"].details["rows"] == [
        {"company_id": "sul", "totalizer": "booked", "agenda_count": 0, "median": 60}
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
        " (delivery_id, table_name, file_name, line, reason, row_as_delivered)"
        " select delivery, t, 'f', 2, 'unknown_reference', to_jsonb(%s::text)"
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
        "create view marts_next.source_freshness as select name as table_name,"
        " cast(mobile as timestamptz) as data_until, timestamptz '2026-11-20T15:00Z' as as_of"
        " from marts_next.client"
    )
    finding = found(worker, conn, "published")["agenda_is_fresh"]
    assert (finding.passed, finding.crashed) == (False, True)
    assert finding.details == {"crashed": "DatetimeFieldOverflow"}


def test_an_expectation_that_raises_is_a_failed_check_of_its_own(
    worker: CheckWorker, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    conn.execute(
        "insert into history.totalizer_history select 'sul', date '2026-11-20' - d, 'active',"
        " 'sent', 90, %s from generate_series(1, 7) as d",
        [AS_OF],
    )
    # Thirty times this is more than the server's numbers can hold.
    monkeypatch.setattr(worker, "limits", Limits(totalizer_change_factor=1e308))
    findings = found(worker, conn, "published")
    assert failed(findings) == {"totalizers_are_as_usual"}
    finding = findings["totalizers_are_as_usual"]
    assert finding.crashed
    assert finding.details == {"crashed": "NumericValueOutOfRange"}


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
