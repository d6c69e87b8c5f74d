"""Runs dbt in this process and returns the outcome of each node."""

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
from orchestration.postgres import session
from orchestration.postgres.database import Database
from orchestration.postgres.messages import without_values
from orchestration.settings import ROOT

PROJECT = ROOT / "dbt_project"
_PARSED_DATABASE = "atendimento"  # the name of profiles.yml, with which the project is parsed
_PARSED = "partial_parse.msgpack"
# No output of dbt: errors of PostgreSQL in it may quote rows, which are personal data.
_QUIET = (
    "--no-use-colors", "--no-version-check", "--log-level", "none", "--log-level-file", "none",
)  # fmt: skip
# Errors of PostgreSQL or its client library that are not the fault of a model.
_AWAY = re.compile(
    "server closed the connection|terminating connection|connection already closed"
    "|connection to server|the database system is"
)
_FULL = re.compile("No space left on device|could not extend file .*: wrote only")


class BuildFailed(UserError):
    """dbt could not build a model; the published state is unchanged."""


@dataclass(frozen=True, slots=True)
class NodeOutcome:
    """The outcome of a model, seed or data test; `failures` counts the rows that a test found."""

    unique_id: str
    name: str
    kind: str
    status: str
    seconds: float
    failures: int | None
    message: str

    @property
    def passed(self) -> bool:
        """Whether the node succeeded, possibly with a warning."""
        return self.status in ("success", "pass", "warn")


def manifest_path() -> Path:
    """Return the manifest, after parsing the project again if a file of it has changed."""
    return _parsed_project(PROJECT / "target") / "manifest.json"


def _parsed_project(folder: Path) -> Path:
    """Parse the project into the folder, unless it holds the parse of the current files."""
    fingerprint = _project_fingerprint()
    mark = folder / "fingerprint"
    if mark.exists() and mark.read_text(encoding="utf-8") == fingerprint:
        return folder
    # Parsed into a sibling folder: another process may be reading the current files.
    fresh = folder.with_name(f"{folder.name}.{os.getpid()}")
    places = ["--target-path", str(fresh), "--log-path", str(fresh)]
    try:
        with _environment(ATENDIMENTO_DBT_DATABASE=_PARSED_DATABASE):
            _invoke(["parse", *places, *_QUIET])
        folder.mkdir(parents=True, exist_ok=True)
        (fresh / mark.name).write_text(fingerprint, encoding="utf-8")
        # Readable by every account, since root may parse for a service; it holds no personal data.
        folder.chmod(0o755)
        mark.unlink(missing_ok=True)  # killed below, the former mark must not stand for new files
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
    """Build every model and run every data test as of `as_of` (R3), into `marts_next`.

    Args:
        database: The database to build in.
        as_of: The time for which the run computes.
        work_folder: Folder for the files that dbt writes.
        select: dbt's selection of models, empty for all. Data tests then run only if all the models
            that they read are selected.
        on_finished: Called with each node's name and its seconds.

    Returns:
        The outcome of each node, including failed data tests.

    Raises:
        BuildFailed: A model could not be built.
    """
    arguments = [
        "build",
        # Unit tests run in the test suite; exposures are descriptions only.
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
    """Call dbt and return its node results; raise BuildFailed when dbt itself fails."""
    from dbt.cli.main import dbtRunner

    _pin_sessions()
    os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    result = dbtRunner(manifest=manifest, callbacks=list(callbacks)).invoke(
        [*arguments, "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    )
    if result.exception and not isinstance(result.exception, Exception):
        raise result.exception  # an interruption
    if result.exception:
        raise BuildFailed(
            f"dbt {arguments[0]} failed: {without_values(str(result.exception))}\n"
            "The published state is as it was. "
            + _advice(str(result.exception), "Correct the dbt project, then run again.")
        ) from None
    return list(getattr(result.result, "results", []))


def _pin_sessions() -> None:
    """Let dbt pin the settings of each session that it opens; a profile has no place for them."""
    from dbt.adapters.postgres import PostgresAdapter, PostgresConnectionManager

    class PinnedConnections(PostgresConnectionManager):  # type: ignore[misc]
        @classmethod
        def open(cls, connection: Any) -> Any:
            is_new = connection.state != "open"
            opened = super().open(connection)
            if is_new:
                session.pin(opened.handle)
            return opened

    PostgresAdapter.ConnectionManager = PinnedConnections


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Set environment variables, which profiles.yml reads, for the duration of the context."""
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
    """Load the parsed project for one database, so that a build need not parse again.

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
