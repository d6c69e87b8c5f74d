"""What the pipeline remembers about itself: schemas `ops` (runs, checks) and `history`."""

from __future__ import annotations

import psycopg

from orchestration.access import rights
from orchestration.notifications import alarms
from orchestration.postgres.made import create_once

_DDL = """
create schema if not exists ops;
create schema if not exists history;
create schema if not exists dagster;  -- its tables are Dagster's own

create table if not exists ops.publication (
    publication_id bigint generated always as identity primary key,
    run_id text not null,
    as_of timestamptz not null,
    published_at timestamptz not null default clock_timestamp(),
    edition text not null
);
alter table ops.publication add column if not exists active_agendas bigint;
comment on table ops.publication is 'One row a publication; the greatest id is what `marts` holds.';
comment on column ops.publication.active_agendas is 'The total `active` of all companies (R11).';

create table if not exists ops.edition (
    edition text primary key,
    run_id text not null,
    fingerprint text not null,
    pages bigint not null,
    written_at timestamptz not null default clock_timestamp()
);
comment on table ops.edition is
    'One row an edition of pages written, published or not; the hash of the tables it shows.';

create table if not exists ops.check_result (
    run_id text not null,
    as_of timestamptz not null,
    suite text not null,
    check_name text not null,
    blocking boolean not null,
    passed boolean not null,
    unexpected_count bigint not null,
    details jsonb not null default '{}',
    checked_at timestamptz not null default clock_timestamp(),
    primary key (run_id, suite, check_name)
);
create index if not exists check_result_by_time on ops.check_result using brin (checked_at);
comment on table ops.check_result is 'What every check found, run by run: ids, no personal data.';

create table if not exists ops.run_failure (
    run_id text primary key,
    failed_at timestamptz not null default clock_timestamp(),
    message text not null
);
alter table ops.run_failure add column if not exists kind text not null default '';
comment on table ops.run_failure is 'The sentence of each run that failed.';
comment on column ops.run_failure.kind is
    'The name of the error when its message was written for a person; empty for any other.';

create table if not exists history.totalizer_history (
    company_id text not null,
    snapshot_date date not null,
    totalizer text not null,
    bucket text not null,
    agenda_count bigint not null check (agenda_count > 0),
    as_of timestamptz not null,
    primary key (company_id, snapshot_date, totalizer, bucket)
);
comment on table history.totalizer_history is
    'One set of totals a day (domain.md, section 4); `marts.totalizer_history` shows it.';

create table if not exists ops.tidied (
    only_row boolean primary key default true check (only_row),
    tidied_at timestamptz not null default clock_timestamp()
);
comment on table ops.tidied is 'When what is old was last removed (`maintenance/retention.py`).';

create table if not exists ops.backfill_day (
    snapshot_date date primary key,
    as_of timestamptz not null,
    last_delivery_id bigint not null,
    completed_at timestamptz not null default clock_timestamp()
);
comment on table ops.backfill_day is
    'One row a day whose set of history a backfill wrote and no run has replaced since.';
comment on column ops.backfill_day.last_delivery_id is
    'The last delivery loaded by then: after a later one the day is due again.';

create table if not exists ops.backfill_under_way (
    first_date date not null,
    last_date date not null,
    is_again boolean not null,
    began_at timestamptz not null default clock_timestamp()
);
comment on table ops.backfill_under_way is
    'The backfill that has begun and not ended: one row at most. Called again, it goes on.';
"""


def create_ledger_tables(conn: psycopg.Connection) -> None:
    """Make what is not there yet. Safe to call at every start, whatever is going on."""
    with conn.transaction():
        create_once(conn, "bookkeeping", _DDL)
        rights.create_access_schema(conn)
        alarms.create_alarm_tables(conn)


def record_failure(conn: psycopg.Connection, run_id: str, message: str, kind: str) -> None:
    """Keep why a run failed. The same run again changes nothing."""
    with conn.transaction():
        conn.execute(
            "insert into ops.run_failure (run_id, message, kind) values (%s, %s, %s)"
            " on conflict do nothing",
            [run_id, message, kind],
        )


def record_edition(
    conn: psycopg.Connection, edition: str, *, run_id: str, fingerprint: str, pages: int
) -> None:
    """Keep of what an edition of pages was made. The same edition again replaces its row."""
    with conn.transaction():
        conn.execute(
            """
            insert into ops.edition (edition, run_id, fingerprint, pages)
            values (%s, %s, %s, %s)
            on conflict (edition) do update set
                run_id = excluded.run_id,
                fingerprint = excluded.fingerprint,
                pages = excluded.pages,
                written_at = clock_timestamp()
            """,
            [edition, run_id, fingerprint, pages],
        )
