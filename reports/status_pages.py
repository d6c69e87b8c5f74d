"""The status pages beside the editions: the quality page and the index of editions.

Unlike editions they are rewritten. Queries name tables with their schema, because they read the
`ops` tables, not those of an edition.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import psycopg

from reports import editions, formats, labels
from reports.editions import OWNER_ONLY_FILE, OWNER_ONLY_FOLDER, publish_errors, share_with_group
from reports.pages import editions_index, quality
from reports.pages.check_history import Words
from reports.paths import EDITIONS, INDEX, QUALITY
from reports.render import render
from reports.view_model import Link, Page, Parameter, Proof, Stamp

_LOCK = 7_301_845_120  # arbitrary; one writer at a time, so that older data never overwrite newer


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusPageSettings:
    """The settings of the status pages.

    `words` is the Portuguese text of each check. The retention of editions is shown, not applied.
    """

    now: datetime
    timezone: str = "America/Sao_Paulo"
    stale_hours: float = 24
    words: Words = field(default_factory=dict)
    edition_retention_count: int
    keep_days: int


class Published(NamedTuple):
    """The last publication."""

    as_of: datetime
    run_id: str
    fingerprint: str | None


_PUBLISHED = """
select publication.as_of, publication.run_id, edition.fingerprint
from ops.publication
left join ops.edition on edition.edition = publication.edition
order by publication.publication_id desc
limit 1
"""


def write_status_pages(
    conn: psycopg.Connection, publish_dir: Path, standing: StatusPageSettings
) -> None:
    """Rewrite both pages, each atomically.

    Args:
        conn: A connection without an open transaction.
        publish_dir: The publish folder.
        standing: The settings.

    Raises:
        PublishError: The file system refused an operation.
    """
    with _one_writer(conn):
        for name, page in _pages(conn, publish_dir, standing).items():
            _replace(publish_dir, name, render(page).encode())


def _pages(
    conn: psycopg.Connection, publish_dir: Path, standing: StatusPageSettings
) -> Mapping[str, Page]:
    kept = editions.list_editions(publish_dir) if publish_dir.is_dir() else []
    current = editions.current_edition(publish_dir)
    with conn.transaction():
        conn.execute("set transaction isolation level repeatable read, read only")
        found = conn.execute(_PUBLISHED).fetchone()
        published = Published._make(found) if found else None
        data_until = _data_until(conn)
        facts = quality.find_quality(conn, standing.now, standing.timezone, standing.words)
        made_of = editions_index.find_editions(conn, kept)
    stamp = Stamp(
        as_of=formats.local(published.as_of, standing.timezone) if published else None,
        data_until=formats.local(data_until, standing.timezone) if data_until else None,
        generated_at=formats.local(standing.now, standing.timezone),
        generated_machine=standing.now.isoformat(timespec="seconds"),
        timezone=standing.timezone,
        stale_hours=standing.stale_hours,
    )
    proof = Proof(
        published.run_id if published else labels.NOT_AVAILABLE,
        (published.fingerprint if published else None) or labels.NOT_AVAILABLE,
        (
            Parameter(labels.PARAMETER_KEPT, formats.number(standing.edition_retention_count)),
            Parameter(labels.PARAMETER_KEPT_DAYS, formats.days(standing.keep_days)),
        ),
    )
    trail = (Link(labels.GROUP, f"{editions.CURRENT}/{INDEX}"),) if current else ()
    return {
        QUALITY: quality.build_quality_page(facts, stamp, proof._replace(parameters=()), trail),
        EDITIONS: editions_index.build_editions_index(
            kept, current.name if current else None, made_of, stamp, proof, trail
        ),
    }


def _data_until(conn: psycopg.Connection) -> datetime | None:
    there = conn.execute("select to_regclass('marts.source_freshness') is not null").fetchone()
    if there != (True,):
        return None
    found = conn.execute("select max(data_until) from marts.source_freshness").fetchone()
    return found[0] if found else None


@contextmanager
def _one_writer(conn: psycopg.Connection) -> Iterator[None]:
    """Wait for other writers. A session-level lock, so that the data are read after the wait."""
    conn.execute("select pg_advisory_lock(%s)", [_LOCK])
    conn.commit()
    try:
        yield
    finally:
        conn.rollback()
        conn.execute("select pg_advisory_unlock(%s)", [_LOCK])
        conn.commit()


def _replace(publish_dir: Path, name: str, content: bytes) -> None:
    """Write a file atomically."""
    fresh = publish_dir / f".{name}.new"
    with publish_errors(publish_dir / name, "written"):
        publish_dir.mkdir(parents=True, exist_ok=True, mode=OWNER_ONLY_FOLDER)
        fresh.unlink(missing_ok=True)
        try:
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY_FILE)
            with open(handle, "wb") as file:
                file.write(content)
            share_with_group(fresh, publish_dir)
            os.replace(fresh, publish_dir / name)
        finally:
            fresh.unlink(missing_ok=True)
