"""Movements (what entered and left a total) name the event that explains the move."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from orchestration.postgres.database import Database
from orchestration.publication.dbt import build
from orchestration.publication.swap import swap_schemas
from tests.oracle import warehouse
from tests.oracle.deliveries import random_delivery
from tests.oracle.failure_causes import KNOWN_ERRORS
from tests.oracle.reading import publish

MODELS = ["+totalizer_movement", "+totalizer", "+company"]


def publish_edition(database: Database, as_of: datetime, folder: Path) -> list[tuple[object, ...]]:
    """Build and publish as of that instant; what moved since the edition before."""
    assert all(outcome.passed for outcome in build(database, as_of, folder, select=MODELS))
    with database.connect() as conn:
        swap_schemas(
            conn,
            run_id=str(uuid4()),
            as_of=as_of,
            group_timezone=warehouse.GROUP_TIMEZONE,
            edition="none",
            expected=["totalizer_movement"],
        )
        return conn.execute(
            "select direction, company_id, totalizer, row_id, bucket, previous_as_of"
            " from marts.totalizer_movement"
        ).fetchall()


def test_movements_are_between_the_published_edition_and_the_new_one(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of the data tests those whose tables are all built here.
    monkeypatch.setenv("DBT_INDIRECT_SELECTION", "cautious")
    delivery = random_delivery(5, companies=4, agendas_per_company=12)
    earlier, later = delivery.as_of - timedelta(days=2), delivery.as_of
    warehouse.load(database, delivery.rows, tmp_path / "delivery", seed=5)
    before, now = (
        {
            (row["company_id"], row["totalizer"], row["row_id"]): row["bucket"]
            for row in publish(delivery.rows, as_of, KNOWN_ERRORS)["totalizer_row"]
        }
        for as_of in (earlier, later)
    )
    entered, left = now.keys() - before.keys(), before.keys() - now.keys()
    assert entered
    assert left

    # There is no edition yet; then there is one of an older version, without a column.
    assert publish_edition(database, later, tmp_path / "dbt") == []
    with database.connect() as conn:
        conn.execute("alter table marts.agenda_status drop column replied_at")
    assert publish_edition(database, earlier, tmp_path / "dbt") == []

    assert sorted(publish_edition(database, later, tmp_path / "dbt")) == sorted(
        [
            *(("entered", *key, now[key], earlier) for key in entered),
            *(("left", *key, before[key], earlier) for key in left),
        ]
    )
    # Nothing may look into an edition that a later swap drops.
    with database.connect() as conn:
        views = conn.execute(
            "select relname from pg_class where relkind in ('v', 'm')"
            " and relnamespace::regnamespace::text in ('staging', 'intermediate')"
        ).fetchall()
    assert views == []
