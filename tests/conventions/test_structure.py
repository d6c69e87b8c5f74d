"""The structure of the packages: what each may import, no cycles, what the documents say of it."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

FORBIDDEN = [
    ("reports", {"dagster", "orchestration", "checks", "great_expectations"}),
    ("checks", {"orchestration", "reports"}),
    ("orchestration/ingest", {"dagster", "checks", "reports"}),
    ("orchestration/demo", {"dagster", "checks", "reports", "psycopg"}),
]
PACKAGES = ("orchestration", "checks", "reports")
SOURCES = (*PACKAGES, "tests", "benchmarks")


def imported(path: Path) -> set[str]:
    """The first part of each name that a module imports, at any depth."""
    return {name.split(".")[0] for name in _imported_names(path)}


def _imported_names(path: Path) -> Iterator[str]:
    """Every imported module, and every name imported from one, with its dots."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules(root: Path, folder: str) -> list[Path]:
    return sorted((root / folder).rglob("*.py"))


def folder_of(name: str) -> str:
    """The folder of a module below a top-level package; a module at the top is one of its own."""
    return ".".join(name.split(".")[:2])


@pytest.mark.parametrize(("package", "forbidden"), FORBIDDEN)
def test_a_package_imports_only_what_it_may(root: Path, package: str, forbidden: set[str]) -> None:
    found = modules(root, package)
    assert found
    for path in found:
        assert not imported(path) & forbidden, path.relative_to(root)


def test_imports_between_folders_go_one_way(root: Path) -> None:
    """Imports inside functions count too: they only hide a cycle."""
    paths = {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
        for package in PACKAGES
        for path in modules(root, package)
    }
    imports: dict[str, set[str]] = defaultdict(set)
    for name, path in paths.items():
        for other in _imported_names(path):
            if other in paths and other not in PACKAGES and folder_of(other) != folder_of(name):
                imports[folder_of(name)].add(folder_of(other))
    assert len(imports) > 20
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(f"folders import each other: {' -> '.join(error.args[1])}")


def test_few_modules_stand_at_the_top_of_orchestration(root: Path) -> None:
    assert len([*(root / "orchestration").glob("*.py")]) - 1 <= 12  # but __init__.py


def test_an_asset_is_short(root: Path) -> None:
    for path in modules(root, "orchestration/assets"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 30, f"{path.name}: {node.name}"


def test_no_two_public_classes_share_a_name(root: Path) -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for package in PACKAGES:
        for path in modules(root, package):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places[node.name].append(path.relative_to(root).as_posix())
    # Protocols of `checks` describe objects of `orchestration`, which it may not import.
    of_checks = {"Warehouse", "RunSettings"}
    shared = {name: where for name, where in places.items() if len(where) > 1}
    assert {name: shared[name] for name in shared if name not in of_checks} == {}


def test_the_architecture_document_names_every_package(root: Path) -> None:
    text = (root / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `([a-z_/]+)/` \|", text, re.MULTILINE))
    there = {
        path.relative_to(root).as_posix()
        for package in PACKAGES
        for path in (root / package, *(root / package).iterdir())
        if (path / "__init__.py").is_file()
    } | {
        path.relative_to(root).as_posix()
        for path in (root / "dbt_project" / "models").iterdir()
        if path.is_dir()
    }
    assert named == there


def test_great_expectations_is_imported_by_one_module(root: Path) -> None:
    users = {
        path.relative_to(root).as_posix()
        for folder in ("orchestration", "checks", "reports")
        for path in modules(root, folder)
        if "great_expectations" in imported(path)
    }
    assert users == {"checks/validation.py"}


@pytest.mark.parametrize("folder", SOURCES)
def test_a_module_has_a_docstring(root: Path, folder: str) -> None:
    for path in modules(root, folder):
        text = path.read_text(encoding="utf-8")
        assert not text.strip() or ast.get_docstring(ast.parse(text)), path.relative_to(root)


def test_the_environment_is_read_in_one_place(root: Path) -> None:
    """Only settings, the hand-over to other programs, and the check worker touch it."""
    allowed = {
        "checks/runner.py",
        "checks/worker.py",
        "orchestration/postgres/client_programs.py",
        "orchestration/postgres/session.py",
        "orchestration/publication/dbt.py",
        "orchestration/runs/bootstrap.py",
        "orchestration/settings.py",
    }
    for folder in ("orchestration", "checks", "reports"):
        for path in modules(root, folder):
            if "os.environ" in path.read_text(encoding="utf-8"):
                assert path.relative_to(root).as_posix() in allowed, path.relative_to(root)


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
