"""How log lines look: text for a person, or one JSON object a line for a collector.

An error's own text may repeat what the program was working on, so of an error a line tells its kind
and where it happened.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

from uvicorn.config import LOGGING_CONFIG

from orchestration.progress import LOGGER, RUN

LogFormat = Literal["text", "json"]
_NUMBERS = 3  # decimals of seconds


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON; what it does not have is left out."""
        stage, state = getattr(record, "stage", ""), getattr(record, "state", "")
        seconds = getattr(record, "seconds", None)
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": f"{stage} {state}" if stage else record.getMessage(),
            "detail": getattr(record, "detail", ""),
            "run_id": getattr(record, "run_id", "") or RUN.get(),
            "stage": stage,
            "state": state,
            "rows": getattr(record, "rows", None),
            "seconds": None if seconds is None else round(seconds, _NUMBERS),
        }
        if record.exc_info and record.exc_info[0]:
            kind, _, trace = record.exc_info
            line["error"] = kind.__name__
            line["trace"] = [
                f"{frame.filename}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(trace)
            ]
        return json.dumps(
            {name: value for name, value in line.items() if value not in ("", None)},
            ensure_ascii=False,
        )


class _ToStandardError(logging.StreamHandler[TextIO]):
    """Standard error as it is when a line is written: it may be led elsewhere meanwhile."""

    def __init__(self, log_format: LogFormat) -> None:
        logging.Handler.__init__(self)
        as_text = logging.Formatter("%(message)s")
        self.setFormatter(JsonFormatter() if log_format == "json" else as_text)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


def show_progress(log_format: LogFormat) -> None:
    """Let a command tell what it does."""
    _show(log_format)
    LOGGER.propagate = False


def in_dagster(log_format: LogFormat) -> None:
    """Let a process of Dagster write our records as JSON; as text Dagster shows them itself."""
    if log_format == "json" and not LOGGER.handlers:
        _show(log_format)


def _show(log_format: LogFormat) -> None:
    others = [each for each in LOGGER.handlers if not isinstance(each, _ToStandardError)]
    LOGGER.handlers = [*others, _ToStandardError(log_format)]
    LOGGER.setLevel(logging.INFO)


def of_server(log_format: LogFormat) -> dict[str, Any]:
    """The logging configuration of an HTTP server."""
    if log_format == "text":
        return LOGGING_CONFIG
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "loggers": {"uvicorn": {"handlers": ["stderr"], "level": "WARNING", "propagate": False}},
    }
