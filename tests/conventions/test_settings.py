"""`.env.example` lists every setting, and no other."""

from __future__ import annotations

from pathlib import Path

from orchestration.settings import PREFIX, Settings


def test_the_example_lists_every_setting_with_its_description(root: Path) -> None:
    lines = (root / ".env.example").read_text(encoding="utf-8").splitlines()
    named = [line.partition("=")[0] for line in lines if line.startswith(PREFIX)]
    assert named == [PREFIX + field.upper() for field in Settings.model_fields]
    comments = " ".join(line.removeprefix("# ") for line in lines if line.startswith("#"))
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description in comments, name


def test_the_example_shows_the_defaults(root: Path) -> None:
    for line in (root / ".env.example").read_text(encoding="utf-8").splitlines():
        if line.startswith(PREFIX) and (value := line.partition("=")[2]):
            field = Settings.model_fields[line.partition("=")[0].removeprefix(PREFIX).lower()]
            assert str(field.default) == value
