"""What every command does before it works."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from orchestration.cli import main


def test_no_command_leaves_a_copy_of_its_memory_when_it_dies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").touch()
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    try:
        assert main.main(["demo", str(tmp_path)]) == main.WRONG_USAGE
        assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
    assert "Traceback" not in capsys.readouterr().err
