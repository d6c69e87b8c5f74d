"""Reference tables: replaced whole, valid to the last row, or the delivery is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.ingest.load import DeliveryRefused
from orchestration.postgres.database import Database
from tests.deliveries import BASE, agenda, dispatch, load, reply, stored

USER, OPTION, COMPANY = BASE["app_user"][0], BASE["chatbot_option"][0], BASE["company"][0]


@pytest.mark.parametrize(
    ("table", "rows", "expected"),
    [
        ("company", [{**COMPANY, "timezone": "Mars"}], "line 2: timezone: unknown_timezone"),
        ("company", [{**COMPANY, "no_reply_days": "4"}], "line 2: no_reply_days: out_of_range"),
        ("company", [{**COMPANY, "no_show_hours": "0"}], "line 2: no_show_hours: out_of_range"),
        ("company", [COMPANY, COMPANY], "line 3: company_id: duplicate_key"),
        ("campaign", [{"campaign_id": "", "name": "x"}], "line 2: campaign_id: missing_key"),
        ("app_user", [USER, {**USER, "user_id": "u2"}], "line 3: login: not_unique"),
        ("app_user", [{**USER, "role": "boss"}], "line 2: role: unknown_code"),
        ("app_user", [{**USER, "company_id": "c9"}], "line 2: company_id: unknown_reference"),
        (
            "user_company",
            [*BASE["user_company"], *BASE["user_company"]],
            "line 3: user_id, company_id: duplicate_key",
        ),
        (
            "chatbot_option",
            [{**OPTION, "action": "book"}],
            "line 2: loss_reason_id: loss_reason_without_refuse",
        ),
        (
            "chatbot_option",
            [{**OPTION, "loss_reason_id": "l9"}],
            "line 2: loss_reason_id: unknown_reference",
        ),
        ("company", [COMPANY], "company_id c2 is no longer there, but user_company still refers"),
        ("event_type", [], "event_type_id e1 is no longer there, but agenda has rows with it"),
        ("chatbot_option", [], "option_id o1 is no longer there, but reply has rows with it"),
    ],
)
def test_a_fault_in_a_reference_table_refuses_the_delivery(
    database: Database, tmp_path: Path, table: str, rows, expected: str
):
    entities = {"agenda": [agenda()], "dispatch": [dispatch()], "reply": [reply()]}
    load(database, tmp_path / "1", {**BASE, **entities})
    before = stored(database)
    with pytest.raises(DeliveryRefused) as caught:
        load(database, tmp_path / "2", {table: rows})
    message = str(caught.value)
    assert f"{table}.csv" in message
    assert expected in message
    for value in ("Ana", "ana"):
        assert value not in message.split()
    assert stored(database) == before


def test_references_hold_among_the_tables_as_they_are_after_the_delivery(
    database: Database, tmp_path: Path
):
    load(database, tmp_path / "1", BASE)
    both = {"company": [COMPANY], "user_company": []}
    loaded = load(database, tmp_path / "2", both)
    assert [(t.table, t.new, t.known) for t in loaded.tables] == [
        ("company", 0, 1),
        ("user_company", 0, 0),
    ]
    assert len(stored(database)["company"]) == 1


def test_a_replaced_table_holds_the_new_rows_only(database: Database, tmp_path: Path):
    load(database, tmp_path / "1", BASE)
    changed = {**BASE["campaign"][0], "active": "false"}
    load(database, tmp_path / "2", {"campaign": [changed, {**changed, "campaign_id": "p2"}]})
    assert [row[2] for row in stored(database)["campaign"]] == [False, False]
