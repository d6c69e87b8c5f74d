"""Dagster's UI answers its own pages, programs and links; never what another site's page asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import dagster as dg
import pytest
from dagster._core.workspace.context import WorkspaceProcessContext
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from orchestration.dagster_ui.server import create_ui_app

HOST = "127.0.0.1:3000"
OWN = f"http://{HOST}"
SOCKET = f"ws://{HOST}/graphql"
START = """
mutation { launchRun(executionParams: {
    selector: {repositoryLocationName: "x", repositoryName: "y", jobName: "daily"}
}) { __typename } }
"""
PAGE = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}
LINK = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
FOREIGN: list[Mapping[str, str]] = [
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://127.0.0.1:8000"},  # another program of this machine
    {"origin": f"{OWN}.evil.example"},
    {"origin": f"{OWN}0"},
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
    {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"},
    {**LINK, "sec-fetch-dest": "iframe"},
    {"host": "evil.example:3000", "origin": "http://evil.example:3000", **PAGE},  # rebinding
    {"host": ""},
    {"host": "127.0.0.1.evil.example"},
]


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as opened:
        yield opened


def client(instance: dg.DagsterInstance, *, read_only: bool = False) -> TestClient:
    workspace = WorkspaceProcessContext(instance, None, read_only=read_only)
    app = create_ui_app(workspace, ["127.0.0.1", "localhost", "dagster.example.com"])
    return TestClient(app, base_url=OWN, follow_redirects=False)


@pytest.fixture(scope="module")
def ui(instance: dg.DagsterInstance) -> TestClient:
    return client(instance)


def asked(ui: TestClient, headers: Mapping[str, str], query: str = "{ version }") -> int:
    return ui.post("/graphql", json={"query": query}, headers=headers).status_code


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": OWN, **PAGE},
        {"host": "localhost:3000", "origin": "http://localhost:3000", **PAGE},
        {"host": "dagster.example.com", "origin": "https://dagster.example.com", **PAGE},
    ],
    ids=str,
)
def test_the_ui_and_programs_are_answered(ui: TestClient, headers: Mapping[str, str]) -> None:
    assert asked(ui, headers) == 200
    with ui.websocket_connect(SOCKET, headers=dict(headers)) as websocket:
        websocket.send_json({"type": "connection_init"})
        assert websocket.receive_json() == {"type": "connection_ack"}


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_another_sites_page_is_refused(ui: TestClient, headers: Mapping[str, str]) -> None:
    assert asked(ui, headers, START) == 403
    assert ui.post("/report_asset_materialization/raw/agenda", headers=headers).status_code == 403
    for path in ("/", "/server_info", "/graphql?query={version}"):
        answer = ui.get(path, headers=headers)
        assert answer.status_code == 403, path
        assert answer.text.startswith("Refused: ")
    with (
        pytest.raises(WebSocketDisconnect, check=lambda closed: "Refused: " in closed.reason),
        ui.websocket_connect(SOCKET, headers=dict(headers)),
    ):
        pass


def test_a_link_leads_to_the_ui_but_runs_nothing(ui: TestClient) -> None:
    page = ui.get("/", headers=LINK)
    assert page.status_code == 200
    assert page.headers["x-frame-options"] == "DENY"
    told = ui.get("/graphql", params={"query": START}, headers={**LINK, "accept": "text/html"})
    assert "launchRun" not in told.text
    assert ui.get("/graphql", params={"query": START}, headers=LINK).status_code == 403
    # Without any of the headers, as an image in a page of an older browser.
    assert ui.get("/graphql", params={"query": START}).status_code == 403
    assert asked(ui, LINK, START) == 403


def test_a_read_only_ui_starts_and_changes_nothing(instance: dg.DagsterInstance) -> None:
    for read_only in (False, True):
        ui = client(instance, read_only=read_only)
        started = ui.post("/graphql", json={"query": START}).text
        assert ("UnauthorizedError" in started) == read_only
        reported = ui.post("/report_asset_materialization/raw/agenda")
        assert (reported.status_code == 401) == read_only
