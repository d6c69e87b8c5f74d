"""Who was erased, kept beside the database too: a backup of before must not bring them back.

Belongs here: the file in the home, ids only. Does not: erasing (`erase.py`).
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import psycopg

from orchestration.ingest.whatsapp.spool import sync_folder

_NAME = "erased.json"


@dataclass(frozen=True, slots=True)
class ErasedIds:
    """Ids of clients, and of the passive contacts whose number was erased with them."""

    clients: frozenset[str] = frozenset()
    contacts: frozenset[str] = frozenset()

    def __or__(self, other: ErasedIds) -> ErasedIds:
        return ErasedIds(self.clients | other.clients, self.contacts | other.contacts)


def stored(conn: psycopg.Connection) -> ErasedIds:
    """As the database has them."""
    return ErasedIds(
        _ids(conn, "select client_id from access.tombstone"),
        _ids(conn, "select contact_id from access.erased_contact"),
    )


def kept(home: Path) -> ErasedIds:
    """As the file has them. ValueError when it cannot be read: nobody must come back by that."""
    try:
        said = json.loads((home / _NAME).read_text(encoding="utf-8"))
        return ErasedIds(frozenset(said["clients"]), frozenset(said["contacts"]))
    except FileNotFoundError:
        return ErasedIds()
    except (OSError, KeyError, TypeError) as error:
        raise ValueError(str(home / _NAME)) from error


def keep(home: Path, ids: ErasedIds) -> None:
    """Add these to the file; on disk when this returns."""
    ids = ids | kept(home)
    partial = home / f".{_NAME}.{os.getpid()}"
    partial.touch(mode=0o600)
    with partial.open("w", encoding="utf-8") as file:
        json.dump({"clients": sorted(ids.clients), "contacts": sorted(ids.contacts)}, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, home / _NAME)
    sync_folder(home)


def _ids(conn: psycopg.Connection, query: str) -> frozenset[str]:
    return frozenset(row[0] for row in conn.execute(query.encode()))
