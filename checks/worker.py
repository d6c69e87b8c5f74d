"""The worker's process: imports Great Expectations, then answers requests until its input ends.

A request is one line of JSON on standard input (the URL may hold a password, so it is never an
argument); the answer is one line a finding, then `{"done": true}` or `{"error": "…"}`. The first
line of all is `{"ready": true}`.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from datetime import datetime
from typing import Any, TextIO


def main() -> None:
    """Answer requests. What libraries print goes to standard error: the answers stay whole."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    # Before the import: it reads the switch then, and would call home.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    from checks import validation  # noqa: F401 — the seconds of the import are spent here

    _say(answers, {"ready": True})
    for line in sys.stdin:
        try:
            for finding in _findings(json.loads(line)):
                _say(answers, finding)
        except Exception as error:
            _say(answers, {"error": _explain(error)})
        else:
            _say(answers, {"done": True})


def _findings(request: dict[str, Any]) -> Any:
    from checks import validation
    from checks.spec import Limits
    from checks.suites import SUITES

    for finding in validation.run(
        SUITES[request["suite_set"]],
        request["url"],
        datetime.fromisoformat(request["as_of"]),
        Limits.from_mapping(request.get("limits", {})),
    ):
        yield asdict(finding)


def _explain(error: BaseException) -> str:
    """The kinds of the errors, outermost first; their texts may hold addresses or values."""
    kinds: list[str] = []
    current: BaseException | None = error
    while current and len(kinds) < 4:
        kinds.append(type(current).__name__)
        current = current.__cause__ or current.__context__
    text = f": {error}" if isinstance(error, ValueError) and len(kinds) == 1 else ""
    return " from ".join(kinds) + text


def _say(answers: TextIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer, ensure_ascii=False) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
