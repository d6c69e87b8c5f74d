"""Who was erased, kept beside the database too: a backup of before must not bring them back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC
from pathlib import Path

import psycopg

from orchestration.ingest.redaction.erasure_key import id_of, record_key_ids, write_private_file

_NAME = "erased.json"


@dataclass(frozen=True, slots=True)
class ErasureRecord:
    """Ids of clients, and of the passive contacts whose number was erased with them.

    `numbers`: hash, client and moment of each erased number; `keys`: the ids of the keys that the
    hashes were made with.
    """

    clients: frozenset[str] = frozenset()
    contacts: frozenset[str] = frozenset()
    numbers: frozenset[tuple[str, str, str]] = frozenset()
    keys: frozenset[str] = frozenset()

    def __or__(self, other: ErasureRecord) -> ErasureRecord:
        return ErasureRecord(
            self.clients | other.clients,
            self.contacts | other.contacts,
            self.numbers | other.numbers,
            self.keys | other.keys,
        )


def read_database(conn: psycopg.Connection) -> ErasureRecord:
    """As the database has them."""
    return ErasureRecord(
        _ids(conn, "select client_id from access.erased_client"),
        _ids(conn, "select contact_id from access.erased_contact"),
        frozenset(
            (number.hex(), client, at.astimezone(UTC).isoformat())
            for number, client, at in conn.execute(
                "select number_hash, client_id, erased_at from access.erased_number"
            )
        ),
        _ids(conn, "select key_id from access.erasure_key"),
    )


def insert_erasures(conn: psycopg.Connection, ids: ErasureRecord) -> None:
    """Put contacts, numbers and key ids into another database; of two moments the later stands."""
    conn.execute(
        "insert into access.erased_contact select unnest(%s::text[]) on conflict do nothing",
        [sorted(ids.contacts)],
    )
    record_key_ids(conn, sorted(ids.keys))
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into access.erased_number as n (number_hash, client_id, erased_at)"
            " values (decode(%s, 'hex'), %s, %s) on conflict (number_hash) do update"
            " set erased_at = greatest(n.erased_at, excluded.erased_at)",
            sorted(ids.numbers),
        )


def read_file(home: Path) -> ErasureRecord:
    """As the file has them. ValueError when it cannot be read: nobody must come back by that."""
    try:
        said = json.loads((home / _NAME).read_text(encoding="utf-8"))
        numbers = frozenset((number, client, at) for number, client, at in said.get("numbers", ()))
        return ErasureRecord(
            frozenset(said["clients"]),
            frozenset(said["contacts"]),
            numbers,
            frozenset(said.get("keys", ()))
            # Before 0.5.0 the keys themselves.
            | {id_of(bytes.fromhex(key)) for key in said.get("secrets", ())},
        )
    except FileNotFoundError:
        return ErasureRecord()
    except (OSError, KeyError, TypeError) as error:
        raise ValueError(str(home / _NAME)) from error


def write_file(home: Path, ids: ErasureRecord) -> None:
    """Add these to the file; on disk when this returns."""
    ids = ids | read_file(home)
    text = json.dumps({name: sorted(values) for name, values in asdict(ids).items()})
    write_private_file(home / _NAME, text)


def _ids(conn: psycopg.Connection, query: str) -> frozenset[str]:
    return frozenset(row[0] for row in conn.execute(query.encode()))
