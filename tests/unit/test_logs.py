"""Log lines as JSON: what stands in them, and what never does."""

from __future__ import annotations

import json
import logging
import logging.config
import sys
from collections.abc import Iterator

import pytest

from orchestration import logs
from orchestration.progress import LOGGER, RUN, stage

PERSONAL = "Maria Silva 11987654321"


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """The progress of a command, as JSON; then as before."""
    monkeypatch.setattr(LOGGER, "handlers", [])
    monkeypatch.setattr(LOGGER, "propagate", LOGGER.propagate)
    monkeypatch.setattr(LOGGER, "level", LOGGER.level)
    token = RUN.set("")
    logs.show_progress("json")
    yield
    RUN.reset(token)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.mark.usefixtures("shown")
def test_a_stage_is_an_object_with_its_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    with stage("load", "run-7") as progress:
        progress.say("5 rows read", 5)
    LOGGER.warning("Warning: %s", "something\nin two lines")
    started, done, warning = lines(capsys)
    assert (started["event"], started["state"], "rows" in started) == (
        "load started",
        "started",
        False,
    )
    assert str(done.pop("time")) >= str(started["time"])
    assert isinstance(done.pop("seconds"), float)
    assert done == {
        "level": "info",
        "logger": "atendimento",
        "event": "load done",
        "detail": "5 rows read",
        "run_id": "run-7",
        "stage": "load",
        "state": "done",
        "rows": 5,
    }
    assert warning["level"] == "warning"
    assert warning["event"] == "Warning: something\nin two lines"
    assert warning["run_id"] == "run-7", "what is said between stages belongs to the same run"


@pytest.mark.usefixtures("shown")
def test_zero_rows_are_told_and_a_stage_that_failed_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def failing() -> None:
        with stage("load") as progress:
            progress.say("nothing", 0)
            raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        failing()
    assert [(line["state"], line.get("rows")) for line in lines(capsys)] == [
        ("started", None),
        ("failed", 0),
    ]


@pytest.mark.usefixtures("shown")
def test_of_an_error_its_kind_and_place_are_told_and_not_its_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    try:
        raise ValueError(PERSONAL)
    except ValueError:
        LOGGER.exception("It failed.")
    (line,) = lines(capsys)
    assert line["error"] == "ValueError"
    assert "test_logs.py" in str(line["trace"])
    assert PERSONAL not in json.dumps(line, ensure_ascii=False)


def test_a_server_writes_its_own_lines_as_json_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    uvicorn = logging.getLogger("uvicorn")
    monkeypatch.setattr(uvicorn, "handlers", [])
    monkeypatch.setattr(uvicorn, "propagate", uvicorn.propagate)
    config = logs.of_server("json")
    config["handlers"]["stderr"]["stream"] = sys.stderr
    logging.config.dictConfig(config)
    logging.getLogger("uvicorn.error").warning("Too many requests.")
    (line,) = lines(capsys)
    assert (line["logger"], line["event"]) == ("uvicorn.error", "Too many requests.")


def test_in_dagster_text_is_left_to_dagster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LOGGER, "handlers", [])
    monkeypatch.setattr(LOGGER, "level", LOGGER.level)
    monkeypatch.setattr(LOGGER, "propagate", LOGGER.propagate)
    logs.in_dagster("text")
    assert LOGGER.handlers == []
    logs.in_dagster("json")
    assert len(LOGGER.handlers) == 1
    logs.show_progress("text")
    assert len(LOGGER.handlers) == 1, "no line is shown twice"
