"""Running dbt in this process: the manifest, a build, and its outcome in plain terms."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestration.errors import UserError
from orchestration.postgres.database import Database
from orchestration.postgres.messages import without_values
from orchestration.settings import ROOT

PROJECT = ROOT / "dbt_project"
_PARSED_DATABASE = "atendimento"  # as in profiles.yml: the project is parsed with this name
_PARSED = "partial_parse.msgpack"
# dbt says nothing itself: what PostgreSQL tells it may repeat rows, and those are personal data.
_QUIET = (
    "--no-use-colors", "--no-version-check", "--log-level", "none", "--log-level-file", "none",
)  # fmt: skip
# What PostgreSQL, or the library in its place, says when it is not the model's fault.
_AWAY = re.compile(
    "server closed the connection|terminating connection|connection already closed"
    "|connection to server|the database system is"
)
_FULL = re.compile("No space left on device|could not extend file .*: wrote only")


class BuildFailed(UserError):
    """dbt could not build a model; the published state is as it was."""


@dataclass(frozen=True, slots=True)
class NodeOutcome:
    """What became of one model, seed or data test. `failures`: rows a test found."""

    unique_id: str
    name: str
    kind: str
    status: str
    seconds: float
    failures: int | None
    message: str

    @property
    def passed(self) -> bool:
        """Whether it did what it should (a warning did)."""
        return self.status in ("success", "pass", "warn")


def manifest_path() -> Path:
    """The manifest of the project as it is now, made anew when a file of it changed."""
    return _parsed_project(PROJECT / "target") / "manifest.json"


def _parsed_project(folder: Path) -> Path:
    """The folder with the parsed project, which is parsed again when a file of it changed."""
    fingerprint = _project_fingerprint()
    mark = folder / "fingerprint"
    if mark.exists() and mark.read_text(encoding="utf-8") == fingerprint:
        return folder
    # Parsed beside its place: another process may be reading what is there.
    fresh = folder.with_name(f"{folder.name}.{os.getpid()}")
    places = ["--target-path", str(fresh), "--log-path", str(fresh)]
    try:
        with _environment(ATENDIMENTO_DBT_DATABASE=_PARSED_DATABASE):
            _invoke(["parse", *places, *_QUIET])
        folder.mkdir(parents=True, exist_ok=True)
        (fresh / mark.name).write_text(fingerprint, encoding="utf-8")
        # For whoever runs the program: root may have parsed for a service, and nothing is personal.
        folder.chmod(0o755)
        for name in ("manifest.json", _PARSED, mark.name):
            (fresh / name).chmod(0o644)
            os.replace(fresh / name, folder / name)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return folder


def build(
    database: Database,
    as_of: datetime,
    work_folder: Path,
    *,
    select: Sequence[str] = (),
    on_finished: Callable[[str, float], None] = lambda *_: None,
) -> list[NodeOutcome]:
    """Build every model and run every data test as of an instant (R3), into `marts_next`.

    `select`: dbt's selection of models, empty for all; of the data tests, then, those that read
    selected models only. `on_finished` is called with each node's name and seconds. Returns the
    outcome of each node, failed data tests among them; raises BuildFailed when a model could not
    be built.
    """
    arguments = [
        "build",
        # Unit tests belong to the test suite; an exposure is only a description.
        "--exclude-resource-type", "unit_test", "--exclude-resource-type", "exposure",
        "--vars", json.dumps({"as_of": as_of.isoformat()}),
        "--target-path", str(work_folder), "--log-path", str(work_folder),
        *_QUIET, "--no-write-json",
    ]  # fmt: skip
    if select:
        arguments += ["--select", *select, "--indirect-selection", "cautious"]

    def on_event(event: Any) -> None:
        if event.info.name in ("LogModelResult", "LogTestResult", "LogSeedResult"):
            node = event.data.node_info
            on_finished(node.node_name, event.data.execution_time)

    with _environment(**database.dbt_environment()):
        manifest = _parsed_manifest(database)
        results = _invoke(arguments, manifest=manifest, callbacks=[on_event])
    outcomes = [_outcome(result) for result in results]
    broken = [o for o in outcomes if o.kind != "test" and not o.passed and o.status != "skipped"]
    broken += [o for o in outcomes if o.kind == "test" and o.status == "error"]
    if broken:
        first = broken[0]
        raise BuildFailed(
            f"dbt could not build {', '.join(o.name for o in broken)}. {first.name}: "
            f"{without_values(first.message)}\nThe published state is as it was. "
            + _advice(" ".join(o.message for o in broken))
        )
    return outcomes


def _advice(
    message: str, otherwise: str = "Correct the model or what it reads, then run again."
) -> str:
    if _FULL.search(message):
        return "The disk of the database is full: make room there, then run again."
    if _AWAY.search(message):
        return "The database was stopped or restarted: run again once it answers."
    return otherwise


def _invoke(
    arguments: Sequence[str],
    manifest: Any = None,
    callbacks: Sequence[Callable[[Any], None]] = (),
) -> list[Any]:
    """Call dbt; its node results. Raises BuildFailed when dbt itself failed."""
    from dbt.cli.main import dbtRunner

    os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    result = dbtRunner(manifest=manifest, callbacks=list(callbacks)).invoke(
        [*arguments, "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    )
    if result.exception and not isinstance(result.exception, Exception):
        raise result.exception  # told to stop
    if result.exception:
        raise BuildFailed(
            f"dbt {arguments[0]} failed: {without_values(str(result.exception))}\n"
            "The published state is as it was. "
            + _advice(str(result.exception), "Correct the dbt project, then run again.")
        ) from None
    return list(getattr(result.result, "results", []))


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """The environment with these variables, which is how profiles.yml is told; then as before."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _parsed_manifest(database: Database) -> Any:
    """Load the parsed project, as dbt keeps it, for one database: a build need not parse again.

    dbt writes the database's name into each relation that it parses, and nowhere else.
    """
    from dbt.contracts.graph.manifest import Manifest

    manifest = Manifest.from_msgpack((_parsed_project(PROJECT / "target") / _PARSED).read_bytes())
    name = database.parts.get("dbname", "")
    for node in (*manifest.nodes.values(), *manifest.sources.values()):
        node.database = name
        if node.relation_name:
            relation = node.relation_name.removeprefix(f'"{_PARSED_DATABASE}"')
            node.relation_name = f'"{name}"{relation}'
    return manifest


def _outcome(result: Any) -> NodeOutcome:
    node = result.node
    return NodeOutcome(
        unique_id=node.unique_id,
        name=node.name,
        kind=str(node.resource_type),
        status=str(result.status),
        seconds=result.execution_time,
        failures=result.failures,
        message=result.message or "",
    )


def _project_fingerprint() -> str:
    """A digest of every file that dbt reads."""
    digest = hashlib.sha256()
    for path in sorted(PROJECT.rglob("*")):
        relative = path.relative_to(PROJECT)
        if path.is_file() and not relative.parts[0].startswith(("target", "logs", ".")):
            digest.update(str(relative).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
