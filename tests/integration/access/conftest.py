"""A published group of companies with known readers, and the page's own logins on its database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from tests_database import fresh_database, home_settings

from orchestration.access import roles as access_roles
from orchestration.access.roles import Logins
from orchestration.postgres.database import Database
from tests.oracle import warehouse
from tests.oracle.deliveries import random_delivery
from tests.oracle.rows import SourceRows, UserCompany


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody and what R14 lets them see, as the test says it."""

    user_id: str
    company_ids: frozenset[str]
    agent_id: str | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """A database with a published edition, one before it, and readers of every kind."""

    home: Path
    database: Database
    logins: Logins
    readers: dict[str, Reader]
    inactive_user_id: str


def appoint(rows: SourceRows) -> tuple[dict[str, Reader], str]:
    """Make users of the delivery the readers that the tests speak of."""
    first, second, third, fourth = (company.company_id for company in rows.company[:4])
    # Those who have most agendas, so that each reader has something of every table.
    worked = Counter(row.agent_id for row in rows.agenda)
    users = sorted(rows.app_user, key=lambda user: -worked[user.user_id])
    attendant, manager, moved = [user for user in users if user.company_id == first][:3]
    of_two, inactive = [user for user in users if user.company_id == second][:2]
    roles = {
        attendant.user_id: ("attendant", True),
        manager.user_id: ("manager", True),
        of_two.user_id: ("manager", True),
        inactive.user_id: ("manager", False),
    }
    rows.app_user[:] = [
        replace(user, role=roles[user.user_id][0], active=roles[user.user_id][1])
        if user.user_id in roles
        else user
        for user in rows.app_user
    ]
    # Works in a company that is not theirs any more.
    moved_on = replace(moved, company_id=fourth)
    rows.app_user[rows.app_user.index(moved)] = moved_on
    of_known = {*roles, moved.user_id}
    kept = [row for row in rows.user_company if row.user_id not in of_known]
    rows.user_company[:] = [*kept, UserCompany(of_two.user_id, third)]
    readers = {
        "attendant": Reader(attendant.user_id, frozenset({first}), attendant.user_id),
        "manager": Reader(manager.user_id, frozenset({first})),
        "manager of two": Reader(of_two.user_id, frozenset({second, third})),
    }
    return readers, inactive.user_id


@pytest.fixture(scope="session")
def published_group(
    tmp_path_factory: pytest.TempPathFactory, postgres: Database, maintenance: psycopg.Connection
) -> Iterator[Published]:
    """Published twice, two days apart, so that there is an edition before and what moved since."""
    folder = tmp_path_factory.mktemp("access")
    delivery = random_delivery(7, companies=5, agendas_per_company=60)
    readers, inactive = appoint(delivery.rows)
    with fresh_database(postgres, maintenance) as database:
        warehouse.load(database, delivery.rows, folder / "delivery", seed=7)
        for as_of in (delivery.as_of - timedelta(days=2), delivery.as_of):
            warehouse.publish(database, as_of, folder / "dbt")
        logins = access_roles.page_logins(home_settings(folder), database)
        yield Published(folder, database, logins, readers, inactive)


@pytest.fixture(scope="module")
def published(
    postgres: Database, maintenance: psycopg.Connection, published_group: Published
) -> Iterator[Published]:
    """The published group, a copy of the module's own."""
    template = published_group.database.parts["dbname"]
    with fresh_database(postgres, maintenance, template) as database:
        logins = access_roles.page_logins(home_settings(published_group.home), database)
        yield replace(published_group, database=database, logins=logins)
