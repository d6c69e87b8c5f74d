"""Erased clients (LGPD): which columns are personal, and blanking what comes of them again.

A source that always tells all tells an erased client in every delivery.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

import psycopg
from psycopg import sql

from orchestration.ingest.contract import ENTITY_TABLES, ID_LENGTH, SourceTable, source_table
from orchestration.ingest.errors import UNKNOWN_REFERENCE
from orchestration.ingest.redaction import erased_numbers
from orchestration.ingest.redaction.erased_numbers import ErasedNumbers, number_keys

NAME = "(apagado)"  # a name may not be empty, and this one is shown
REDACTED_VALUES: dict[str, dict[str, str | None]] = {
    "client": {
        "name": NAME,
        "ddd": None,
        "mobile": None,
        "landline": None,
        "email": None,
        "accepts_messages": "false",
    },
    "vehicle": {"plate": None},
    "dispatch": {"error_message": None},
    "passive_contact": {"whatsapp_number": None},
    "call_attempt": {"note": None},
}
_CLIENT = "select client_id from access.erased_client"
_CONTACT = "select contact_id from access.erased_contact"
# An agenda that is set aside names its client too, and other rows may wait for it.
OF_AGENDA = f"""
select agenda_id from raw.agenda where client_id in ({_CLIENT})
union select row_as_delivered ->> 'agenda_id' from raw.rejected_row
where table_name = 'agenda' and row_as_delivered ->> 'client_id' in ({_CLIENT})
"""  # noqa: S608 — texts of this module
OF_DISPATCH = f"""
select dispatch_id from raw.dispatch where agenda_id in ({OF_AGENDA})
union select row_as_delivered ->> 'dispatch_id' from raw.rejected_row
where table_name = 'dispatch' and row_as_delivered ->> 'agenda_id' in ({OF_AGENDA})
"""  # noqa: S608 — texts of this module
# By which columns of each table a row is known as an erased client's.
OWNER_COLUMNS: dict[str, dict[str, str]] = {
    "client": {"client_id": _CLIENT},
    "vehicle": {"client_id": _CLIENT},
    "dispatch": {"agenda_id": OF_AGENDA},
    "passive_contact": {"contact_id": _CONTACT, "agenda_id": OF_AGENDA},
    "call_attempt": {"agenda_id": OF_AGENDA},
}
# A rejected row may lack the column by which a good one is known.
_WHOSE_REJECTED: dict[str, dict[str, str]] = {
    **OWNER_COLUMNS,
    "agenda": {"client_id": _CLIENT, "agenda_id": OF_AGENDA},
    "booking": {"agenda_id": OF_AGENDA},
    "reply": {"dispatch_id": OF_DISPATCH},
    "dispatch": {"agenda_id": OF_AGENDA, "dispatch_id": OF_DISPATCH},
}
_VEHICLE = f"select vehicle_id from raw.vehicle where client_id in ({_CLIENT})"  # noqa: S608


def known_numbers(conn: psycopg.Connection, home: Path | None) -> ErasedNumbers | None:
    """The numbers of erased clients; None when no client was ever erased: most databases have none,
    and are spared the rest. Raises ErasureKeyMissing when `home` lacks their key.
    """
    if not conn.execute("select from access.erased_client limit 1").rowcount:
        return None
    return erased_numbers.read_erased_numbers(conn, home)


def redact_staged_rows(
    conn: psycopg.Connection, table: SourceTable, relation: sql.Identifier, numbers: ErasedNumbers
) -> None:
    """Blank what is told again of erased clients in typed rows of a table."""
    if table.name == "passive_contact":
        _find_contacts(conn, relation, numbers)
    if table.name in REDACTED_VALUES:
        redact_stored_rows(conn, table, relation)


def redact_stored_rows(
    conn: psycopg.Connection, table: SourceTable, relation: sql.Identifier
) -> int:
    """Blank the rows of erased clients, as they are known by now; how many were not blank."""
    blanks = REDACTED_VALUES[table.name]
    values = [
        sql.SQL("cast({} as {})").format(
            sql.Literal(value),
            sql.SQL(table.column(column).sql_type),  # type: ignore[arg-type]  # the contract's
        )
        for column, value in blanks.items()
    ]
    columns = [sql.Identifier(column) for column in blanks]
    return conn.execute(
        sql.SQL("update {} set {} where ({}) and row({}) is distinct from row({})").format(
            relation,
            sql.SQL(", ").join(
                sql.SQL("{} = {}").format(column, value)
                for column, value in zip(columns, values, strict=True)
            ),
            sql.SQL(" or ").join(
                sql.SQL("{} in ({})").format(
                    sql.Identifier(column),
                    sql.SQL(ids),  # type: ignore[arg-type]  # a text of this module
                )
                for column, ids in OWNER_COLUMNS[table.name].items()
            ),
            sql.SQL(", ").join(columns),
            sql.SQL(", ").join(values),
        )
    ).rowcount


def _find_contacts(
    conn: psycopg.Connection, relation: sql.Identifier, numbers: ErasedNumbers
) -> None:
    """Remember the contacts made with an erased number before it was erased."""
    rows = conn.execute(
        sql.SQL(
            "select contact_id, whatsapp_number, contacted_at from {}"
            " where whatsapp_number is not null"
        ).format(relation)
    )
    record_erased_contacts(conn, {key for key, number, at in rows if numbers.in_text(number, at)})


def record_erased_contacts(conn: psycopg.Connection, contacts: set[str]) -> None:
    """Contacts whose number is erased, in every version."""
    conn.execute(
        "insert into access.erased_contact select unnest(%s::text[]) on conflict do nothing",
        [sorted(contacts)],
    )


def redact_quarantined_rows(
    conn: psycopg.Connection,
    relation: sql.Identifier,
    numbers: ErasedNumbers,
    emails: Collection[str] = (),
) -> int:
    """Rows set aside keep their place and reason; of an erased client's, key, ids and times stay.

    `relation` has table_name, reason and row_as_delivered; how many rows were changed. `emails` are
    known only while a client is erased: nothing is kept of them.
    """
    reduced = 0
    for table in ENTITY_TABLES:
        row = sql.SQL("row_as_delivered")
        reduced += conn.execute(
            sql.SQL(
                "update {relation} set {row} = {rest} where table_name = {table}"
                " and jsonb_typeof({row}) = 'object' and ({theirs}) and {row} <> {rest}"
            ).format(
                relation=relation,
                row=row,
                rest=_rest(table),
                table=sql.Literal(table.name),
                theirs=_theirs(table),
            )
        ).rowcount
    text = sql.SQL("(row_as_delivered #>> '{{}}')").format()
    reduced += conn.execute(
        sql.SQL(
            "update {} set row_as_delivered = to_jsonb({}::text)"
            " where jsonb_typeof(row_as_delivered) = 'string' and {} <> {} and {}"
        ).format(relation, sql.Literal(NAME), text, sql.Literal(NAME), _mentions_erased(text))
    ).rowcount
    return reduced + _reduce_by_contact(conn, relation, numbers, emails)


def _theirs(table: SourceTable) -> sql.Composed:
    ways = [
        sql.SQL("row_as_delivered ->> {} in ({})").format(
            sql.Literal(column),
            sql.SQL(ids),  # type: ignore[arg-type]  # a text of this module
        )
        for column, ids in _WHOSE_REJECTED[table.name].items()
    ]
    if table.name == "vehicle":
        # With another owner it is theirs.
        ways.append(
            sql.SQL(
                "coalesce(row_as_delivered ->> 'client_id', '') = ''"
                " and row_as_delivered ->> 'vehicle_id' in ({})"
            ).format(sql.SQL(_VEHICLE))
        )
    return sql.SQL(" or ").join(ways)


def _rest(table: SourceTable) -> sql.Composed:
    """What stays of a row. Of a parked one, whose values all cast, what is needed to load it."""
    blanks = REDACTED_VALUES.get(table.name, {})
    ids = [column.name for column in table.columns if column.kind == "id"]
    times = [column.name for column in table.columns if column.kind in ("timestamp", "date")]
    return sql.SQL(
        "case when reason = {parked} then"
        " (select jsonb_object_agg(key, case when key = any({personal}) then {blank} -> key"
        " else value end) from jsonb_each(row_as_delivered) where key = any({columns}))"
        " else coalesce((select jsonb_object_agg(key, value)"
        " from jsonb_each_text(row_as_delivered)"
        " where key = any({ids}) and length(value) <= {longest}"
        " or key = any({times}) and value ~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}'), '{{}}') end"
    ).format(
        parked=sql.Literal(UNKNOWN_REFERENCE),
        personal=sql.Literal(list(blanks)),
        blank=sql.SQL("{}::jsonb").format(_json_of(blanks)),
        columns=sql.Literal([column.name for column in table.columns]),
        ids=sql.Literal(ids),
        longest=sql.Literal(ID_LENGTH),
        times=sql.Literal(times),
    )


def _json_of(blanks: dict[str, str | None]) -> sql.Composed:
    return sql.SQL("jsonb_object(array[{}]::text[])").format(
        sql.SQL(", ").join(
            sql.SQL("{}, {}").format(sql.Literal(column), sql.Literal(value))
            for column, value in blanks.items()
        )
    )


def _mentions_erased(text: sql.Composable) -> sql.Composed:
    """Whether a text that fits no header has an erased client's id in it, as a word of its own."""
    return sql.SQL(
        "exists (select from access.erased_client as t"
        " where ({}) collate \"pg_c_utf8\" ~ ('(^|\\W)'"
        " || regexp_replace(t.client_id, '([^A-Za-z0-9])', '\\\\\\1', 'g') || '(\\W|$)'))"
    ).format(text)


def _reduce_by_contact(
    conn: psycopg.Connection,
    relation: sql.Identifier,
    numbers: ErasedNumbers,
    emails: Collection[str],
) -> int:
    """Rows of a client nobody names, contacts, and rows that fit no header: by number or e-mail."""
    email = _one_of(emails)
    rows = conn.execute(
        sql.SQL(
            "select ctid::text, table_name, row_as_delivered from {}"
            " where jsonb_typeof(row_as_delivered) = 'string' or table_name = 'passive_contact'"
            " or table_name = 'client' and coalesce(row_as_delivered ->> 'client_id', '') = ''"
        ).format(relation)
    ).fetchall()
    reduced = 0
    for place, name, row in rows:
        if isinstance(row, str):
            found, rest = numbers.in_text(row), sql.SQL("to_jsonb({}::text)").format(NAME)
            texts = [row]
        else:
            found, rest = _has_number(row, numbers), _rest(source_table(name))
            texts = [value for value in row.values() if value]
        if found or (email is not None and any(map(email.search, texts))):
            reduced += conn.execute(
                sql.SQL(
                    "update {relation} set row_as_delivered = {rest} where ctid = {place}::tid"
                    " and row_as_delivered <> {rest}"
                ).format(relation=relation, place=sql.Literal(place), rest=rest)
            ).rowcount
    return reduced


def _one_of(emails: Collection[str]) -> re.Pattern[str] | None:
    """One of these e-mails, whole, in whatever case."""
    if not emails:
        return None
    either = "|".join(map(re.escape, emails))
    return re.compile(rf"(?<![\w.+-])(?:{either})(?![\w-]|\.\w)", re.IGNORECASE)


def _has_number(row: dict[str, str | None], numbers: ErasedNumbers) -> bool:
    if any(key in numbers for key in phone_keys(row.get("ddd"), row.get("mobile"))):
        return True
    told_at = _instant(row.get("contacted_at"))
    return any(numbers.in_text(value, told_at) for value in row.values() if value)


def _instant(text: str | None) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return instant if instant.tzinfo else None


def phone_keys(*parts: str | None) -> set[str]:
    """The keys of what is one number, in one column or two, whether or not R4 holds; or none."""
    return number_keys(re.sub("[^0-9]", "", "".join(part or "" for part in parts)))
