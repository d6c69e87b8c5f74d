"""A first run on a fresh home, told and published as promised; then what checks may stop."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from pipeline import Program

from reports.labels import TOTALIZERS
from tests.conftest import PublishedDemo

pytestmark = pytest.mark.usefixtures("one_check_worker")

AS_OF = "2026-11-20T12:00:00-03:00"


@pytest.fixture(scope="module")
def first_run(published_demo: PublishedDemo) -> str:
    return published_demo.printed


def test_the_run_tells_its_stages_its_totals_and_where_the_pages_are(first_run: str) -> None:
    for stage in ("load", "check", "build", "pages", "publish"):
        assert any(line.startswith(stage) and "done" in line for line in first_run.splitlines())
    assert "peak memory" in first_run
    assert (
        first_run.strip().splitlines()[-1].startswith("Published as of 2026-11-20T12:00:00-03:00")
    )
    assert Path(first_run.rsplit("Open ", 1)[1].strip()).is_file()


def test_every_totalizer_of_the_demo_has_every_bucket(program: Program, first_run: str) -> None:
    with program.database.connect() as conn:
        found: dict[str, set[str]] = {}
        for totalizer, bucket in conn.execute(
            "select distinct totalizer, bucket from marts.totalizer"
        ):
            found.setdefault(totalizer, set()).add(bucket)
    assert found.keys() == set(TOTALIZERS)
    assert found["active"] == {"sent", "opted_out", "invalid_phone", "other"}
    assert found["no_show"] == {"manual", "automatic"}
    assert found["no_reply"] == {"1", "2", "3+"}
    assert len(found["passive"]) == 5
    assert "unspecified" in found["refused"]


def test_the_pages_are_for_their_owner_only(program: Program, first_run: str) -> None:
    published = program.home / "published"
    for folder, _, files in os.walk(published):
        assert stat.S_IMODE(Path(folder).stat().st_mode) == 0o700
        for name in files:
            assert stat.S_IMODE((Path(folder) / name).stat().st_mode) == 0o600


def test_no_personal_data_in_output_events_or_check_results(
    program: Program, first_run: str
) -> None:
    with program.database.connect() as conn:
        personal = {
            value
            for row in conn.execute(
                "select name, mobile, landline, email from marts.client"
                " union all select plate, null, null, null from marts.vehicle"
            )
            for value in row
            if value and len(value) > 6
        }
        told = first_run + "".join(
            str(row)
            for table in ("dagster.event_logs", "dagster.runs", "ops.check_result", "ops.delivery")
            for row in conn.execute(f"select t::text from {table} as t")
        )
    told += program.beside("qualidade.html") + program.beside("edicoes.html")
    assert len(personal) > 500
    assert [value for value in personal if value in told] == []


def test_every_totalizer_row_is_computed_for_the_instant(program: Program, first_run: str) -> None:
    with program.database.connect() as conn:
        rows = conn.execute("select distinct as_of = %s from marts.totalizer", [AS_OF]).fetchall()
        history = conn.execute(
            "select distinct snapshot_date::text from marts.totalizer_history"
        ).fetchall()
    assert (rows, history) == ([(True,)], [("2026-11-20",)])


def test_a_company_that_lost_all_its_rows_stops_publication(
    program: Program, first_run: str
) -> None:
    before, pages = program.published(), program.pages()
    with program.database.connect() as conn:
        company, agendas = conn.execute(
            "select company_id, count(*) from raw.agenda group by 1 order by 2 limit 1"
        ).fetchone()  # type: ignore[misc]
        for table in ("reply", "booking", "dispatch", "call_attempt", "passive_contact", "agenda"):
            conn.execute(f"create table raw.keep_{table} as select * from raw.{table}")
            conn.execute(f"delete from raw.{table} where company_id = %s", [company])
    assert agendas
    empty = program.home / "nothing_new"
    empty.mkdir()
    (empty / "campaign.csv").write_bytes((program.home / "demo" / "campaign.csv").read_bytes())

    said = program.call("run", "--source", empty, "--as-of", AS_OF)

    with program.database.connect() as conn:
        for table in ("agenda", "dispatch", "booking", "reply", "call_attempt", "passive_contact"):
            conn.execute(f"truncate raw.{table}")
            conn.execute(f"insert into raw.{table} select * from raw.keep_{table}")
            conn.execute(f"drop table raw.keep_{table}")
    assert said.exit_code == 3, said.output
    assert said.last_line.startswith("Not published: blocking checks failed")
    assert (program.published(), program.pages()) == (before, pages)
    told = program.beside("qualidade.html")
    assert "Uma verificação parou a última execução em" in told
    assert "os dados publicados são de 20/11/2026 12:00" in told
    lost = told.partition("O que não passou Verificação")[2]
    assert lost.index("Nenhuma empresa perdeu todas as suas agendas") < lost.index("✕ bloqueou")


def test_a_failed_data_test_stops_publication(
    program: Program, first_run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A total that is not the number of its rows is the worst that could be published."""
    from dataclasses import replace

    from orchestration.publication import build as model_build

    real = model_build.build
    before = program.published()

    def build_with_a_failed_test(*arguments: object, **named: object) -> object:
        outcomes = real(*arguments, **named)  # type: ignore[arg-type]
        return [
            replace(o, status="fail", failures=7)
            if o.name == "assert_every_total_equals_its_rows"
            else o
            for o in outcomes
        ]

    monkeypatch.setattr(model_build, "build", build_with_a_failed_test)
    said = program.call("run", "--source", program.home / "demo", "--as-of", AS_OF)
    assert said.exit_code == 3, said.output
    assert "assert_every_total_equals_its_rows (7 rows)" in said.last_line
    assert program.published() == before
    assert (
        "Cada total é igual ao número das suas linhas."
        " assert_every_total_equals_its_rows ✕ bloqueou 7 encontradas bloqueia"
    ) in program.beside("qualidade.html")
