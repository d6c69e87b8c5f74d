"""Rows of `ops` about runs that failed and editions that were written."""

from __future__ import annotations

import psycopg


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
