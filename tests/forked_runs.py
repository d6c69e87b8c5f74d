"""Runs in processes of their own, begun in no time: each forked from one that has all imported.

`Workshop` starts that process; each of its runs is the command line in a fork, with a check worker
that is a fork too. A run passes *marks*: statements sent to PostgreSQL, events of Dagster, files
made in the publish folder, before the first stage also programs started and folders made; they are
counted by stage. At one of them it may be killed (`kill -9`),
or stand still until it is told to go on. Marks are where a run is, whatever the machine's speed.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

STAGES = ("load", "check", "build", "pages", "publish")
START = "start"  # before the first stage: the server, the migrations, Dagster's tables
Mark = tuple[str, int]
"""A stage and a number: the n-th mark in it."""

_ROOMS = (
    "orchestration.cli.main", "orchestration.launch.daily_run", "orchestration.definitions",
    "orchestration.runs.stale_runs", "orchestration.schedules", "dbt.cli.main",
    "dbt.adapters.postgres", "psycopg", "psycopg2", "checks.worker",
    "orchestration.runs.check_worker",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Run:
    """How a run ended (a negative exit code is the signal that killed it), and its marks."""

    exit_code: int
    output: str
    marks: dict[str, int]

    @property
    def last_line(self) -> str:
        """The line that says how it ended."""
        return self.output.strip().splitlines()[-1]


def spread(
    marks: dict[str, int], points_a_stage: int, stages: Sequence[str] = STAGES
) -> list[Mark]:
    """The points to be killed at: in each of these stages from its first mark to its last, evenly;
    a single one in its middle.

    A fiftieth short of the last, since two threads of dbt do not always pass the same number.
    """
    places = (
        [n / (points_a_stage - 1) for n in range(points_a_stage)] if points_a_stage > 1 else [0.5]
    )
    return [
        (stage, 1 + int(place * (marks[stage] * 49 // 50 - 1)))
        for stage in stages
        for place in places
    ]


class Workshop:
    """The process that forks. `with Workshop() as workshop: workshop.run(…)`."""

    def __init__(self) -> None:
        root = Path(__file__).resolve().parent.parent
        path = os.pathsep.join([str(root), str(root / "tests")])
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115 — closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", "forked_runs"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            env={**os.environ, "PYTHONPATH": path, "GX_ANALYTICS_ENABLED": "false"},
        )

    def __enter__(self) -> Workshop:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()
        self._said.close()

    def run(
        self,
        settings: Mapping[str, str],
        *arguments: str | Path,
        kill_at: Mark | None = None,
        kill_by: signal.Signals = signal.SIGKILL,
        stand_at: Mark | None = None,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> Run:
        """Run a command with these ATENDIMENTO_ variables.

        `kill_at`: the mark at which it is sent the signal `kill_by`. `stand_at`: the mark at which
        it stands still while `meanwhile` is called here.
        """
        request = {
            "environment": {f"ATENDIMENTO_{name}": value for name, value in settings.items()},
            "arguments": [str(argument) for argument in arguments],
            "kill_at": kill_at,
            "kill_by": kill_by,
            "stand_at": stand_at,
        }
        answer = self._ask(request)
        if answer == {"standing": True}:
            meanwhile()
            answer = self._ask({})
        return Run(**answer)

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            self._said.seek(0)
            raise RuntimeError(f"the workshop died: {self._said.read()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


# --- In the workshop's process -----------------------------------------------------------------


def _serve() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    # dbt's parser starts threads and waits for them, and a fork has none of them: where the project
    # is not parsed yet, another process does it before anything here imports the definitions.
    parse = "from orchestration.publication.dbt import manifest_path; manifest_path()"
    subprocess.run([sys.executable, "-c", parse], check=True)
    with suppress(ImportError):
        for room in _ROOMS:
            importlib.import_module(room)
    known: list[str] = []
    for line in sys.stdin:
        for name in known:
            # What runs import late is imported once here.
            with suppress(Exception):
                importlib.import_module(name)
        # Collecting what has been imported, again and again, is half of a small run's time.
        gc.freeze()
        with tempfile.TemporaryDirectory() as folder:
            answer = _fork(json.loads(line), Path(folder), answers)
            known = json.loads((Path(folder) / "modules").read_text() or "[]")
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _fork(request: dict[str, Any], folder: Path, answers: IO[str]) -> dict[str, Any]:
    for name in ("output", "marks", "modules"):
        (folder / name).touch()
    standing, stands = os.pipe()
    resumes, resume = os.pipe()
    run = os.fork()
    if run == 0:
        os.close(standing)
        os.close(resume)
        try:
            _work(request, folder, stands, resumes)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(70)
    os.close(stands)
    os.close(resumes)
    if os.read(standing, 1):
        answers.write(json.dumps({"standing": True}) + "\n")
        answers.flush()
        sys.stdin.readline()
        os.write(resume, b".")
    _, status = os.waitpid(run, 0)
    os.close(standing)
    os.close(resume)
    return {
        "exit_code": os.waitstatus_to_exitcode(status),
        "output": (folder / "output").read_text(),
        "marks": Counter((folder / "marks").read_text().split()),
    }


# --- In the run's process ----------------------------------------------------------------------


def _work(request: dict[str, Any], folder: Path, stands: int, resumes: int) -> None:
    os.environ.update(request["environment"])
    output = os.open(folder / "output", os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(output, stream)
    marks = os.open(folder / "marks", os.O_WRONLY | os.O_APPEND)
    counts: Counter[str] = Counter()

    def stand_still() -> None:
        os.write(stands, b".")
        os.read(resumes, 1)

    def kill() -> None:
        # By another thread, at once or as soon as this one waits for anything: mostly in the
        # middle of what it was about to do.
        import _thread

        _thread.start_new_thread(os.kill, (os.getpid(), request["kill_by"]))

    acts = {
        tuple(mark): act
        for mark, act in ((request["kill_at"], kill), (request["stand_at"], stand_still))
        if mark
    }

    counting = threading.Lock()  # dbt builds in two threads

    def on_mark(stage: str) -> None:
        with counting:
            counts[stage] += 1
            number = counts[stage]
        os.write(marks, f"{stage}\n".encode())
        if act := acts.get((stage, number)):
            act()

    if "stand_at" not in request or not request["stand_at"]:
        os.close(stands)
    _watch(on_mark, Path(os.environ["ATENDIMENTO_HOME"]) / "published")
    _fork_check_workers()

    from orchestration.cli import main as cli

    before = set(sys.modules)
    exit_code = cli.main(request["arguments"])
    sys.stdout.flush()
    (folder / "modules").write_text(json.dumps(sorted(set(sys.modules) - before)))
    os._exit(exit_code)


def _watch(on_mark: Callable[[str], None], published: Path) -> None:
    """Call `on_mark` with the stage under way at each mark."""
    import logging

    import dagster as dg
    import psycopg
    import sqlalchemy
    from dbt.adapters.sql import SQLConnectionManager

    stage = START

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            nonlocal stage
            stage = getattr(record, "stage", stage)

    def mark() -> None:
        if stage in (START, *STAGES):
            on_mark(stage)

    def marked(owner: type, name: str) -> None:
        real = getattr(owner, name)

        def call(*arguments: Any, **named: Any) -> Any:
            mark()
            return real(*arguments, **named)

        setattr(owner, name, call)

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        makes = event in ("os.rename", "os.symlink", "os.mkdir") or (
            event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT
        )
        if makes and str(published) in str(arguments[:2]):
            mark()
        if stage == START and event in ("subprocess.Popen", "os.rename", "os.mkdir"):
            mark()

    def send(*_: Any) -> None:
        if stage == START:
            mark()

    logging.getLogger("atendimento").addHandler(Listener())
    marked(psycopg.Cursor, "execute")
    marked(psycopg.Cursor, "copy")
    marked(SQLConnectionManager, "add_query")
    marked(dg.DagsterInstance, "handle_new_event")
    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", send)
    sys.addaudithook(audit)


class _ForkedWorker:
    """The check worker's process as `CheckWorker` uses it: a fork of this one."""

    def __init__(self) -> None:
        reads, writes = os.pipe()
        answer_reads, answer_writes = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            for copied, number in ((reads, 0), (answer_writes, 1)):
                os.dup2(copied, number)
            os.closerange(3, 1024)
            sys.stdin = os.fdopen(0, encoding="utf-8")
            try:
                from orchestration.runs import check_worker

                check_worker.main()
            finally:
                os._exit(0)
        os.close(reads)
        os.close(answer_writes)
        self.stdin = os.fdopen(writes, "w", encoding="utf-8")
        self.stdout = os.fdopen(answer_reads, encoding="utf-8")

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        with suppress(ChildProcessError):
            return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return 0


def _fork_check_workers() -> None:
    from checks.runner import CheckWorker

    def start(worker: Any) -> None:
        if not worker._process:
            worker._is_ready = False
            worker._said = tempfile.TemporaryFile("w+")  # noqa: SIM115
            worker._process = _ForkedWorker()

    CheckWorker.start = CheckWorker.warm = start  # type: ignore[method-assign, assignment]


@contextmanager
def workshop() -> Iterator[Workshop]:
    """A workshop for the length of the block."""
    with Workshop() as opened:
        yield opened


if __name__ == "__main__":
    _serve()
