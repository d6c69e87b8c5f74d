"""Each column of each table with values that break programs, one value a row (section 2, R2).

A row is stored as the contract reads it, or set aside by its column and reason; a reference table
is refused by its row. Whatever was stored, the run publishes.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from pipeline import Program

from orchestration.ingest.contract import (
    ENTITY_TABLES,
    REFERENCE_TABLES,
    Column,
    SourceTable,
    source_table,
)
from orchestration.ingest.errors import DeliveryRefused
from orchestration.ingest.load import LoadSettings, load_delivery
from orchestration.ingest.raw_tables import column_names

pytestmark = pytest.mark.usefixtures("one_check_worker")

AS_OF = "2026-11-20T12:00:00-03:00"
HOSTILE = {
    "20,000 characters": "9" * 20_000,
    "the most of a text": "x" * 254,
    "one more": "y" * 255,
    "the most of an id, four bytes each": "😀" * 64,
    "the most of a text, four bytes each": "".join(chr(0x20000 + n) for n in range(254)),
    "the most of a long text": "z" * 2_000,
    "longer when normalized": "\U0001d160" * 200,
    "longer in another case": "İﬃ" * 100,
    "words": " ".join(chr(0x4E00 + n) for n in range(127)),
    "empty": "",
    "blank": " \u00a0\u2003\u3000",
    "padded": "\u2003padded\t",
    "control": "\x01\x07\b\x1b[31m\x7f\x9f",
    "NUL": "a\0b",
    "like NUL": "\\0 \\x00 \\u0000 \N{SYMBOL FOR NULL}",
    "like a surrogate": "\\ud800 \ufffd",
    "no character": "\ufffe\uffff\U0010ffff",
    "private use": "\ue000\U000f0000",
    "combining": "e" + "\N{COMBINING ACUTE ACCENT}" * 60,
    "combining alone": "\N{COMBINING ENCLOSING CIRCLE}",
    "right to left": "\u202e\u2067אבגד\u2069\u202c",
    "joined": "👨\u200d👩\u200d👧\ufe0f",
    "variables": "{{ 7 * 7 }} %s %(x)s ${x} :x $1",
    "markup": "</td><script>alert(1)</script><r>1</r>",
    "formula": "=HYPERLINK(1)",
    "SQL": "'; drop table raw.client; --",
    "lines": 'a "b"\r\n,c;\n\rd',
    "end of data": "\\.",
    "path": "../../etc/passwd",
    "earliest time": "0002-01-01T00:00:00Z",
    "latest time": "9998-12-31T23:59:59.999999Z",
    "no time": "infinity",
    "earliest date": "0002-01-01",
    "latest date": "9998-12-31",
    "number": "1e400",
    "not a number": "NaN",
}
_TIMES = ("earliest time", "latest time")
_DATES = ("earliest date", "latest date", "earliest time")  # the last at midnight


class Trial(NamedTuple):
    """A row with one hostile value."""

    column: Column
    value: str
    name: str
    row: Mapping[str, str | None]


def trials(program: Program, table: SourceTable) -> Iterator[Trial]:
    """One row for each column and value; its other columns are those of a stored row.

    It refers to nothing that it need not refer to, so that only the value can be at fault.
    """
    with program.database.connect() as conn:
        (row,) = conn.execute(
            f"select to_jsonb(t) from raw.{table.name} as t limit 1".encode()
        ).fetchone() or ({},)
    usual = {name: None if row[name] is None else str(row[name]) for name in column_names(table)}
    usual |= {one.name: None for one in table.columns if one.references and one.nullable}
    for column in table.columns:
        for name, value in HOSTILE.items():
            key = f"hostile {len(name)} {name} {column.name}"[:64]
            own = dict.fromkeys((table.key[0], *table.unique), key)
            yield Trial(column, value, name, {**usual, **own, column.name: value})


def fault(table: SourceTable, trial: Trial) -> str | None:
    """Why the row is set aside, in plain Python."""
    column, value = trial.column, trial.value
    kept = value.strip() if column.kind == "id" else value
    if "\0" in value:
        return "does_not_cast"
    if column.only_with and trial.row[column.only_with[0]] != column.only_with[1]:
        return None  # ignored
    if not kept:
        missing = "missing_key" if column.name in table.key else "missing_value"
        return None if column.nullable else missing
    if column.codes:
        return "unknown_code"
    if column.references and len(kept) <= 64:
        return "unknown_reference"
    if column.kind in ("id", "text"):
        return "too_long" if len(kept) > (64 if column.kind == "id" else 254) else None
    good = {"timestamp": _TIMES, "date": _DATES}.get(column.kind, ())
    return None if column.kind == "long_text" or trial.name in good else "does_not_cast"


def write(folder: Path, table: SourceTable, rows: list[Mapping[str, str | None]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{table.name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, column_names(table))
        writer.writeheader()
        writer.writerows(rows)
    return folder


@pytest.mark.parametrize(
    "names",
    [
        pytest.param([table.name for table in ENTITY_TABLES], id="all at once"),
        *(
            pytest.param([table.name], id=table.name, marks=pytest.mark.proof)
            for table in ENTITY_TABLES
        ),
    ],
)
def test_a_row_is_stored_or_set_aside_and_the_run_publishes(
    program: Program, tmp_path: Path, names: list[str]
) -> None:
    tried = {name: list(trials(program, source_table(name))) for name in names}
    for name, of_table in tried.items():
        write(tmp_path / "delivery", source_table(name), [trial.row for trial in of_table])
    with program.database.connect() as conn:
        (last,) = conn.execute("select max(delivery_id) from ops.delivery").fetchone() or (0,)

    said = program.call(
        "run", "--source", tmp_path / "delivery", "--as-of", AS_OF, MAX_REJECTED_SHARE="1"
    )

    assert said.exit_code == 0, said.output
    counts: Counter[str] = Counter()
    for name, of_table in tried.items():
        table = source_table(name)
        with program.database.connect() as conn:
            rejected = conn.execute(
                "select line, column_name, reason from raw.rejected_row"
                " where table_name = %s and last_delivery_id > %s",
                [name, last],
            )
            aside = {line: (column, reason) for line, column, reason in rejected}
            ids = {
                one: {
                    key for (key,) in conn.execute(f"select {key_of(one)} from raw.{one}".encode())
                }
                for one in {name, *(column.references for column in table.columns)} - {None}
            }
        line = 2
        for trial in of_table:
            column, found = trial.column, aside.get(line)
            reason = fault(table, trial)
            if reason == "unknown_reference" and trial.value.strip() in ids[column.references]:
                # It is the hostile key of another row, perhaps of another company.
                reason = found[1] if found == (column.name, "company_mismatch") else None
            assert found == ((column.name, reason) if reason else None), (name, column, trial.name)
            if reason is None:
                assert (trial.row[table.key[0]] or "").strip() in ids[name], trial.name
            counts[reason or "stored"] += 1
            line += lines_of(trial.row)
    print(f"{sum(counts.values())} rows of {', '.join(names)}: {dict(counts)}")
    with program.database.connect() as conn:
        lost = conn.execute(
            "select count(*) from (select client_id from raw.client"
            " except select client_id from marts.client) as lost"
        )
        assert lost.fetchone() == (0,)


def key_of(table: str) -> str:
    return source_table(table).key[0]


def lines_of(row: Mapping[str, str | None]) -> int:
    """The physical lines of a row, as a reader of files with any line end counts them."""
    text = "".join(value or "" for value in row.values()).replace("\r\n", "\n")
    return 1 + text.count("\n") + text.count("\r")


@pytest.mark.proof
@pytest.mark.parametrize("table", REFERENCE_TABLES, ids=lambda table: table.name)
def test_a_reference_table_is_refused_by_its_row_or_published(
    program: Program, tmp_path: Path, table: SourceTable
) -> None:
    with program.database.connect() as conn:
        usual = [
            {name: None if row[name] is None else str(row[name]) for name in column_names(table)}
            for (row,) in conn.execute(f"select to_jsonb(t) from raw.{table.name} as t".encode())
        ]
    counts: Counter[str] = Counter()
    for number, trial in enumerate(trials(program, table)):
        row = dict(trial.row)
        if table.name == "user_company":
            row = {**usual[0], trial.column.name: trial.value}
        folder = write(tmp_path / str(number), table, [*usual, row])
        message = refusal(program, folder)
        counts["refused" if message else "loaded"] += 1
        if message:
            assert f"{table.name}.csv, line {2 + sum(map(lines_of, usual))}: " in message, trial
        else:
            # It stays: rows that waited for its key refer to it now.
            usual.append(row)
    said = program.call("run", "--source", write(tmp_path / "all", table, usual), "--as-of", AS_OF)
    assert said.exit_code == 0, said.output
    print(f"{table.name}: {dict(counts)}")


def refusal(program: Program, folder: Path) -> str:
    """Load a delivery; return why it was refused, or nothing."""
    try:
        load_delivery(program.database, folder, LoadSettings())
    except DeliveryRefused as refused:
        return str(refused)
    return ""


def test_bytes_that_are_no_character_refuse_the_delivery_by_line(
    program: Program, tmp_path: Path
) -> None:
    client = source_table("client")
    for number, value in enumerate(("\ud800", "\udfff", "\ud83d\ude00")):
        folder = write(tmp_path / str(number), client, [])
        with (folder / "client.csv").open("ab") as file:
            file.write(f"x,{AS_OF},{value},,,,,true\r\n".encode("utf-8", "surrogatepass"))
        with pytest.raises(DeliveryRefused, match=r"client\.csv, line 2: the bytes are not utf-8"):
            load_delivery(program.database, folder, LoadSettings())
