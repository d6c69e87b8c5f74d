"""`/metrics`: for who has the token, and nothing of it without one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from starlette.responses import PlainTextResponse

from orchestration.lookup_server.metrics_endpoint import with_metrics_endpoint

PAGE = PlainTextResponse("the page")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "atendimento.prom"
    path.write_text("atendimento_pages 81.0\n")
    return path


def get(file: Path, path: str = "/metrics", given: str | None = None) -> httpx.Response:
    headers = {} if given is None else {"Authorization": given}

    async def ask() -> httpx.Response:
        app = httpx.ASGITransport(with_metrics_endpoint(PAGE, file, "s3cret"))
        async with httpx.AsyncClient(transport=app, base_url="http://here") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(ask())


def test_without_a_token_nothing_changes(file: Path) -> None:
    assert with_metrics_endpoint(PAGE, file, "") is PAGE


def test_who_has_the_token_gets_the_file(file: Path) -> None:
    answer = get(file, given="Bearer s3cret")
    assert (answer.status_code, answer.text) == (200, "atendimento_pages 81.0\n")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")


@pytest.mark.parametrize("given", [None, "", "s3cret", "Bearer", "Bearer s3cre", "Bearer s3crets"])
def test_who_has_not_gets_nothing(file: Path, given: str | None) -> None:
    answer = get(file, given=given)
    assert answer.status_code == 401
    assert "81" not in answer.text


def test_other_addresses_are_the_pages(file: Path) -> None:
    for path in ("/", "/metrics/", "/metricsx"):
        assert get(file, path).text == "the page"


def test_before_the_first_run_there_are_none(tmp_path: Path) -> None:
    answer = get(tmp_path / "none", given="Bearer s3cret")
    assert answer.status_code == 503
