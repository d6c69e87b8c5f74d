"""What the quality page says: every way a day, a run and a check can end, told apart in words."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from html.parser import HTMLParser

import pytest

from checks.runner import CheckCrashed
from checks.suites import SUITES
from orchestration.errors import STOPPED_BY_CHECK_KINDS, DatabaseError
from orchestration.ingest import errors
from orchestration.ingest.contract import SOURCE_TABLES
from orchestration.ingest.errors import DeliveryRefused
from orchestration.ingest.redaction.erasure_key import ErasureKeyMissing
from orchestration.ingest.whatsapp import store
from orchestration.publication.build import ChecksStopped
from orchestration.publication.dbt import BuildFailed
from orchestration.publication.swap import PublicationError
from orchestration.runs.bootstrap import RunInProgress, RunLockLost
from orchestration.runs.run_result import EXTERNAL_KINDS
from orchestration.runs.stale_runs import RunAbandoned
from orchestration.settings import SettingsError
from reports import labels
from reports.editions import PublishError
from reports.pages import check_history, deliveries, quality, runs
from reports.pages.check_history import Result
from reports.pages.deliveries import DeliveryRow, FileRow, SetAsideRow
from reports.pages.quality import QualityFacts
from reports.pages.runs import Run, RunTraces
from reports.render import render
from reports.view_model import Proof, Stamp
from tests.unit.reports.ops_tables import HIDDEN, NOW

ZONE = "America/Sao_Paulo"
TODAY = date(2026, 11, 20)
NINE = datetime.combine(TODAY, time(9))
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
STAMP = Stamp(
    as_of=NINE,
    data_until=NINE - timedelta(hours=1),
    generated_at=NINE,
    generated_machine=NOW.isoformat(),
    timezone=ZONE,
    stale_hours=24,
)
TRACES = RunTraces("r", None, None, NOW, NOW, None, "", "", False)
NOTHING = QualityFacts(
    runs=[], days=runs.days([], TODAY, None), suites=[], deliveries=[], set_aside=[]
)


def run(outcome: str, ended_at: datetime = NINE, **columns: object) -> Run:
    made = Run(f"{outcome} {ended_at}", ended_at, NINE - DAY, None, outcome, "", "")
    return made._replace(**columns)


def text_of(facts: QualityFacts, stamp: Stamp = STAMP) -> str:
    """All the page says, without what a reader who sees nothing is not told."""
    html = render(quality.build_quality_page(facts, stamp, Proof("run-1", "0123"), ()))
    said: list[str] = []
    parser = HTMLParser()
    parser.handle_data = said.append  # type: ignore[method-assign]
    parser.feed(re.sub(r"<(style|script)>.*?</\1>", "", html, flags=re.DOTALL))
    return " ".join(" ".join(said).split())


@pytest.mark.parametrize(
    ("traces", "expected"),
    [
        (TRACES, "unfinished"),
        (TRACES._replace(is_blocked=True), "unfinished"),
        (TRACES._replace(failed_at=NOW), "failed"),
        (TRACES._replace(failed_at=NOW, is_blocked=True), "stopped"),
        (TRACES._replace(published_at=NOW, active_agendas=1), "published"),
        (TRACES._replace(published_at=NOW, active_agendas=0), "zero"),
        (TRACES._replace(published_at=NOW), "published"),
        (TRACES._replace(published_at=NOW, failed_at=NOW, active_agendas=1), "published"),
    ],
)
def test_what_a_run_left_says_how_it_ended(traces: RunTraces, expected: str) -> None:
    assert runs.run_of(traces, ZONE).outcome == expected


def test_a_run_ends_when_it_published_or_failed() -> None:
    later = NOW + timedelta(minutes=5)
    published = TRACES._replace(published_at=NOW, seen_at=later, active_agendas=1)
    assert runs.run_of(published, ZONE).ended_at == NINE + timedelta(minutes=1)
    assert runs.run_of(TRACES._replace(seen_at=later), ZONE).ended_at.minute == 6


def test_every_way_a_day_can_end_has_its_own_sign_and_word() -> None:
    marks = [runs.mark_of(code) for code in (*labels.RUN_OUTCOMES, "none")]
    assert len({mark.sign for mark in marks}) == len(marks) == 6
    assert len({mark.words for mark in marks}) == len(marks)
    assert [entry.mark for entry in runs.LEGEND] == marks


def test_every_result_of_a_check_has_its_own_sign_and_word() -> None:
    words = labels.CHECK_RESULTS.values()
    assert len({one.sign for one in words}) == len({one.words for one in words}) == len(words)


def test_a_day_shows_how_its_last_run_ended_and_counts_the_others() -> None:
    hour = timedelta(hours=1)
    days = runs.days(
        [
            run("failed", NINE),
            run("published", NINE - hour, active_agendas=1234),
            run("published", NINE - 2 * hour, active_agendas=9),
            run("zero", NINE - 2 * DAY, active_agendas=0),
        ],
        TODAY,
        TODAY - 4 * DAY,
    )
    assert len(days) == runs.DAYS
    assert days[-1].day == TODAY
    assert days[-1].mark == runs.mark_of("failed")
    assert days[-1].runs == "2 publicadas, 1 falhou"
    assert days[-1].agendas == "1.234 agendas"
    assert [day.mark.code if day.mark else "" for day in days[-6:]] == [
        "", "", "none", "zero", "none", "failed",
    ]  # fmt: skip
    assert days[-3].runs == ""
    assert days[-3].agendas == "0 agendas"


def test_without_any_run_every_day_is_blank() -> None:
    assert [day.mark for day in runs.days([], TODAY, None)] == [None] * runs.DAYS


def test_a_run_belongs_to_the_day_on_which_it_ended() -> None:
    midnight = datetime.combine(TODAY - DAY, time.min)
    days = runs.days(
        [run("published", midnight), run("failed", midnight - SECOND)], TODAY, TODAY - 9 * DAY
    )
    assert [day.mark.code for day in days[-4:] if day.mark] == [
        "none", "failed", "published", "none",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("last", "says"),
    [
        ("failed", "A última execução falhou em 20/11/2026 09:00: os dados publicados são de"),
        ("stopped", "Uma verificação parou a última execução em 20/11/2026 09:00"),
        ("zero", "A última publicação, de 20/11/2026 09:00, não tem nenhuma agenda ativa."),
    ],
)
def test_a_last_run_that_went_wrong_is_told_first(last: str, says: str) -> None:
    said = text_of(NOTHING._replace(runs=[run(last), run("published", NINE - DAY)]))
    assert says in said
    assert said.index(says) < said.index("Última execução")
    assert says not in text_of(NOTHING._replace(runs=[run("published"), run(last, NINE - DAY)]))


def test_a_failure_before_any_publication_names_no_date_of_data() -> None:
    never = STAMP._replace(as_of=None, data_until=None)
    said = text_of(NOTHING._replace(runs=[run("failed")]), never)
    assert "falhou em 20/11/2026 09:00: nada foi publicado até hoje" in said
    assert "Calculado para nunca publicado" in said


@pytest.mark.parametrize("last", ["published", "unfinished"])
def test_a_last_run_that_did_not_fail_is_no_alarm(last: str) -> None:
    assert quality.build_quality_page(
        NOTHING._replace(runs=[run(last)]), STAMP, Proof("r", "0"), ()
    ).warned is None  # fmt: skip


def test_an_error_that_was_not_written_for_a_person_is_not_told() -> None:
    line = runs.line_of(run("failed", kind="", sentence=HIDDEN))
    assert (line.reason, line.sentence) == ("Erro do programa", "")
    line = runs.line_of(run("failed", kind="ValueError", sentence=HIDDEN))
    assert (line.reason, line.sentence) == ("Erro do programa", "")
    line = runs.line_of(run("failed", kind="DeliveryRefused", sentence="agenda.csv: no column"))
    assert (line.reason, line.sentence) == ("Entrega recusada", "agenda.csv: no column")


def test_every_error_written_for_a_person_has_words() -> None:
    raised = {
        *(BuildFailed, ChecksStopped, DatabaseError, DeliveryRefused, PublicationError),
        *(ErasureKeyMissing, RunAbandoned, RunInProgress, RunLockLost, SettingsError),
    }
    assert labels.FAILURE_KINDS.keys() == {
        *(error.kind for error in raised),
        *(error.__name__ for error in (CheckCrashed, PublishError)),
        *STOPPED_BY_CHECK_KINDS,
        *EXTERNAL_KINDS,
    }


def result(name: str, run_id: str, *, unexpected: int = 0, **columns: object) -> Result:
    details = {"rows": [{"company_id": "c1"}]} if unexpected else None
    made = Result("published", name, run_id, False, unexpected == 0, unexpected, details)
    return made._replace(**columns)


def test_a_check_shows_its_last_result_and_its_history_run_by_run() -> None:
    last, before, first = (run("published", NINE - days * DAY) for days in range(3))
    found = [
        result("falls", last.run_id, unexpected=1234),
        result("falls", first.run_id),
        result("rises", before.run_id, unexpected=1, blocking=True),
    ]
    (suite,) = check_history.suite_histories(
        [last, before, first], found, {("published", "falls"): "Não caiu."}
    )
    falls, rises = suite.checks
    assert (falls.words, rises.words) == ("Não caiu.", "rises")
    assert [mark.code for mark in falls.marks] == ["passed", "absent", "warned"]
    assert falls.figure == "1.234 encontradas"
    assert falls.rows == ("empresa c1",)
    assert falls.when == ""
    assert falls.history == (
        "Passou em 1 de 2 execuções; a última que não passou: 20/11/2026 09:00"
    )
    assert (rises.severity, rises.mark.code, rises.figure) == (
        "bloqueia",
        "blocked",
        "1 encontrada",
    )
    assert rises.when == "19/11/2026 09:00"
    assert suite.counts == "1 bloqueou, 1 avisou"


def test_a_check_that_could_not_be_computed_is_no_finding() -> None:
    crashed = result("x", "r", passed=False, details={"crashed": "UndefinedTable"}, blocking=True)
    assert check_history.mark_of(crashed).code == "crashed"
    (suite,) = check_history.suite_histories([run("failed", run_id="r")], [crashed], {})
    assert suite.checks[0].figure == "sem resultado"


def test_what_did_not_pass_stands_first_the_worst_above() -> None:
    last = run("published")
    found = [
        result("a passes", last.run_id),
        result("b warns", last.run_id, unexpected=1),
        result("c blocks", last.run_id, unexpected=1, blocking=True),
    ]
    facts = NOTHING._replace(runs=[last], suites=check_history.suite_histories([last], found, {}))
    page = quality.build_quality_page(facts, STAMP, Proof("r", "0"), ())
    assert [check.name for check in page.failing] == ["c blocks", "b warns"]
    assert page.checks_said == "1 bloqueou, 1 avisou, 1 passou"


def test_a_delivery_proves_that_its_rows_add_up() -> None:
    row = DeliveryRow(7, "/home/maria/entregas/terça/", NOW, "loaded", "")
    files = [
        FileRow(7, "novidade", "n.csv", 1, 1, 0, 0, 0),
        FileRow(7, "client", "client.csv.gz", 10, 4, 3, 2, 1),
    ]
    delivery = deliveries.build_deliveries(row, files, ZONE, is_newest=True)
    assert delivery.source == "terça"
    assert [line.label for line in delivery.files] == ["Clientes", "novidade"]
    page = quality.build_quality_page(
        NOTHING._replace(deliveries=[delivery]), STAMP, Proof("r", "0"), ()
    )
    (identity,) = page.proof.identities
    assert (identity.left, identity.right, identity.holds) == (11, 11, True)
    short = replace(delivery, total=replace(delivery.total, new=4))
    page = quality.build_quality_page(
        NOTHING._replace(deliveries=[short]), STAMP, Proof("r", "0"), ()
    )
    assert not page.proof.identities[0].holds


def test_parked_rows_stand_apart_from_rejected_ones() -> None:
    rejected, parked = deliveries.set_aside(
        [
            SetAsideRow("reply", "unknown_reference", 5),
            SetAsideRow("agenda", "does_not_cast", 1),
            SetAsideRow("unheard_of", "new_reason", 9),
        ]
    )
    assert [(line.label, line.rows) for line in rejected] == [("unheard_of", 9), ("Agendas", 1)]
    assert [(line.label, line.rows) for line in parked] == [("Respostas", 5)]


def test_a_page_before_the_first_run_says_so() -> None:
    said = text_of(NOTHING, STAMP._replace(as_of=None, data_until=None))
    for words in (
        "Nenhuma execução nos últimos 30 dias",
        "Nenhuma entrega até hoje",
        "Nenhuma verificação foi feita ainda",
        "Nenhuma linha rejeitada",
        "nunca publicado",
    ):
        assert words in said


def test_every_code_has_words() -> None:
    """A code of the pipeline that has no words would be shown as it is."""
    assert labels.SOURCE_TABLES.keys() == {
        *(table.name for table in SOURCE_TABLES),
        store.NAME,
    }
    reasons = {value for name, value in vars(errors).items() if name.isupper()} - {
        errors.DUPLICATE_KEY,
        errors.NOT_UNIQUE,
        errors.LARGEST_SETTING,
        errors.LOSS_REASON_WITHOUT_REFUSE,
        errors.UNCHANGED,
    }
    assert labels.SET_ASIDE_REASONS.keys() == {one for one in reasons if isinstance(one, str)}
    assert labels.SUITES.keys() == {*SUITES, "dbt"}
