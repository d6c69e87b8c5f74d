"""Small deliveries for tests: tables as lists of rows, written as a folder of CSV files."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestration.ingest.contract import SOURCE_TABLES, source_table
from orchestration.ingest.load import LoadResult, LoadSettings, load_delivery
from orchestration.ingest.raw_tables import column_names
from orchestration.postgres.database import Database

Row = Mapping[str, str]
LENIENT = LoadSettings(max_rejected_share=1.0)

AT = "2026-11-20T09:00:00-03:00"
LATER = "2026-11-21T09:00:00-03:00"

BASE: dict[str, tuple[Row, ...]] = {
    "company": ({"company_id": "c1", "name": "Um"}, {"company_id": "c2", "name": "Dois"}),
    "app_user": (
        {
            "user_id": "u1", "login": "ana", "full_name": "Ana", "role": "attendant",
            "company_id": "c1", "active": "S",
        },
    ),
    "user_company": ({"user_id": "u1", "company_id": "c2"},),
    "team": ({"team_id": "t1", "company_id": "c1", "name": "PA", "is_service_desk": "1"},),
    "campaign": ({"campaign_id": "p1", "name": "Revisão", "active": "true"},),
    "event_type": ({"event_type_id": "e1", "campaign_id": "p1", "name": "10.000 km"},),
    "loss_reason": ({"loss_reason_id": "l1", "name": "Preço"},),
    "chatbot_option": (
        {"option_id": "o1", "label": "Não", "action": "refuse", "loss_reason_id": "l1"},
    ),
    "client": (
        {"client_id": "h1", "updated_at": AT, "name": "Rui", "accepts_messages": "true"},
    ),
    "vehicle": ({"vehicle_id": "v1", "updated_at": AT, "client_id": "h1", "active": "t"},),
    "agenda": (),
    "dispatch": (),
    "booking": (),
    "reply": (),
    "passive_contact": (),
}  # fmt: skip


def agenda(agenda_id: str = "a1", **changes: str) -> Row:
    """An agenda of company c1."""
    return {
        "agenda_id": agenda_id, "updated_at": AT, "company_id": "c1", "client_id": "h1",
        "event_type_id": "e1", "origin": "active", "contact_date": "2026-11-20",
        "created_at": AT, **changes,
    }  # fmt: skip


def call(attempt_id: str = "c1", **changes: str) -> Row:
    """A call of agenda a1."""
    return {
        "attempt_id": attempt_id, "updated_at": AT, "agenda_id": "a1", "user_id": "u1",
        "called_at": AT, "outcome": "no_answer", **changes,
    }  # fmt: skip


def dispatch(dispatch_id: str = "d1", **changes: str) -> Row:
    """A message of agenda a1."""
    return {
        "dispatch_id": dispatch_id, "updated_at": AT, "agenda_id": "a1",
        "purpose": "first_contact", "queued_at": AT, **changes,
    }  # fmt: skip


def reply(reply_id: str = "r1", **changes: str) -> Row:
    """A reply to dispatch d1."""
    return {
        "reply_id": reply_id, "updated_at": AT, "dispatch_id": "d1", "option_id": "o1",
        "replied_at": AT, **changes,
    }  # fmt: skip


def passive(contact_id: str = "w1", **changes: str) -> Row:
    """A passive contact of company c1."""
    return {
        "contact_id": contact_id, "updated_at": AT, "company_id": "c1", "menu_option": "book",
        "contacted_at": AT, **changes,
    }  # fmt: skip


def write(folder: Path, tables: Mapping[str, Sequence[Row]]) -> Path:
    """Write each table as a CSV file with every column of the contract."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, column_names(source_table(name)), restval="")
            writer.writeheader()
            writer.writerows(rows)
    return folder


def load(
    database: Database,
    folder: Path,
    tables: Mapping[str, Sequence[Row]],
    settings: LoadSettings = LENIENT,
) -> LoadResult:
    """Write a delivery of these tables and load it."""
    return load_delivery(database, write(folder, tables), settings)


def stored(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every raw table, without the delivery it came with."""
    result = {}
    with database.connect() as conn:
        for table in SOURCE_TABLES:
            columns = ", ".join(column_names(table))
            company = "company_id, " if table.company_from else ""
            rows = conn.execute(f"select {company}{columns} from raw.{table.name}").fetchall()
            result[table.name] = sorted(rows, key=repr)
    return result


def rejected(database: Database) -> list[tuple[object, ...]]:
    """Table, line, column and reason of every row set aside."""
    with database.connect() as conn:
        return conn.execute(
            "select table_name, line, column_name, reason from raw.rejected_row order by 1, 2, 4"
        ).fetchall()
