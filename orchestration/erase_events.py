"""Erasing what WhatsApp's events told of a client: in the database, and in files kept aside.

Belongs here: finding a phone number in events and texts. Does not: whose number it is, nor the rows
that were delivered (`erase.py`). Numbers are keys of R10: DDD and subscriber, no ninth digit.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import psycopg
from psycopg import sql

from orchestration.ingest.whatsapp import spool


def erase_events(conn: psycopg.Connection, numbers: list[str]) -> dict[str, int]:
    """WhatsApp's own words about the client's messages, their consent by number, and the rest."""
    conn.execute(
        """
        with gone as (
            delete from raw.whatsapp_status
            where error_message is not null and dispatch_id in (
                select d.dispatch_id from raw.dispatch as d
                inner join raw.agenda as a using (company_id, agenda_id)
                where a.client_id in (select client_id from access.tombstone)
            )
            returning *
        )
        insert into raw.whatsapp_status
        select distinct on (dispatch_id, occurred_at, status, error_code)
            dispatch_id, occurred_at, status, error_code, null, delivery_id
        from gone
        on conflict do nothing
        """
    )
    consent = conn.execute(
        "delete from raw.whatsapp_preference where number_key = any(%s)", [numbers]
    )
    aside = conn.execute(
        sql.SQL("delete from raw.whatsapp_aside where {}").format(
            has_number(sql.Identifier("payload"), numbers)
        )
    )
    return {
        "raw.whatsapp_preference": consent.rowcount,
        "raw.whatsapp_aside": aside.rowcount,
    }


def has_number(text: sql.Composable, numbers: list[str]) -> sql.Composed:
    """Whether one of the numbers stands in a text, however it is parted, with its ninth digit or
    without.
    """
    forms = [number[:2] + nine + number[2:] for number in numbers for nine in ("", "9")]
    return sql.SQL(
        "exists (select from unnest({}::text[]) as n (form)"
        " where strpos(regexp_replace({}, '[^0-9]', '', 'g'), n.form) > 0)"
    ).format(sql.Literal(forms), text)


def rewrite_files(folder: Path, numbers: list[str]) -> int:
    """Drop every line with one of the numbers from the files of events that were loaded."""
    forms = [(n[:2] + nine + n[2:]).encode() for n in numbers for nine in ("", "9")]
    rewritten = 0
    for path in sorted(folder.glob("*")) if forms and folder.is_dir() else ():
        lines = list(spool.lines(path))
        kept = [line for line in lines if not any(form in line for form in forms)]
        if len(kept) == len(lines):
            continue
        text = b"".join(line + b"\n" for line in kept)
        fresh = path.with_name(f".{path.name}.new")
        fresh.touch(mode=0o600)
        fresh.write_bytes(gzip.compress(text) if path.name.endswith(".gz") else text)
        fresh.replace(path)
        rewritten += 1
    return rewritten
