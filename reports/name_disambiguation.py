"""Appends the id to names that several ids share, in Python and in SQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from psycopg import sql


def with_distinct_names(named: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the (id, name) pairs in their order, with the id appended to every repeated name."""
    pairs = list(named)
    count = Counter(name for _, name in pairs)
    return [(key, f"{name} ({key})" if count[name] > 1 else name) for key, name in pairs]


def distinct_names(table: str, key: str, name: str = "name", *within: str) -> sql.Composed:
    """Return a subquery that adds a column `shown_name` to a table, with the id appended to every
    repeated name.

    Args:
        table: The table; the subquery has the same name.
        key: The id column.
        name: The name column.
        within: Columns within which names are compared.

    Returns:
        The subquery with its alias, for a `from` clause.
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
