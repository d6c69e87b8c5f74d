"""The key of the hashes of erased numbers: a file in the state folder, in no database or backup.

Whoever has the hashes and the key tries all numbers of a DDD in seconds; with the hashes alone
nobody can. The database holds only the ids of the keys that its hashes were made with.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

import psycopg

from orchestration.errors import UserError
from orchestration.ingest.whatsapp.spool import sync_folder

FILE = "erasure.key"


class ErasureKeyMissing(UserError):
    """The state folder lacks a key that hashes in the database were made with."""


def read_keys(home: Path | None, conn: psycopg.Connection) -> tuple[bytes, ...]:
    """Return the keys of the state folder, having verified that the database needs no other.

    Raises:
        ErasureKeyMissing: The file lacks a key, or cannot be read. Nothing was changed.
    """
    if missing := missing_key_ids(home, conn):
        raise ErasureKeyMissing(
            f"{_place(home)} lacks the key of erased numbers (id {', '.join(missing)}), so that "
            "erased clients could come back. Nothing was changed. Copy the file from the state "
            "folder that had it, or its line into this file, readable by its owner only. "
            '"Erased numbers" in docs/operations.md says what to do when it is lost.'
        )
    return keys_in_file(home)


def missing_key_ids(home: Path | None, conn: psycopg.Connection) -> list[str]:
    """Return the ids of the keys that the database needs and the state folder lacks."""
    needed = {key_id for (key_id,) in conn.execute("select key_id from access.erasure_key")}
    return sorted(needed - {id_of(key) for key in keys_in_file(home)})


def ensure_key(home: Path | None, conn: psycopg.Connection) -> bytes:
    """Return the key for new hashes, made at first use, and record its id in the database.

    The file is on disk before the transaction can commit.

    Raises:
        ErasureKeyMissing: The database needs a key that the file lacks, or there is no folder.
    """
    keys = read_keys(home, conn)
    if not keys:
        if home is None:
            raise ErasureKeyMissing("No state folder is named for the key of erased numbers.")
        keys = (secrets.token_bytes(32),)
        write_private_file(home / FILE, f"{keys[0].hex()}\n")
    record_key_ids(conn, [id_of(keys[0])])
    return keys[0]


def forget_missing_keys(home: Path, conn: psycopg.Connection) -> None:
    """Give up the keys that the state folder lacks; their hashes match nothing any more."""
    conn.execute(
        "delete from access.erasure_key where key_id = any(%s)", [missing_key_ids(home, conn)]
    )


def record_key_ids(conn: psycopg.Connection, ids: list[str]) -> None:
    """Record which keys the hashes in the database were made with."""
    conn.execute(
        "insert into access.erasure_key (key_id) select unnest(%s::text[]) on conflict do nothing",
        [ids],
    )


def keys_in_file(home: Path | None) -> tuple[bytes, ...]:
    """Return the keys of the file, one a line; new hashes are made with the first.

    Raises:
        ErasureKeyMissing: The file cannot be read.
    """
    try:
        text = (home / FILE).read_text(encoding="ascii") if home else ""
        return tuple(bytes.fromhex(line) for line in text.split())
    except FileNotFoundError:
        return ()
    except (OSError, ValueError):
        raise ErasureKeyMissing(
            f"{_place(home)}, the key of erased numbers, cannot be read or is damaged. Nothing was "
            "changed. Give this account the right to read it, or copy it from elsewhere."
        ) from None


def id_of(key: bytes) -> str:
    """Return what names a key without telling it."""
    return hashlib.sha256(key).hexdigest()[:16]


def write_private_file(path: Path, text: str) -> None:
    """Replace a file by one that only its owner reads, whole and on disk when this returns."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
    sync_folder(path.parent)


def _place(home: Path | None) -> str:
    return str(home / FILE) if home else FILE
