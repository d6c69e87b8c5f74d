"""Bad input, each with a clear message and the right exit code, and nothing lost or changed.

A demo delivery is published once. What a bad one is refused for is asked of the load, and of whole
runs how the program answers. What one row's fault is called is tested in `tests/unit`.
"""

from __future__ import annotations

import errno
import gzip
import os
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from deliveries import stored, write
from pipeline import Program

from orchestration.ingest.errors import DeliveryRefused
from orchestration.ingest.load import LoadSettings, load_delivery
from orchestration.postgres.database import Database
from orchestration.publication.publish import publish_edition
from orchestration.runs.bootstrap import run_lock
from orchestration.settings import Settings
from reports.editions import PublishError

pytestmark = pytest.mark.usefixtures("one_check_worker")

AS_OF = "2026-11-20T12:00:00-03:00"


@pytest.fixture
def delivery(program: Program, tmp_path: Path) -> Path:
    return Path(shutil.copytree(program.home / "demo", tmp_path / "delivery"))


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines(keepends=True)


def edit(name: str, change: Callable[[list[str]], list[str]]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        path = folder / f"{name}.csv"
        path.write_text("".join(change(lines_of(path))), encoding="utf-8")

    return apply


def rename_column(old: str, new: str) -> Callable[[list[str]], list[str]]:
    return lambda lines: [lines[0].replace(old, new, 1), *lines[1:]]


def break_share(column: str, share: float, value: str) -> Callable[[list[str]], list[str]]:
    """Put a value that does not cast into a column of the first rows."""

    def change(lines: list[str]) -> list[str]:
        position = lines[0].strip().split(",").index(column)
        broken = []
        for line in lines[1 : 1 + int(len(lines) * share)]:
            fields = line.rstrip("\n").split(",")
            fields[position] = value
            broken.append(",".join(fields) + "\n")
        return [lines[0], *broken, *lines[1 + len(broken) :]]

    return change


def truncate_gzip(folder: Path) -> None:
    path = folder / "agenda.csv"
    packed = gzip.compress(path.read_bytes())
    path.unlink()
    (folder / "agenda.csv.gz").write_bytes(packed[: len(packed) // 2])


def replace_bytes(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / f"{name}.csv").write_bytes(content) and None


def wrong_encoding(folder: Path) -> None:
    path = folder / "client.csv"
    text = path.read_text(encoding="utf-8")
    assert not text.isascii()
    path.write_bytes(text.encode("cp1252", errors="replace"))


def remove_all(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


REFUSED: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "missing folder": (shutil.rmtree, ("delivery", "not")),
    "empty delivery": (remove_all, ("delivery",)),
    "missing column": (
        edit("agenda", rename_column("contact_date", "date")),
        ("agenda.csv", "contact_date"),
    ),
    "duplicate header": (
        edit("agenda", rename_column("closed_at", "agenda_id")),
        ("agenda.csv", "agenda_id"),
    ),
    "wrong encoding": (wrong_encoding, ("client.csv", "ATENDIMENTO_CSV_ENCODING")),
    "binary garbage": (replace_bytes("reply", bytes(range(256)) * 40), ("reply.csv",)),
    "truncated gzip": (truncate_gzip, ("agenda.csv.gz",)),
    "open quote": (
        edit("client", lambda lines: [*lines[:5], '"' + lines[5], *lines[6:]]),
        ("client.csv", "quote"),
    ),
    "ten percent bad rows": (
        edit("agenda", break_share("contact_date", 0.1, "amanhã")),
        ("agenda", "%", "contact_date", "does_not_cast"),
    ),
    "timestamps without offset": (
        edit("dispatch", break_share("queued_at", 1.0, "2026-11-20T09:00:00")),
        ("dispatch", "queued_at"),
    ),
    "unknown time zone": (
        edit("company", break_share("timezone", 0.5, "America/Atlantida")),
        ("company.csv", "timezone"),
    ),
    "bad row in a reference table": (
        edit("event_type", break_share("campaign_id", 0.2, "nenhuma")),
        ("event_type.csv", "campaign_id"),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_delivery_that_is_not_fit_is_refused_whole(
    program: Program, delivery: Path, case: str
) -> None:
    spoil, says = REFUSED[case]
    before = stored(program.database)
    spoil(delivery)
    with pytest.raises(DeliveryRefused) as refused:
        load_delivery(program.database, delivery, LoadSettings())
    message = str(refused.value)
    for words in says:
        assert words in message
    assert message.splitlines()[-1].startswith("Nothing was loaded; the state before stays. ")
    assert stored(program.database) == before
    with program.database.connect() as conn:
        row = conn.execute("select status from ops.delivery order by delivery_id desc limit 1")
        assert row.fetchone() == ("refused",)


def test_a_run_whose_delivery_is_refused_fails_and_changes_nothing(
    program: Program, delivery: Path
) -> None:
    before, editions = program.published(), program.editions()
    edit("agenda", rename_column("contact_date", "date"))(delivery)
    said = program.call("run", "--source", delivery, "--as-of", AS_OF)
    assert said.exit_code == 1, said.output
    assert "agenda.csv" in said.output.partition("Failed:")[2]
    assert said.last_line.startswith("Failed: Nothing was loaded; the state before stays. ")
    assert (program.published(), program.editions()) == (before, editions)
    with program.database.connect() as conn:
        row = conn.execute("select message from ops.run_failure order by failed_at desc limit 1")
        message: str = row.fetchone()[0]  # type: ignore[index]
    assert all(line in said.output for line in message.splitlines())
    page = program.beside("qualidade.html")
    assert "A última execução falhou em" in page
    assert "os dados publicados são de 20/11/2026 12:00" in page
    assert "agenda.csv" in page.partition("Entrega recusada")[2][:200]
    assert "Recusada em" in page


def test_a_file_that_is_mostly_parked_stops_publication_and_says_which_ids(
    program: Program, tmp_path: Path
) -> None:
    """As when pandas has written ids as `1002.0`."""
    vehicles = [
        {
            "vehicle_id": f"V{number}", "updated_at": AS_OF, "active": "S",
            "client_id": f"10{number:02}.0",
        }
        for number in range(20)
    ]  # fmt: skip
    before = program.published()
    said = program.call(
        "run", "--source", write(tmp_path / "1", {"vehicle": vehicles}), "--as-of", AS_OF
    )
    assert said.exit_code == 3, said.output
    ids = "client_id 1000.0, 1001.0, 1002.0, 1003.0, 1004.0"
    assert f"vehicle.csv: 20 of 20 rows wait for {ids}" in said.output
    assert f"vehicle.csv: 20 of 20 rows wait for {ids}" in program.call("doctor").output
    assert program.published() == before
    # A later file of the table ends it.
    load_delivery(program.database, write(tmp_path / "2", {"vehicle": []}), LoadSettings())


def test_an_unknown_column_is_told_and_known_rows_change_nothing(
    program: Program, delivery: Path
) -> None:
    edit("vehicle", lambda lines: [f"{line.rstrip()},x\n" for line in lines])(delivery)
    before = stored(program.database)
    result = load_delivery(program.database, delivery, LoadSettings())
    assert any("vehicle" in notice for notice in result.notices)
    assert stored(program.database) == before


def test_what_follows_the_publication_does_not_fail_the_run(
    program: Program, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(what: str) -> Callable[..., None]:
        def raises(*_: object, **__: object) -> None:
            raise PublishError(what)

        return raises

    page, old = "the quality page could not be written", "the old editions could not be removed"
    monkeypatch.setattr("orchestration.publication.status_pages.write_status_pages", refuse(page))
    monkeypatch.setattr("reports.editions.prune_editions", refuse(old))
    monkeypatch.setattr("orchestration.publication.publish._switch", lambda *_: None)
    settings = Settings(_env_file=None, home=program.home)  # type: ignore[call-arg]
    with caplog.at_level("WARNING"), run_lock(program.database) as warehouse:
        publish_edition(
            warehouse,
            settings,
            run_id="run",
            as_of=datetime.fromisoformat(AS_OF),
            tables=(),
            keep_history=True,
        )
    assert [record.getMessage() for record in caplog.records] == [
        f"Warning: {old}",
        f"Warning: {page}",
    ]


def test_a_first_delivery_must_hold_every_file(delivery: Path, database: Database) -> None:
    (delivery / "vehicle.csv").unlink()
    with pytest.raises(DeliveryRefused, match="vehicle"):
        load_delivery(database, delivery, LoadSettings())


def test_no_source_is_wrong_usage(program: Program) -> None:
    said = program.call("run")
    assert said.exit_code == 2
    assert "atendimento demo" in said.last_line


@pytest.mark.parametrize("instant", ["yesterday", "2026-11-20", "2026-11-20T12:00:00"])
def test_an_instant_without_offset_is_wrong_usage(program: Program, instant: str) -> None:
    assert program.call("run", "--source", ".", "--as-of", instant).exit_code == 2


def test_an_unreachable_database_is_said(program: Program) -> None:
    said = program.call(
        "run", "--source", program.home / "demo", DATABASE_URL="postgresql://x@127.0.0.1:9/none"
    )
    assert said.exit_code == 1
    assert "cannot be reached" in said.output
    assert said.last_line.startswith("Failed: Nothing was changed. Check that ")


def test_an_old_database_is_refused(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestration.postgres.database.MINIMUM_SERVER_VERSION", 990000)
    said = program.call("run", "--source", program.home / "demo")
    assert said.exit_code == 1
    assert "99 or newer is needed" in said.output


def test_a_second_run_says_that_one_is_running(program: Program) -> None:
    before = program.published()
    with run_lock(program.database):
        said = program.call("run", "--source", program.home / "demo", "--as-of", AS_OF)
    assert said.exit_code == 1
    assert "Another run is in progress" in said.output
    assert program.published() == before


def test_a_full_disk_at_the_publish_folder_changes_nothing(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, pages = program.published(), program.pages()
    real_open = os.open

    def full(path: str | Path, flags: int, *mode: int, **named: int) -> int:
        if ".partial" in str(path) and flags & os.O_CREAT and not str(path).endswith("index.html"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return real_open(path, flags, *mode, **named)

    monkeypatch.setattr(os, "open", full)
    later = "2026-11-20T13:00:00-03:00"
    said = program.call("run", "--source", program.home / "demo", "--as-of", later)
    assert said.exit_code == 1, said.output
    assert "No space left" in said.output
    assert (program.published(), program.pages()) == (before, pages)
    assert not list((program.home / "published").glob("*.partial"))
