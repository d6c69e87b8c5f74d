"""One address, said the way each library wants it."""

from __future__ import annotations

import psycopg
import pytest
import sqlalchemy

from orchestration.errors import DatabaseError
from orchestration.postgres.database import Database


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_sqlalchemy_reaches_the_same_database(database: Database, driver: str) -> None:
    engine = sqlalchemy.create_engine(database.sqlalchemy_url(driver))
    with engine.connect() as conn:
        name = conn.execute(sqlalchemy.text("select current_database()")).scalar_one()
    engine.dispose()
    assert name == database.parts["dbname"]


def test_a_password_with_signs_survives_and_is_not_in_the_label() -> None:
    database = Database("postgresql://ana:p%40ss%2Fw%23rd@db.example:5433/crm?sslmode=require")
    url = sqlalchemy.make_url(database.sqlalchemy_url("psycopg2"))
    assert (url.password, url.host, url.port) == ("p@ss/w#rd", "db.example", 5433)
    assert url.query["sslmode"] == "require"
    assert database.dbt_environment()["ATENDIMENTO_DBT_PASSWORD"] == "p@ss/w#rd"
    assert "p@ss" not in database.label


def test_what_a_profile_has_no_place_for_reaches_dbt() -> None:
    url = "postgresql://ana@db.example/crm?sslrootcert=/etc/ca.pem&options=-c%20role%3Downer"
    told = Database(url).dbt_environment()
    assert (told["PGSSLROOTCERT"], told["PGOPTIONS"]) == ("/etc/ca.pem", "-c role=owner")


def test_an_unreachable_server_is_said_in_a_sentence() -> None:
    with pytest.raises(DatabaseError, match=r"127\.0\.0\.1/none cannot be reached"):
        Database("postgresql://x@127.0.0.1:9/none").connect()


def test_an_old_server_is_refused(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestration.postgres.database.MINIMUM_SERVER_VERSION", 990000)
    with pytest.raises(DatabaseError, match="PostgreSQL 18; 99 or newer is needed"):
        database.connect()


def test_the_owner_is_no_superuser(database: Database) -> None:
    with database.connect() as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("create role other superuser")
