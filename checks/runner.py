"""The worker as its user sees it: started early, asked for findings, closed.

Great Expectations takes seconds and hundreds of megabytes to import, so it lives in a process of
its own (`worker.py`) that can get ready while the database builds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from checks.spec import Finding, Limits, SuiteName

__all__ = ["CheckCrashed", "CheckWorker", "Finding"]

DEFAULT_TIMEOUT = 900.0


class CheckCrashed(Exception):
    """The checks could not be run. Not a finding: nothing is known about the data."""


class CheckWorker:
    """A process with Great Expectations in it. `with CheckWorker() as worker: …` closes it.

    `limits`: where warnings begin. `timeout`: seconds after which a suite is given up. `module`:
    what the process runs, by default the worker alone.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        module: str = "checks.worker",
    ) -> None:
        self.limits = limits or Limits()
        self.timeout = timeout
        self.module = module
        self._process: subprocess.Popen[str] | None = None
        self._said: IO[str] | None = None
        self._is_ready = False

    def __enter__(self) -> CheckWorker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def process_id(self) -> int | None:
        """The worker's process, while there is one."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process and return at once; it imports on. A second call does nothing."""
        if self._process:
            return
        path = [str(Path(__file__).resolve().parent.parent), os.environ.get("PYTHONPATH", "")]
        self._is_ready = False
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 — closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", self.module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            encoding="utf-8",
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, path)),
                "GX_ANALYTICS_ENABLED": "false",
            },
        )

    warm = start

    def run(self, suite_set: SuiteName, url: str, as_of: datetime) -> list[Finding]:
        """What every check of the suite finds in the database at that SQLAlchemy URL.

        Raises CheckCrashed when the worker dies, answers with an error or takes too long; a later
        call starts a new one.
        """
        self.start()
        request = {
            "suite_set": suite_set,
            "url": url,
            "as_of": as_of.isoformat(),
            "limits": asdict(self.limits),
        }
        timed_out = threading.Event()
        timer = threading.Timer(self.timeout, self._give_up, [timed_out])
        timer.daemon = True
        timer.start()
        try:
            return [_finding(answer) for answer in self._ask(request)]
        except CheckCrashed as crash:
            reason = f"it took more than {self.timeout:g} s" if timed_out.is_set() else str(crash)
            raise CheckCrashed(
                f"The checks of the suite `{suite_set}` could not be run: {reason}. Nothing was "
                "published, the published state is as it was. Run again; if it happens again, "
                "look at the server's log and at the memory of this machine."
            ) from None
        finally:
            timer.cancel()

    def close(self) -> None:
        """End the process. It ends by itself too, when its input does."""
        process, self._process = self._process, None
        if not process:
            return
        for stream in (process.stdin, process.stdout):
            if stream:
                try:
                    stream.close()
                except BrokenPipeError:
                    continue
        process.kill()
        process.wait()
        if self._said:
            self._said.close()

    def _give_up(self, timed_out: threading.Event) -> None:
        timed_out.set()
        if self._process:
            self._process.kill()

    def _ask(self, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The answers to one request."""
        process = self._process
        if not process or not process.stdin or not process.stdout:
            raise CheckCrashed("the process that runs them was closed")
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
        except OSError:
            raise CheckCrashed(self._death()) from None
        for line in process.stdout:
            answer = json.loads(line)
            if "ready" in answer:
                self._is_ready = True
            elif "done" in answer:
                return
            elif "error" in answer:
                raise CheckCrashed(answer["error"])
            else:
                yield answer
        raise CheckCrashed(self._death())

    def _death(self) -> str:
        """How the worker ended. What it last said is told only from before it read any data."""
        process, said = self._process, self._said
        if not process or not said:
            return "the process that runs them was closed"
        code = process.wait()
        last = ""
        if not self._is_ready:
            said.seek(0)
            last = "".join(f" ({line.strip()})" for line in said.readlines()[-1:])
        self.close()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return f"the process that runs them {how}{last}"


def _finding(answer: dict[str, Any]) -> Finding:
    return Finding(**{**answer, "table": tuple(answer["table"])})
