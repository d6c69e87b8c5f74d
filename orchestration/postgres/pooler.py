"""Recognizes a pooler that gives the session to others between two transactions.

Nothing is left behind: neither locks nor settings, which such a pooler would hand to somebody else.
"""

from __future__ import annotations

from collections.abc import Callable

import psycopg

from orchestration.postgres import session

_OTHERS = 2


def is_direct(conn: psycopg.Connection) -> bool:
    """Return whether no pooler is in between: a pooler states a process id of its own."""
    return conn.info.backend_pid == _server_process(conn)


def is_shared(conn: psycopg.Connection, connect: Callable[[], psycopg.Connection]) -> bool:
    """Return whether a pooler may give the session of `conn` to others between transactions.

    Two other clients each keep a transaction open. One of them was given this session, or this one
    has another by then, whichever idle session the pooler takes first.

    Args:
        conn: A connection in autocommit mode.
        connect: Opens another connection to the same address, in autocommit mode.

    Returns:
        Whether advisory locks, settings and temporary tables of `conn` would go astray.
    """
    mine = _server_process(conn)
    if mine == conn.info.backend_pid:
        return False
    others: list[psycopg.Connection] = []
    try:
        for _ in range(_OTHERS):
            others.append(connect())
            session.execute(others[-1], "begin")
            if _server_process(others[-1]) == mine or _server_process(conn) != mine:
                return True
    except psycopg.errors.ProtocolViolation:  # a pooler of statements refuses transactions
        return True
    finally:
        for other in others:
            other.close()
    return False


def _server_process(conn: psycopg.Connection) -> int:
    return int(session.execute(conn, "select pg_backend_pid()").fetchone()[0])
