"""Settings: names, bounds and the sentences for what cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.settings import RENAMED, Settings, SettingsError, load_settings

NO_FILE = Path("/nonexistent/.env")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("ATENDIMENTO_"):
            monkeypatch.delenv(name)


def test_everything_has_a_default() -> None:
    settings = load_settings(NO_FILE)
    assert settings.published == settings.home / "published"
    assert settings.watched == settings.home / "inbox"
    assert settings.max_rejected_share == 0.05


def test_an_empty_value_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATENDIMENTO_SOURCE", "")
    assert load_settings(NO_FILE).source is None


def test_the_environment_wins_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / ".env"
    file.write_text("ATENDIMENTO_EDITION_RETENTION_COUNT=3\nATENDIMENTO_STALE_HOURS=5\n")
    monkeypatch.setenv("ATENDIMENTO_EDITION_RETENTION_COUNT", "4")
    settings = load_settings(file)
    assert (settings.edition_retention_count, settings.stale_hours) == (4, 5)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ATENDIMENTO_MAX_REJECTED_SHARE", "5 %", "ATENDIMENTO_MAX_REJECTED_SHARE"),
        ("ATENDIMENTO_MAX_REJECTED_SHARE", "1.5", "less than or equal to 1"),
        ("ATENDIMENTO_GROUP_TIMEZONE", "Sao Paulo", "not an IANA time zone"),
        ("ATENDIMENTO_REFRESH_SCHEDULE", "61 * * * *", "is no cron of five fields"),
        ("ATENDIMENTO_MORNING_SCHEDULE", "six", "is no cron of five fields"),
        ("ATENDIMENTO_CSV_ENCODING", "latin-99", "not an encoding"),
        ("ATENDIMENTO_EDITION_RETENTION_COUNT", "0", "greater than or equal to 1"),
        ("ATENDIMENTO_SOURSE", "x", "Did you mean ATENDIMENTO_SOURCE?"),
    ],
)
def test_what_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match="ATENDIMENTO_") as raised:
        load_settings(NO_FILE)
    assert says in str(raised.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"ATENDIMENTO_SOURSE=x\n", "Did you mean ATENDIMENTO_SOURCE?"),
        (b"ATENDIMENTO_SOURCE=\xff\n", "it is not UTF-8"),
        (b"ATENDIMENTO_HOME=~no-such-account/x\n", "ATENDIMENTO_HOME cannot be used"),
    ],
)
def test_what_is_wrong_in_the_file_is_said(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / ".env"
    file.write_bytes(content)
    with pytest.raises(SettingsError) as raised:
        load_settings(file)
    assert says in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:secret%zz@h/db",
        "postgresql://u:secret@[::1/db",
        "postgresql://u:se/secret@h/db",
        "postgresql://u:12/secret@h/db",
        "postgresql://u:secret@h1,h2/db",
        "mysql://u:secret@h/db",
        "secret",
    ],
)
def test_a_wrong_database_url_is_said_without_its_password(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("ATENDIMENTO_DATABASE_URL", url)
    with pytest.raises(SettingsError, match="ATENDIMENTO_DATABASE_URL") as raised:
        load_settings(NO_FILE)
    assert "secret" not in str(raised.value)


def test_a_file_of_other_programs_settings_is_fine(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("COMPOSE_PROJECT_NAME=x\nexport ATENDIMENTO_EDITION_RETENTION_COUNT=3\n")
    file.chmod(0o400)
    assert load_settings(file).edition_retention_count == 3


def test_a_name_of_the_release_before_works_and_warns(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / ".env"
    file.write_text("ATENDIMENTO_KEEP_BACKUPS=3\n")  # renamed in 0.4.0
    monkeypatch.setenv("ATENDIMENTO_SOURCE_WHOLE", "true")
    monkeypatch.setenv("ATENDIMENTO_LOOKUP_HOSTS", "old.example")
    monkeypatch.setenv("ATENDIMENTO_ALLOWED_HOSTS", "new.example")
    settings = load_settings(file)
    assert settings.backup_retention_count == 3
    assert settings.full_refresh
    assert settings.allowed_hosts == "new.example"
    assert "ATENDIMENTO_SOURCE_WHOLE is called ATENDIMENTO_FULL_REFRESH" in capsys.readouterr().err


def test_every_renamed_setting_names_one_that_is_there() -> None:
    assert set(RENAMED.values()) <= set(Settings.model_fields)
    assert not set(RENAMED) & set(Settings.model_fields)


@pytest.mark.timeout(10)
def test_a_file_of_settings_is_a_regular_file(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "large").write_text("#" * (2 << 20))
    for name in ("fifo", "zero", "large"):
        with pytest.raises(SettingsError, match=f"{name} cannot be read: it "):
            load_settings(tmp_path / name)
    (tmp_path / "settings").write_text("ATENDIMENTO_STALE_HOURS=5\n")
    (tmp_path / ".env").symlink_to(tmp_path / "settings")
    assert load_settings(tmp_path / ".env").stale_hours == 5
