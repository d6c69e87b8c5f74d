"""The process of the check worker, whose sessions with the database are pinned."""

from __future__ import annotations

import psycopg

from checks import worker
from orchestration.postgres import session


def main() -> None:
    """Answer requests until the input ends."""
    session.pin_engines(psycopg.Connection)
    worker.main()


if __name__ == "__main__":
    main()
