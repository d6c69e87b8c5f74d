"""The UI as `atendimento dagster` starts it: its daemon, its code location, what it refuses."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from orchestration.postgres.database import Database
from tests.faults.test_daemon_killed import descendants

LAUNCH = """
mutation($config: RunConfigData) { launchRun(executionParams: {
    selector: {
        repositoryLocationName: "orchestration.definitions", repositoryName: "__repository__",
        jobName: "daily"
    }
    runConfigData: $config
}) { __typename ... on RunConfigValidationInvalid { errors { message } } } }
"""
LOCATIONS = "{ workspaceOrError { ... on Workspace { locationEntries { name loadStatus } } } }"


@contextmanager
def ui(database: Database, home: Path, root: Path, *arguments: str) -> Iterator[str]:
    """The program, until it is told to stop; the port of its UI."""
    named = {name: value for name, value in os.environ.items() if "ATENDIMENTO" not in name}
    named |= {"ATENDIMENTO_HOME": str(home), "ATENDIMENTO_DATABASE_URL": database.url}
    home.mkdir(exist_ok=True)
    log = home / "said"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "orchestration.cli", "dagster", "--port", "0", *arguments],
            cwd=root,
            env=named,
            stdout=output,
            stderr=output,
        )
    try:
        until = time.monotonic() + 90
        while True:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            found = re.search(r"is on http://\S+:(\d+)", log.read_text())
            try:
                if found:
                    httpx.get(f"http://127.0.0.1:{found[1]}/server_info")
                    break
            except httpx.TransportError:
                pass
            time.sleep(0.2)
        yield found[1]
    finally:
        started = list(descendants(process.pid))
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        # Code servers and a run under way end a little later.
        until = time.monotonic() + 60
        while (left := [each for each in started if is_running(each)]) and time.monotonic() < until:
            time.sleep(0.5)
        for each in left:
            os.kill(each, signal.SIGKILL)
        assert process.returncode == 0, log.read_text()
        assert not left


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def ask(port: str, query: str, headers: dict[str, str], **variables: object) -> httpx.Response:
    return httpx.post(
        f"http://127.0.0.1:{port}/graphql",
        json={"query": query, "variables": variables},
        headers=headers,
        timeout=60,
    )


@pytest.mark.proof
@pytest.mark.timeout(300)
def test_only_its_own_pages_start_runs_and_only_of_named_sources(
    database: Database, tmp_path: Path, root: Path
) -> None:
    own = {"resources": {"run_settings": {"config": {"as_of": "2026-11-20T12:00:00Z"}}}}
    foreign = json.loads(json.dumps(own))
    foreign["resources"]["run_settings"]["config"]["source"] = "/srv/foreign"
    with ui(database, tmp_path / "home", root) as port:
        origin = {"origin": f"http://127.0.0.1:{port}", "sec-fetch-site": "same-origin"}
        assert '"LOADED"' in ask(port, LOCATIONS, origin).text
        for headers in (
            {"origin": "https://evil.example"},
            {"sec-fetch-site": "cross-site"},
            {"host": f"evil.example:{port}"},
        ):
            assert ask(port, LAUNCH, headers, config=own).status_code == 403
        refused = ask(port, LAUNCH, origin, config=foreign).text
        assert "RunConfigValidationInvalid" in refused
        assert "unexpected config entry" in refused
        assert "LaunchRunSuccess" in ask(port, LAUNCH, origin, config=own).text
    arguments = ("--only", "webserver", "--host", "0.0.0.0")
    with ui(database, tmp_path / "home", root, *arguments) as port:
        assert "UnauthorizedError" in ask(port, LAUNCH, {}, config=own).text
        assert "so it is read-only" in (tmp_path / "home" / "said").read_text()
