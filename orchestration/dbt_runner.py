"""Running dbt in this process: the manifest, a build, and its outcome in plain terms.

Belongs here: how dbt is called and what its results mean for a run. Does not: which models there
are (dbt_project) nor Dagster's view of them (`assets/warehouse.py`).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestration.database import Database
from orchestration.settings import ROOT

PROJECT = ROOT / "dbt_project"
MANIFEST = PROJECT / "target" / "manifest.json"
_PARSED = PROJECT / "target" / "partial_parse.msgpack"
_FINGERPRINT = PROJECT / "target" / "fingerprint"
_IN_PROCESS = ("--no-use-colors", "--quiet", "--no-version-check", "--no-write-json")


class BuildFailed(Exception):
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
    fingerprint = _project_fingerprint()
    if MANIFEST.exists() and _FINGERPRINT.exists() and _FINGERPRINT.read_text() == fingerprint:
        return MANIFEST
    # Parsed beside its place: another process may be reading the manifest that is there.
    fresh = PROJECT / f"target.{os.getpid()}"
    try:
        _invoke(["parse", "--target-path", str(fresh), "--log-path", str(fresh), *_IN_PROCESS[:3]])
        MANIFEST.parent.mkdir(exist_ok=True)
        for name in (MANIFEST.name, _PARSED.name):
            os.replace(fresh / name, MANIFEST.parent / name)
        (fresh / "fingerprint").write_text(fingerprint)
        os.replace(fresh / "fingerprint", _FINGERPRINT)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return MANIFEST


def build(
    database: Database,
    as_of: datetime,
    work_folder: Path,
    *,
    select: Sequence[str] = (),
    on_finished: Callable[[str, float], None] = lambda *_: None,
) -> list[NodeOutcome]:
    """Build every model and run every data test as of an instant (R3), into `marts_next`.

    `select`: names of models, empty for all. `on_finished` is called with each node's name and
    seconds. Returns the outcome of each node, failed data tests among them; raises BuildFailed
    when a model could not be built.
    """
    os.environ.update(database.dbt_environment())
    arguments = [
        "build", "--exclude-resource-type", "unit_test",
        "--vars", json.dumps({"as_of": as_of.isoformat()}),
        "--target-path", str(work_folder), "--log-path", str(work_folder),
        *_IN_PROCESS,
    ]  # fmt: skip
    if select:
        arguments += ["--select", *select]

    def on_event(event: Any) -> None:
        if event.info.name in ("LogModelResult", "LogTestResult", "LogSeedResult"):
            node = event.data.node_info
            on_finished(node.node_name, event.data.execution_time)

    results = _invoke(arguments, manifest=_parsed_manifest(), callbacks=[on_event])
    outcomes = [_outcome(result) for result in results]
    broken = [o for o in outcomes if o.kind != "test" and not o.passed and o.status != "skipped"]
    broken += [o for o in outcomes if o.kind == "test" and o.status == "error"]
    if broken:
        first = broken[0]
        raise BuildFailed(
            f"dbt could not build {', '.join(o.name for o in broken)}. {first.name}: "
            f"{first.message.strip()}\nThe published state is as it was."
        )
    return outcomes


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
    if result.exception:
        raise BuildFailed(
            f"dbt {arguments[0]} failed: {result.exception}\nThe published state is as it was."
        ) from result.exception
    return list(getattr(result.result, "results", []))


def _parsed_manifest() -> Any:
    """The parsed project as dbt keeps it: a build that is given it need not parse again."""
    from dbt.contracts.graph.manifest import Manifest

    manifest_path()
    return Manifest.from_msgpack(_PARSED.read_bytes())


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
