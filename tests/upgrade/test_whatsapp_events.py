"""States of 0.2.0 and 0.3.0, whose raw tables held WhatsApp's events laid over delivered rows."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from deliveries import BASE, agenda, dispatch, load, reply, stored
from whatsapp_payloads import body, click, preference, receive, status

from orchestration.postgres.database import Database
from orchestration.postgres.migrate import MIGRATIONS, migrate
from tests.upgrade.catalogue import catalogue

T = "2026-11-20T1{}:00:00+00:00".format
DELIVERED = {
    **BASE,
    "client": ({**BASE["client"][0], "ddd": "11", "mobile": "987654321"},),
    "agenda": (agenda(),),
    "dispatch": (dispatch(), dispatch("d2")),
    "reply": (reply(), reply("r2", dispatch_id="d2")),
}
EVENTS = (
    body([status("sent", T(4)), status("sent", T(4), "unknown")]),
    body((), [click("o1", T(5)), click("o1", T(5), "unknown", own="wamid.r2")]),
    body((), (), [preference("stop", T(6))]),
    b"{torn",
)
# What 0.3.0 made of the events at each load.
LAID_OVER = """
create table raw.dispatch_delivered (like raw.dispatch including all);
insert into raw.dispatch_delivered select * from raw.dispatch where dispatch_id = 'd1';
insert into raw.dispatch
select company_id, dispatch_id, timestamptz '2026-11-20T14:00Z', agenda_id, purpose, queued_at,
    timestamptz '2026-11-20T14:00Z', null, null, null, null, null, delivery_id
from raw.dispatch_delivered;
create table raw.client_delivered (like raw.client including all);
insert into raw.client_delivered table raw.client;
insert into raw.client
select client_id, timestamptz '2026-11-20T16:00Z', name, ddd, mobile, landline, email, false,
    delivery_id
from raw.client_delivered;
insert into raw.reply
select 'c1', reply_id, occurred_at, dispatch_id, option_id, occurred_at, delivery_id
from raw.whatsapp_reply where dispatch_id = 'd1';
alter table raw.whatsapp_reply add column laid boolean not null default false;
update raw.whatsapp_reply set laid = true where dispatch_id = 'd1';
alter table raw.whatsapp_preference rename column whatsapp_number to number_key;
alter table raw.whatsapp_preference
    rename constraint whatsapp_preference_whatsapp_number_not_null
    to whatsapp_preference_number_key_not_null;
update raw.whatsapp_preference set number_key = '1187654321';
alter table raw.whatsapp_unhandled rename to whatsapp_aside;
alter table raw.whatsapp_aside rename constraint whatsapp_unhandled_pkey to whatsapp_aside_pkey;
insert into access.pending_vacuum values ('raw.client_delivered'), ('raw.whatsapp_aside');
update ops.alembic_version set version_num = '0002';
"""
# What the first migration makes of a state of 0.2.0, which had no such table.
(REPLIES_OF_0_2_0,) = re.findall(
    r"do \$replies\$.*?\$replies\$;",
    next(MIGRATIONS.glob("0001_*.sql")).read_text(encoding="utf-8"),
    re.DOTALL,
)


def reported_in(database: Database) -> dict[str, list[tuple[object, ...]]]:
    columns = {
        "whatsapp_status": "dispatch_id, occurred_at, status",
        "whatsapp_reply": "reply_id, occurred_at, dispatch_id, option_id",
        "whatsapp_preference": "occurred_at, value",
        "whatsapp_unhandled": "kind, payload",
    }
    with database.connect() as conn:
        return {
            table: conn.execute(
                f"select {names} from raw.{table} order by 1, 2".encode()
            ).fetchall()
            for table, names in columns.items()
        }


@pytest.mark.parametrize("version", ["0.2.0", "0.3.0"])
def test_delivered_rows_and_events_are_told_apart(
    database: Database, tmp_path: Path, version: str
) -> None:
    load(database, tmp_path / "1", DELIVERED)
    receive(database, tmp_path / "spool", *EVENTS)
    rows, reported, made = stored(database), reported_in(database), catalogue(database)
    with database.connect() as conn:
        conn.execute(LAID_OVER)
        if version == "0.2.0":
            # It kept no reply that WhatsApp reported but in raw.reply.
            conn.execute("drop table raw.whatsapp_reply")
            conn.execute(REPLIES_OF_0_2_0.encode())
            reported["whatsapp_reply"] = [
                event for event in reported["whatsapp_reply"] if event[2] == "d1"
            ]
    assert stored(database) != rows

    # The migration alone: later ones were applied to this database before.
    for path in MIGRATIONS.glob("000[1-3]_*"):
        shutil.copy(path, tmp_path)
    with database.connect() as conn:
        migrate(conn, folder=tmp_path)
        assert conn.execute("table access.pending_vacuum").fetchall() == [
            ("raw.whatsapp_unhandled",)
        ]

    assert stored(database) == rows
    assert reported_in(database) == reported
    now = catalogue(database)
    for what in ("tables", "columns", "indexes"):
        assert now[what] == made[what]
    # A table that the migration made has no bounds yet: a later migration adds them.
    assert {name for _, name, _ in made["constraints"] ^ now["constraints"]} <= {
        "whatsapp_reply_is_bounded"
    }
