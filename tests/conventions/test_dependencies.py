"""What is installed is what the lock names, uv by its hash too; known vulnerabilities are found."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest


def test_uv_is_pinned_by_version_and_hash_as_in_the_lock(root: Path) -> None:
    lock = tomllib.loads((root / "uv.lock").read_text(encoding="utf-8"))
    (uv,) = (package for package in lock["package"] if package["name"] == "uv")
    hashes = sorted(file["hash"] for file in (*uv["wheels"], uv["sdist"]))
    lines = [f"uv=={uv['version']}", *(f"    --hash={one}" for one in hashes)]
    text = (root / "requirements-uv.txt").read_text(encoding="utf-8")
    _, _, pinned = text.partition("\n")
    assert pinned == " \\\n".join(lines) + "\n"


def test_the_set_up_accepts_nothing_else(root: Path) -> None:
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    assert "pip install --quiet --disable-pip-version-check --require-hashes" in makefile
    assert makefile.count("pip install") == 1
    syncs = [line for line in makefile.splitlines() if "$(UV) sync" in line]
    assert all("--locked" in line for line in syncs)
    assert sum("--no-dev" in line for line in syncs) == 1


@contextmanager
def known_vulnerabilities(*packages: str) -> Iterator[str]:
    """The address of a service that knows of one vulnerability of each of these packages."""

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            known = {"id": "OSV-1", "modified": "2026-01-01T00:00:00Z"}
            self.answer(
                {
                    "results": [
                        {"vulns": [known]} if query["package"]["name"] in packages else {}
                        for query in asked["queries"]
                    ]
                }
            )

        def do_GET(self) -> None:
            self.answer({"id": "OSV-1", "modified": "2026-01-01T00:00:00Z", "affected": []})

        def answer(self, value: object) -> None:
            content = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@pytest.mark.parametrize(("packages", "code"), [((), 0), (("starlette",), 1)])
def test_the_audit_fails_on_a_known_vulnerability(
    root: Path, packages: tuple[str, ...], code: int
) -> None:
    with known_vulnerabilities(*packages) as url:
        said = audit(root, url)
    assert said.returncode == code, said.stdout
    assert ("starlette" in said.stdout) == bool(packages)
    assert "Skipped" not in said.stdout


def test_the_audit_is_skipped_with_its_reason_where_the_service_does_not_answer(root: Path) -> None:
    said = audit(root, "http://127.0.0.1:9")
    assert said.returncode == 0, said.stdout
    assert "Skipped: the service of known vulnerabilities does not answer." in said.stdout


def audit(root: Path, url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [root / ".ci" / "audit", "--service-url", url],
        capture_output=True, text=True, check=False, env={**os.environ, "UV_HTTP_RETRIES": "0"},
    )  # fmt: skip
