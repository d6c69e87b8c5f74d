"""What the pipeline remembers about itself: schemas `ops` (runs, checks) and `history`.

Belongs here: the tables that outlive a run, and who writes them. Does not: the raw tables (they
follow the source contract, `ingest/tables.py`) nor anything dbt builds.
"""

from __future__ import annotations

import psycopg

_DDL = """
create schema if not exists ops;
create schema if not exists history;

create table if not exists ops.publication (
    publication_id bigint generated always as identity primary key,
    run_id text not null,
    as_of timestamptz not null,
    published_at timestamptz not null default clock_timestamp(),
    edition text not null
);
comment on table ops.publication is 'One row a publication; the greatest id is what `marts` holds.';

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
comment on table ops.check_result is 'What every check found, run by run: ids, no personal data.';

create table if not exists ops.run_failure (
    run_id text primary key,
    failed_at timestamptz not null default clock_timestamp(),
    message text not null
);
comment on table ops.run_failure is 'The sentence of each run that failed.';

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
"""


def prepare(conn: psycopg.Connection) -> None:
    """Make what is not there yet. Safe to call at every start."""
    with conn.transaction():
        conn.execute(_DDL)


def record_failure(conn: psycopg.Connection, run_id: str, message: str) -> None:
    """Keep why a run failed. The same run again changes nothing."""
    with conn.transaction():
        conn.execute(
            "insert into ops.run_failure (run_id, message) values (%s, %s) on conflict do nothing",
            [run_id, message],
        )
