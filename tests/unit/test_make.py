"""`make setup` after one that was killed half-way, with stand-ins for python and uv."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

# Stand in for python and uv. Each step leaves a part of its work, then dies where DIE_AT says so.
_PYTHON = """#!/bin/sh
echo "$@" >> calls
case "$*" in
"-m venv .venv")
    mkdir -p .venv/bin && cp python .venv/bin/python
    test "$DIE_AT" != venv || exit 137
    touch .venv/pip ;;
"-m pip install"*)
    test -e .venv/pip || { echo "No module named pip" >&2; exit 1; }
    cp uv .venv/bin/uv
    test "$DIE_AT" != pip || { echo broken > .venv/bin/uv; exit 137; } ;;
esac
"""
_UV = """#!/bin/sh
echo "uv $@" >> calls
case "$*" in
sync*)
    test "$DIE_AT" != sync || { touch .venv/half; exit 137; }
    test "$*" = "${*#*--reinstall}" || rm -f .venv/half
    test ! -e .venv/half || { echo "a package is there in part" >&2; exit 1; } ;;
esac
"""


@pytest.fixture
def project(tmp_path: Path, root: Path) -> Path:
    shutil.copy(root / "Makefile", tmp_path)
    for name in ("pyproject.toml", "uv.lock"):
        (tmp_path / name).touch()
    for name, text in (("python", _PYTHON), ("uv", _UV)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    return tmp_path


def set_up(project: Path, die_at: str = "") -> bool:
    """Make what `setup` needs first; return whether that succeeded."""
    made = subprocess.run(
        ["make", "-C", str(project), "PYTHON=./python", ".venv/.installed"],
        env={**os.environ, "DIE_AT": die_at, "MAKEFLAGS": ""},
        capture_output=True,
        check=False,
    )
    return made.returncode == 0


@pytest.mark.parametrize("die_at", ["venv", "pip", "sync"])
def test_an_installation_that_was_killed_is_made_again(project: Path, die_at: str) -> None:
    assert not set_up(project, die_at)
    assert set_up(project)
    assert not (project / ".venv" / "half").exists()


def test_an_update_that_was_killed_reinstalls_every_package(project: Path) -> None:
    assert set_up(project)
    calls = project / "calls"
    calls.unlink()
    assert set_up(project)
    assert not calls.exists(), "nothing is done when nothing has changed"
    later = (project / ".venv" / ".installed").stat().st_mtime + 5
    os.utime(project / "uv.lock", (later, later))
    assert not set_up(project, "sync")
    assert set_up(project)
    assert "-m venv" not in calls.read_text(), "it is mended in place"
    assert not (project / ".venv" / ".updating").exists()
