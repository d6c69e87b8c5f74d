"""The rooms of the house know only what they may (design.md, Rooms)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

FORBIDDEN = [
    ("reports", {"dagster", "orchestration", "checks", "great_expectations"}),
    ("checks", {"orchestration", "reports"}),
    ("orchestration/ingest", {"dagster", "checks", "reports"}),
    ("orchestration/demo", {"dagster", "checks", "reports", "psycopg"}),
]
SOURCES = ("orchestration", "checks", "reports", "tests", "benchmarks")


def imported(path: Path) -> set[str]:
    """The first part of each name that a module imports, at any depth."""
    roots: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            roots.add(node.module.split(".")[0])
    return roots


def modules(root: Path, folder: str) -> list[Path]:
    return sorted((root / folder).rglob("*.py"))


@pytest.mark.parametrize(("room", "forbidden"), FORBIDDEN)
def test_a_room_knows_only_its_own(root: Path, room: str, forbidden: set[str]) -> None:
    looked_at = modules(root, room)
    assert looked_at
    for path in looked_at:
        assert not imported(path) & forbidden, path.relative_to(root)


def test_great_expectations_is_imported_by_one_module(root: Path) -> None:
    users = {
        path.relative_to(root).as_posix()
        for folder in ("orchestration", "checks", "reports")
        for path in modules(root, folder)
        if "great_expectations" in imported(path)
    }
    assert users == {"checks/validation.py"}


@pytest.mark.parametrize("folder", SOURCES)
def test_a_module_says_what_belongs_in_it(root: Path, folder: str) -> None:
    for path in modules(root, folder):
        text = path.read_text(encoding="utf-8")
        assert not text.strip() or ast.get_docstring(ast.parse(text)), path.relative_to(root)


def test_the_environment_is_read_in_one_place(root: Path) -> None:
    """Only settings, the hand-over to other programs, and the check worker touch it."""
    allowed = {
        *("settings.py", "runs/bootstrap.py", "publication/dbt.py", "runner.py", "worker.py"),
        "postgres/client_programs.py",
    }
    for folder in ("orchestration", "checks", "reports"):
        for path in modules(root, folder):
            if "os.environ" in path.read_text(encoding="utf-8"):
                assert path.name in allowed, path.relative_to(root)


def test_no_two_purposes_share_an_advisory_lock(root: Path) -> None:
    """PostgreSQL has one space of them: who holds a number keeps out whoever else uses it."""
    places: dict[int, list[str]] = {}
    for folder in ("orchestration", "checks", "reports"):
        for path in modules(root, folder):
            text = path.read_text(encoding="utf-8")
            if "advisory" not in text:
                continue
            for node in ast.parse(text).body:
                number = getattr(node, "value", None)
                if isinstance(number, ast.Constant) and isinstance(number.value, int):
                    place = f"{path.relative_to(root)}:{node.lineno}"
                    places.setdefault(number.value, []).append(place)
    locks = {number: where for number, where in places.items() if number > 2**32}
    assert len(locks) >= 8
    assert {number: where for number, where in locks.items() if len(where) > 1} == {}
