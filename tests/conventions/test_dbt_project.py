"""The dbt project keeps its habits: one clock, layers that look one way, sources as contracted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from checks.marts_suite import HAS_ONE_INSTANT
from orchestration.ingest.contract import SOURCE_TABLES, SourceTable
from orchestration.ingest.raw_tables import EVENT_TABLES

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "dbt_project"
LAYERS = ("staging", "intermediate", "marts", "measurements")
PREFIXES = ("stg_", "int_", "", "measured_")
MODELS = sorted((PROJECT / "models").rglob("*.sql"))
SQL = sorted(PROJECT.rglob("*.sql"))
REFERENCE = re.compile(r"\b(ref|source)\(\s*'(\w+)'")
OTHER_CLOCK = re.compile(
    r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\("
    r"|\bcurrent_(date|time|timestamp)\b|\blocaltime(stamp)?\b|'(now|today|yesterday|tomorrow)'",
    re.IGNORECASE,
)
# What moved between two editions follows from what they publish.
READ_MARTS = {"int_totalizer_row__movement"}
# Tables of a company: whoever joins two of them says the company too.
SHARED_KEYS = {"client_id", "event_type_id", "option_id", "phone_key", "table_name"}


def layer(path: Path) -> str:
    return path.relative_to(PROJECT / "models").parts[0]


def layer_of_model(name: str) -> str:
    return next(layer(path) for path in MODELS if path.stem == name)


def code(path: Path) -> str:
    """A model without its comments."""
    text = re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"--.*", "", text)


def properties(path: Path) -> dict[str, Any]:
    """What the yml beside a model says of it."""
    (model,) = yaml.safe_load(path.with_suffix(".yml").read_text(encoding="utf-8"))["models"]
    assert model["name"] == path.stem
    return dict(model)


def unit_tests() -> Iterator[dict[str, Any]]:
    for path in MODELS:
        yield from yaml.safe_load(path.with_suffix(".yml").read_text("utf-8")).get("unit_tests", [])


@pytest.fixture(scope="module")
def sources() -> dict[str, dict[str, Any]]:
    text = (PROJECT / "models/staging/_sources.yml").read_text(encoding="utf-8")
    (raw,) = (source for source in yaml.safe_load(text)["sources"] if source["name"] == "raw")
    return {table["name"]: table for table in raw["tables"]}


def test_the_sources_are_the_tables_of_the_contract_and_the_events(
    sources: dict[str, dict[str, Any]],
) -> None:
    assert list(sources) == [*(table.name for table in SOURCE_TABLES), *EVENT_TABLES]


@pytest.mark.parametrize("table", SOURCE_TABLES, ids=lambda table: table.name)
def test_a_source_has_the_columns_of_the_contract(
    sources: dict[str, dict[str, Any]], table: SourceTable
) -> None:
    expected = [(column.name, column.sql_type) for column in table.columns]
    if table.company_from:
        expected.insert(0, ("company_id", "text"))
    expected.append(("delivery_id", "bigint"))
    declared = sources[table.name]
    assert [(column["name"], column["data_type"]) for column in declared["columns"]] == expected
    assert declared["config"]["meta"]["dagster"]["asset_key"] == ["raw", table.name]


@pytest.mark.parametrize("path", SQL, ids=lambda path: path.stem)
def test_there_is_no_clock_but_as_of(path: Path) -> None:
    assert not OTHER_CLOCK.search(code(path)), "use {{ as_of() }} (R3)"


# In an order by these come first because `distinct on` wants its keys there: they break no tie.
ORDER_BY = re.compile(
    r"(?:\bdistinct on \(([^)]*)\).*?)?\border by\s(.*?)(?=\n\s*\)|\)|\Z)", re.DOTALL
)


@pytest.mark.parametrize("path", SQL, ids=lambda path: path.stem)
def test_ids_break_ties_by_code_point(path: Path) -> None:
    """R3: the tables of the layers carry the database's own collation, whatever it is. The
    databases of the tests order by code point anyway, so only this sees a tie broken without it.
    """
    text = code(path)
    assert not re.search(r"\b(max|min)\s*\([\w.]*_id\b", text), "order by the id instead (R3)"
    for keys, order in ORDER_BY.findall(text):
        grouped = {key.strip() for key in keys.split(",")}
        for term in (term.strip() for term in order.split(",")):
            if re.match(r"[\w.]*_id\b", term) and term.split()[0] not in grouped:
                assert re.match(r'[\w.]+ collate "C"', term), f'{term}: collate "C" is missing (R3)'


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_model_reads_only_the_layers_before_it(path: Path) -> None:
    for kind, name in REFERENCE.findall(code(path)):
        if kind == "source":
            assert layer(path) == "staging" or name == "history", "only staging reads a source"
        elif name != "whatsapp_error":
            read = layer_of_model(name)
            if path.stem not in READ_MARTS:
                assert LAYERS.index(read) <= LAYERS.index(layer(path)), f"{name} is of {read}"
            assert layer(path) != "staging", "staging reads sources"


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_references_are_imported_at_the_top(path: Path) -> None:
    """`from ref(…) as a` breaks under `--empty`; an import is a CTE of its own."""
    for line in code(path).splitlines():
        if "ref(" in line:
            assert re.fullmatch(r"\s+(select \* )?from \{\{ ref\(('\w+'|table)\) \}\}", line), line


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_join_names_the_company(path: Path) -> None:
    for keys in re.findall(r"\busing \(([\w, ]+)\)", code(path)):
        columns = keys.split(", ")
        assert columns[0] == "company_id" or columns[0] in SHARED_KEYS, keys


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_model_decides_in_its_layer(path: Path) -> None:
    assert path.stem.startswith(PREFIXES[LAYERS.index(layer(path))])
    if layer(path) == "marts":
        assert not re.search(r"\bcase\b", code(path)), "marts assemble"
    assert code(path) == code(path).lower() or 'collate "C"' in code(path) or "'" in code(path)


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_model_is_described(path: Path) -> None:
    model = properties(path)
    assert model["description"].strip()
    rule = model.get("config", {}).get("meta", {}).get("rule")
    assert rule is None or re.fullmatch(r"R\d+", rule)
    for column in model["columns"]:
        assert column["data_type"], column["name"]
        if layer(path) == "marts":
            assert column.get("description"), f"{path.stem}.{column['name']} is public"


def test_every_published_table_is_shown_by_an_exposure() -> None:
    text = (PROJECT / "models/exposures.yml").read_text(encoding="utf-8")
    shown = {name for _, name in REFERENCE.findall(text)}
    assert {path.stem for path in MODELS if layer(path) == "marts"} <= shown


def test_the_tables_measured_are_those_that_the_checks_look_at() -> None:
    text = (PROJECT / "models/measurements/measured_table.sql").read_text(encoding="utf-8")
    assert tuple(re.findall(r"^    '(\w+)',$", text, re.MULTILINE)) == HAS_ONE_INSTANT


RULES = set(range(3, 20))


def test_every_rule_from_r3_to_r19_is_carried_by_a_model_or_a_macro() -> None:
    carried = {properties(path).get("config", {}).get("meta", {}).get("rule") for path in MODELS}
    for macro in (PROJECT / "macros").glob("*.sql"):
        carried |= set(re.findall(r"\{# (R\d+)", macro.read_text(encoding="utf-8")))
    assert {f"R{number}" for number in RULES} <= carried


def test_every_rule_from_r3_to_r19_has_unit_tests_named_for_it() -> None:
    """But R14: who may see a row is tested with readers."""
    tested = {re.match(r"r(\d+)_", test["name"]) for test in unit_tests()}
    assert None not in tested
    assert {match.group(1) for match in tested if match} == {str(n) for n in RULES - {14}}


def test_published_keys_lead_with_the_company() -> None:
    for path in MODELS:
        if layer(path) != "marts":
            continue
        model = properties(path)
        columns = [column["name"] for column in model["columns"]]
        keys = [c["columns"] for c in model.get("constraints", []) if c["type"] == "primary_key"]
        if {"company_id", "as_of"} <= set(columns):
            assert columns[0] == "company_id", path.stem
            assert all(key[0] == "company_id" for key in keys), path.stem
