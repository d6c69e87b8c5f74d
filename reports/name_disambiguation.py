"""Adds its id to a name that several ids share, in a list or in a query."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from psycopg import sql


def with_distinct_names(named: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Pairs of id and name, as they came; a name that comes more than once has its id behind it."""
    pairs = list(named)
    count = Counter(name for _, name in pairs)
    return [(key, f"{name} ({key})" if count[name] > 1 else name) for key, name in pairs]


def distinct_names(table: str, key: str, name: str = "name", *within: str) -> sql.Composed:
    """The same in a query: the table with `shown_name` beside its columns. `within`: the columns in
    which names are compared.
    """
    return sql.SQL(
        "(select *, {name} || case when count(*) over (partition by {among}) > 1"
        " then ' (' || {key} || ')' else '' end as shown_name from {table}) as {table}"
    ).format(
        name=sql.Identifier(name),
        among=sql.SQL(", ").join(map(sql.Identifier, (*within, name))),
        key=sql.Identifier(key),
        table=sql.Identifier(table),
    )
