"""Erases one client from every row that was loaded (LGPD), in the caller's transaction."""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg import sql

from orchestration.errors import UsageError
from orchestration.ingest import raw_tables
from orchestration.ingest.contract import source_table
from orchestration.ingest.redaction import erased_numbers
from orchestration.ingest.redaction.erased_numbers import ErasedNumbers
from orchestration.ingest.redaction.personal_data import (
    REDACTED_VALUES,
    phone_keys,
    record_erased_contacts,
    redact_quarantined_rows,
    redact_stored_rows,
)
from orchestration.ingest.whatsapp.redaction import erase_events
from orchestration.postgres.database import Database


class UnknownClient(UsageError):
    """No such client; nothing was changed."""


def assert_known(conn: psycopg.Connection, client_id: str) -> None:
    """Raise UnknownClient unless the client was ever loaded."""
    known = conn.execute(
        "select from raw.client where client_id = %(id)s"
        " union all select from access.erased_client where client_id = %(id)s limit 1",
        {"id": client_id},
    )
    if not known.rowcount:
        raise UnknownClient(f"There is no client {client_id}. Nothing was changed.")


def erase_stored(conn: psycopg.Connection, home: Path, client_id: str) -> dict[str, int]:
    """Erase a client from all that was loaded, in the transaction under way.

    Args:
        conn: A connection on which the erasure's transaction is open.
        home: The state folder, which has the key of erased numbers or gets one.
        client_id: The client.

    Returns:
        How many rows of each table were changed.

    Raises:
        UnknownClient: There is no such client.
        ErasureKeyMissing: The state folder lacks a key that the database needs.
    """
    assert_known(conn, client_id)
    conn.execute(
        "insert into access.erased_client (client_id) values (%s) on conflict do nothing",
        [client_id],
    )
    erased_numbers.insert_erased_numbers(conn, home, client_id, _numbers(conn, client_id))
    numbers = erased_numbers.read_erased_numbers(conn, home, client_id).whenever()
    emails = _emails(conn, client_id)
    record_erased_contacts(conn, _contacts(conn, numbers))
    rows = {}
    for name in REDACTED_VALUES:
        table = source_table(name)
        rows[f"raw.{name}"] = redact_stored_rows(conn, table, raw_tables.raw_table(table))
    rejected = sql.Identifier("raw", "rejected_row")
    rows["raw.rejected_row"] = redact_quarantined_rows(conn, rejected, numbers, emails)
    rows |= erase_events(conn, numbers)
    # Whoever sought the client: in which of their searches cannot be told.
    searches = conn.execute("update access.session set searches = '{}' where searches <> '{}'")
    rows["access.session"] = searches.rowcount
    conn.execute(
        "insert into access.pending_vacuum select unnest(%s::text[]) on conflict do nothing",
        [[table for table, count in rows.items() if count]],
    )
    return rows


def vacuum_erased_tables(database: Database) -> None:
    """Rewrite the tables that were changed: what is deleted stays in their files otherwise, and
    values stand in the planner's statistics.
    """
    with database.connect(application="atendimento erase") as conn:
        conn.autocommit = True
        for (table,) in conn.execute("select table_name from access.pending_vacuum").fetchall():
            name = sql.Identifier(*table.split("."))
            conn.execute(sql.SQL("vacuum (full, analyze) {}").format(name))
            conn.execute("delete from access.pending_vacuum where table_name = %s", [table])


def _numbers(conn: psycopg.Connection, client_id: str) -> set[str]:
    """The keys of the client's phones in any version, mobile or not, that no other client has; and
    of who wrote about their agendas and about nobody else's.
    """
    ours: set[str] = set()
    others: set[str] = set()
    for owner, ddd, mobile, landline in conn.execute(
        "select distinct client_id, ddd, mobile, landline from raw.client"
    ):
        (ours if owner == client_id else others).update(
            phone_keys(ddd, mobile), phone_keys(landline)
        )
    for ddd, mobile, landline in conn.execute(
        "select row_as_delivered ->> 'ddd', row_as_delivered ->> 'mobile',"
        " row_as_delivered ->> 'landline' from raw.rejected_row"
        " where table_name = 'client' and row_as_delivered ->> 'client_id' = %s",
        [client_id],
    ):
        ours.update(phone_keys(ddd, mobile), phone_keys(landline))
    about_ours: set[str] = set()
    about_others: set[str] = set()
    for owner, number in conn.execute(
        "select distinct a.client_id, c.whatsapp_number from raw.passive_contact as c"
        " inner join raw.agenda as a using (company_id, agenda_id)"
        " where a.client_id is not null and c.whatsapp_number is not null"
    ):
        (about_ours if owner == client_id else about_others).update(phone_keys(number))
    return (ours | (about_ours - about_others)) - others


def _emails(conn: psycopg.Connection, client_id: str) -> set[str]:
    """The client's e-mails in any version, in lower case, that no other client has."""
    rows = conn.execute(
        """
        with told as (
            select client_id, email from raw.client
            union all select row_as_delivered ->> 'client_id', row_as_delivered ->> 'email'
            from raw.rejected_row
            where table_name = 'client' and row_as_delivered ->> 'client_id' = %(id)s
        ),
        emails as (
            select
                client_id,
                lower(regexp_replace(email collate "pg_c_utf8", '^\\s+|\\s+$', '', 'g')) as email
            from told where strpos(email, '@') > 0
        )
        select email from emails where client_id = %(id)s
        except select email from emails where client_id <> %(id)s
        """,
        {"id": client_id},
    )
    return {email for (email,) in rows}


def _contacts(conn: psycopg.Connection, numbers: ErasedNumbers) -> set[str]:
    """Passive contacts, good or set aside, that were made with the client's numbers."""
    rows = conn.execute(
        "select contact_id, whatsapp_number from raw.passive_contact"
        " where whatsapp_number is not null"
        " union select row_as_delivered ->> 'contact_id', row_as_delivered ->> 'whatsapp_number'"
        " from raw.rejected_row where table_name = 'passive_contact'"
        " and row_as_delivered ->> 'contact_id' <> ''"
        " and row_as_delivered ->> 'whatsapp_number' <> ''"
    )
    return {contact for contact, number in rows if numbers.in_text(number)}
