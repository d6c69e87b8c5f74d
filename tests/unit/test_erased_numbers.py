"""A number is recognised as erased by the key that the models give it (R4, R10)."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja2 import Environment
from psycopg import sql

from orchestration.ingest.redaction.erased_numbers import number_keys

digits = st.text("0123456789", min_size=6, max_size=14)
numbers = (
    digits
    | digits.map("55{}".format)
    | st.from_regex(r"\A(\+55 ?)?\(?[1-9]{2}\)? ?9?[2-9][0-9]{3}-?[0-9]{4}\Z")
    | st.text(" ().-+0123456789x\u00a0\t", max_size=16)
)
ddds = st.sampled_from(["11", "(11)", " 1 1", "011", "55", "1", "a1", "", "11\u2009"]) | numbers


@settings(
    max_examples=3 * settings.default.max_examples,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(number=numbers, ddd=ddds, mobile=numbers)
def test_a_number_is_known_by_its_phone_key(
    root: Path, maintenance: psycopg.Connection, number: str, ddd: str, mobile: str
) -> None:
    macros = Environment().from_string((root / "dbt_project/macros/phone.sql").read_text()).module
    clean_ddd, clean_mobile = (macros.clean_phone(f"t.{name}") for name in ("ddd", "mobile"))
    of_client = (
        f"case when {macros.is_valid_phone(f'({clean_ddd})', f'({clean_mobile})')} then "
        f"{macros.phone_key(f'(({clean_ddd}) || ({clean_mobile}))')} end"
    )
    of_number = macros.phone_key(f"({macros.national_number('t.number')})")
    query = sql.SQL("select {}, {} from (select {}, {}, {}) as t (number, ddd, mobile)")
    found = maintenance.execute(
        query.format(
            sql.SQL(of_number), sql.SQL(of_client), *map(sql.Literal, (number, ddd, mobile))
        )
    ).fetchone()
    assert found is not None
    for key, said in ((found[0], number), (found[1], ddd + mobile)):
        if key is not None:
            assert key in number_keys(re.sub("[^0-9]", "", said))
            assert key in number_keys(key)
