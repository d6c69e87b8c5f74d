"""A check that stops publication: nobody sees other data, somebody is told once, and once again
when it is over.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import pytest
from pipeline import Program, Said
from prometheus_client.parser import text_string_to_metric_families
from receiver import Receiver, webhook

pytestmark = pytest.mark.usefixtures("one_check_worker")

AS_OF = "2026-11-20T12:00:00-03:00"
BEFORE_ALL_AGENDAS = "2016-01-04T12:00:00-03:00"


def call(program: Program, hook: Receiver, *arguments: str | Path) -> Said:
    # The demo's data are of one day, so that their age is not what is looked at.
    told = {"NOTIFY_WEBHOOKS": hook.url, "STALE_HOURS": "1000000", "EDITION_DEADLINE": "never"}
    return program.call(*arguments, **told)


def run(program: Program, hook: Receiver, as_of: str, exit_code: int = 0) -> None:
    said = call(program, hook, "run", "--source", program.home / "demo", "--as-of", as_of)
    assert said.exit_code == exit_code, said.output
    assert "Warning: alarms" not in said.output, said.output


def test_a_failing_check_is_told_once_and_its_end_once(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    with webhook() as hook:
        assert call(program, hook, "notify").exit_code == 0
        of_sending = len(hook.bodies)  # the demo plants sending problems (R12)
        tables, pages = program.published(), program.pages()

        run(program, hook, BEFORE_ALL_AGENDAS, exit_code=3)
        assert call(program, hook, "notify").exit_code == 0  # as the sensor looks each minute

        assert (program.published(), program.pages()) == (tables, pages)
        said = program.beside("qualidade.html")
        assert "Uma verificação parou a última execução em" in said
        assert "os dados publicados são de 20/11/2026 12:00" in said
        # Every page tells its own age to who looks: the banner stands there with its limit.
        for name, page in pages.items():
            if name.endswith(".html"):
                assert re.search(rb'id="pagina-antiga"[^>]* data-generated="2\d{3}-', page), name
        assert hook.news[of_sending:] == [(["run_failed"], [])]
        (told,) = hook.messages[of_sending:]
        assert told["subject"] == "Uma verificação parou a publicação"
        assert "Continua publicado o de 20/11/2026 12:00." in told["text"]

        run(program, hook, AS_OF)
        assert hook.news[of_sending + 1 :] == [([], ["run_failed"])]
        assert "parou a última execução" not in program.beside("qualidade.html")
        metrics_tell_the_same(program)
        with capsys.disabled():
            print(
                f"\nA check failed: {len(tables)} published tables and "
                f"{len(pages):,} files as they were; told {len(hook.bodies) - of_sending} times: "
                "that it began, that it ended."
            )


def metrics_tell_the_same(program: Program) -> None:
    """What is printed and what the last run wrote, against what happened."""
    said = program.call("metrics")
    assert said.exit_code == 0, said.output
    printed, file = samples(said.output), program.home / "metrics" / "atendimento.prom"
    written = samples(file.read_text(encoding="utf-8"))
    assert written.keys() == printed.keys()
    # What grows while it is looked at, or tells when it was.
    moving = ("database_bytes", "disk_free_bytes", "event_log_rows", "metrics_timestamp_seconds")
    assert {key: value for key, value in printed.items() if not key[0].endswith(moving)} == {
        key: value for key, value in written.items() if not key[0].endswith(moving)
    }
    assert (
        printed["atendimento_as_of_timestamp_seconds", ()]
        == datetime.fromisoformat(AS_OF).timestamp()
    )
    assert printed["atendimento_runs_on_record", ("published",)] == 2
    assert printed["atendimento_runs_on_record", ("stopped",)] == 1
    assert printed["atendimento_alarms", ("run_failed",)] == 0
    assert printed["atendimento_checks", ("failed",)] == 0
    with program.database.connect() as conn:
        active = conn.execute(
            "select sum(agenda_count) from marts.totalizer where totalizer = 'active'"
        ).fetchone()
    assert active
    assert active[0] == sum(
        value
        for (name, labels), value in printed.items()
        if name == "atendimento_agendas" and "active" in labels
    )
    stages = {labels for name, labels in printed if name == "atendimento_stage_seconds"}
    assert stages == {
        (stage,)
        for stage in ("load", "check_loaded", "build", "check_published", "pages", "publish")
    }


def samples(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """Each sample of a text by its name and the values of its labels."""
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
