"""The pipeline's own tables, made as a run makes them and filled with what a page must tell.

Every text that a page must not show says so.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import psycopg

from orchestration.runs import ledger

NOW = datetime(2026, 11, 20, 12, 1, tzinfo=UTC)  # 09:01 in São Paulo
HIDDEN = "Maria Silva 11987654321"
LAST_EDITION = "2026-11-19T120000Z-run-1000"
TABLES = ("client", "agenda", "dispatch", "reply", "booking")


def publish(
    conn: psycopg.Connection, run_id: str, at: datetime, agendas: int | None, edition: str = ""
) -> None:
    """A publication, computed for one minute before."""
    conn.execute(
        "insert into ops.publication (run_id, as_of, published_at, edition, active_agendas)"
        " values (%s, %s, %s, %s, %s)",
        [run_id, at - timedelta(minutes=1), at, edition or run_id, agendas],
    )


def fail(conn: psycopg.Connection, run_id: str, at: datetime, message: str, kind: str = "") -> None:
    """A failed run; without a kind its message was not written for a person."""
    conn.execute(
        "insert into ops.run_failure (run_id, failed_at, message, kind) values (%s, %s, %s, %s)",
        [run_id, at, message, kind],
    )


def check(
    conn: psycopg.Connection,
    run_id: str,
    at: datetime,
    name: str,
    *,
    suite: str = "published",
    unexpected: int = 0,
    blocking: bool = False,
    details: dict[str, object] | None = None,
) -> None:
    """What one check found in a run; it passed when it found nothing and did not crash."""
    passed = unexpected == 0 and "crashed" not in (details or {})
    conn.execute(
        "insert into ops.check_result (run_id, as_of, suite, check_name, blocking, passed,"
        " unexpected_count, details, checked_at) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [run_id, at, suite, name, blocking, passed, unexpected, json.dumps(details or {}), at],
    )


def deliver(
    conn: psycopg.Connection,
    run_id: str,
    at: datetime,
    message: str | None = None,
    source: str = "/home/maria/entregas/terça",
) -> int:
    """A delivery with a file for each of `TABLES`; with a message it was refused."""
    row = conn.execute(
        "insert into ops.delivery (source, run_id, started_at, finished_at, status, message)"
        " values (%s, %s, %s, %s, %s, %s) returning delivery_id",
        [
            source,
            run_id,
            at - timedelta(minutes=1),
            at,
            "refused" if message else "loaded",
            message,
        ],
    ).fetchone()
    assert row is not None
    if not message:
        for place, table in enumerate(TABLES):
            conn.execute(
                "insert into ops.delivery_file values (%s, %s, %s, %s, %s, %s, %s, %s)",
                [row[0], table, f"{table}.csv", 1000 + place, 900, 95 + place, 2, 3],
            )
    return int(row[0])


def set_aside(conn: psycopg.Connection, table: str, reason: str, count: int) -> None:
    """As many rows of a table set aside for a reason."""
    conn.execute(
        "insert into raw.rejected_row (delivery_id, last_delivery_id, table_name, file_name, line,"
        " reason, row_as_delivered)"
        " select 1, 1, %s, %s, line, %s, %s from generate_series(1, %s) as line",
        [table, f"{table}.csv", reason, json.dumps({"name": HIDDEN}), count],
    )


def fill(conn: psycopg.Connection) -> None:
    """Three weeks of runs: published, zero, failed, stopped, unfinished, and days without any."""
    day, minute = timedelta(days=1), timedelta(minutes=1)
    for ago in range(21, 0, -1):
        at, run_id = NOW - ago * day, f"run-{ago}"
        if ago in (6, 13):
            continue
        if ago != 9:
            deliver(conn, run_id, at - 2 * minute)
        for name, suite, blocking in (
            ("agenda_is_not_empty", "loaded", False),
            ("company_is_not_empty", "loaded", True),
            ("assert_every_total_equals_its_rows", "dbt", True),
            ("agendas_did_not_fall", "published", False),
        ):
            check(conn, run_id, at - minute, name, suite=suite, blocking=blocking)
        lost = {"rows": [{"company_id": "c1", "published_agendas": 5567, "agendas": 0}]}
        check(
            conn,
            run_id,
            at - minute,
            "no_company_lost_all_agendas",
            blocking=True,
            unexpected=int(ago == 4),
            details=lost if ago == 4 else {},
        )
        stale = {"rows": [{"table_name": "dispatch", "hours": 26.5}]}
        check(
            conn,
            run_id,
            at - minute,
            "dispatch_is_fresh",
            unexpected=int(ago in (1, 5, 12)),
            details=stale if ago in (1, 5, 12) else {},
        )
        if ago == 4:
            fail(conn, run_id, at, "blocking checks failed: x", "DagsterAssetCheckFailedError")
        elif ago == 8:
            fail(conn, run_id, at, f'DagsterExecutionStepExecutionError: "{HIDDEN}"\nat line 3')
        elif ago == 3:
            publish(conn, run_id, at, 0)
        elif ago != 11:
            publish(conn, run_id, at, 5567 - ago, LAST_EDITION if ago == 1 else "")
            if ago == 2:
                publish(conn, "noon-2", at + 180 * minute, 5571)
    check(
        conn,
        "run-1",
        NOW - day,
        "most_phones_are_valid",
        details={"crashed": "UndefinedTable: marts_next.agenda_status"},
    )
    refused = (
        "agenda.csv (table agenda): 600 of 1000 rows are rejected, 60.0%; the limit is 5.0%\n"
        f"{HIDDEN}"
    )
    deliver(conn, "run-0", NOW - 2 * minute, refused)
    fail(conn, "run-0", NOW - minute, refused, "DeliveryRefused")
    ledger.record_edition(
        conn, LAST_EDITION, run_id="run-1", fingerprint="0123456789abcdef", pages=1234
    )
    set_aside(conn, "agenda", "does_not_cast", 12)
    set_aside(conn, "client", "missing_value", 3)
    set_aside(conn, "reply", "unknown_reference", 7)
    set_aside(conn, "dispatch", "<script>", 1)
    conn.commit()
