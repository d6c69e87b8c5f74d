"""The declared suites: names, tables, languages, and what importing them costs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from checks.published_tables import COLUMNS
from checks.spec import Check, Limits, Measurement, Suite, values_in_set
from checks.suites import SUITES
from orchestration.ingest.contract import ENTITY_TABLES, SOURCE_TABLES

CHECKS = [check for suite in SUITES.values() for check in suite.checks]


def test_importing_the_checks_does_not_import_great_expectations(root: Path) -> None:
    code = (
        "import sys, json, checks, checks.runner, checks.results, checks.asset_checks;"
        "print(json.dumps([name for name in sys.modules if name.startswith('great_exp')]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_check_says_itself_in_both_languages(check: Check) -> None:
    for sentence in (check.description, check.screen):
        assert sentence.endswith(".")
        assert sentence[0].isupper() or sentence[0] == "`"
    assert check.description != check.screen


def test_only_structure_loss_and_what_everything_needs_block() -> None:
    blocking = {check.name for check in CHECKS if check.blocking}
    kinds = ("_has_its_columns", "_is_of_one_instant", "_is_not_mostly_parked")
    assert {name for name in blocking if not name.endswith(kinds)} == {
        "company_is_not_empty",
        "event_type_is_not_empty",
        "no_company_lost_all_agendas",
    }


def test_every_source_table_that_a_first_delivery_must_hold_is_checked_for_rows() -> None:
    checked = {
        check.table[1] for check in SUITES["loaded"].checks if check.name.endswith("_is_not_empty")
    }
    assert checked == {table.name for table in SOURCE_TABLES if not table.may_be_missing}


def test_every_entity_is_checked_for_rows_set_aside() -> None:
    checked = {check.table[1] for check in SUITES["loaded"].checks if "row_rejected" in check.name}
    assert checked == {table.name for table in ENTITY_TABLES}


def test_the_published_tables_are_those_of_the_specification() -> None:
    assert list(COLUMNS)[:8] == [
        "agenda_status",
        "passive_contact_status",
        "totalizer",
        "totalizer_history",
        "sending_alarm",
        "call_list",
        "no_show_return",
        "dispatch_due",
    ]
    assert (
        len(COLUMNS["agenda_status"]) == 32
    )  # 29 of section 4, visit_state, created_at, closed_at


def test_a_suite_refuses_two_checks_of_one_name() -> None:
    expectation = values_in_set(Measurement("one", "select 1"), "one", [1])
    check = Check("same", ("raw", "agenda"), expectation, (), "A.", "B.")
    with pytest.raises(ValueError, match="same"):
        Suite("loaded", (check, check))


def test_limits_refuse_what_they_do_not_know() -> None:
    assert Limits.from_mapping({"stale_hours": 48}).stale_hours == 48
    with pytest.raises(ValueError, match="stale_days"):
        Limits.from_mapping({"stale_days": 2})
    with pytest.raises(ValueError, match="stale_hours"):
        Limits.from_mapping({"stale_hours": "0; drop schema marts"})
