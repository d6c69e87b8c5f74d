"""A dbt model as one query, its references inlined, for tests that ask it at many instants."""

from __future__ import annotations

from datetime import datetime
from functools import cache, partial
from pathlib import Path

from jinja2 import Environment

from orchestration.postgres.database import Database

PROJECT = Path(__file__).resolve().parents[1] / "dbt_project"
MACROS = ("as_of", "phone")


@cache
def query_of(model: str, as_of: str) -> str:
    """The query of a model that reads the raw tables, directly or by other models.

    Only models without a macro other than those of `MACROS` can be rendered.
    """
    (path,) = (PROJECT / "models").rglob(f"{model}.sql")
    macros = "".join((PROJECT / f"macros/{name}.sql").read_text() for name in MACROS)
    return (
        Environment(autoescape=False)
        .from_string(macros + path.read_text())
        .render(
            execute=False,
            var=lambda _: as_of,
            source="{}.{}".format,
            ref=partial(_inlined, as_of=as_of),
        )
    )


def _inlined(model: str, as_of: str) -> str:
    return f"({query_of(model, as_of)}) as {model}"


def rows_of(database: Database, model: str, as_of: str) -> list[tuple[object, ...]]:
    """The rows of a model as of an instant, in order; instants as clock times of UTC."""
    with database.connect() as conn:
        conn.execute("set timezone to 'UTC'")
        rows = conn.execute(query_of(model, as_of).encode()).fetchall()
    return sorted((tuple(map(_shown, row)) for row in rows), key=repr)


def _shown(value: object) -> object:
    return value.strftime("%H:%M:%S") if isinstance(value, datetime) else value
