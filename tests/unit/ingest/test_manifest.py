"""A delivery folder against its manifest: what is complete, what is refused, what is noticed."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from orchestration.ingest import ledger, manifest
from orchestration.ingest.inbox import InboxFolder, inbox_folders
from orchestration.ingest.load import DeliveryRefused, LoadResult, LoadSettings, load_delivery
from orchestration.postgres.database import Database
from tests.deliveries import BASE, agenda, stored, write


def signed(folder: Path, names: str = "*.csv", **changes: dict[str, object]) -> Path:
    """Write the folder's manifest last, as a sender does; `changes` by table name."""
    files = []
    for path in sorted(folder.glob(names)):
        content = path.read_bytes()
        files.append(
            {
                "name": path.name,
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "rows": content.count(b"\n") - 1,
                **changes.get(path.stem, {}),
            }
        )
    (folder / "manifest.json").write_text(json.dumps({"files": files}))
    return folder


def taken(database: Database, folder: Path) -> LoadResult:
    """Load it as the sensor does: a folder of the inbox."""
    return load_delivery(database, folder, LoadSettings(inbox=folder.parent))


@pytest.fixture
def tuesday(tmp_path: Path) -> Path:
    return write(tmp_path / "inbox" / "tuesday", {**BASE, "agenda": [agenda("a1"), agenda("a2")]})


def look(inbox: Path) -> InboxFolder:
    (folder,) = inbox_folders(inbox)
    return folder


def test_a_delivery_that_is_what_its_manifest_says(database: Database, tuesday: Path) -> None:
    assert look(tuesday.parent).lacks == ("manifest.json: missing",)
    signed(tuesday)
    assert look(tuesday.parent).complete
    taken(database, tuesday)
    assert len(stored(database)["agenda"]) == 2
    with database.connect() as conn:
        (entered,) = conn.execute("select manifest from ops.delivery").fetchall()
    assert entered == (look(tuesday.parent).manifest,)


@pytest.mark.parametrize("files", ['["agenda.csv"]', "[null]", '{"agenda.csv": 1}', "7", "[[]]"])
def test_a_manifest_of_another_form_hinders_no_other_folder(
    database: Database, tuesday: Path, files: str
) -> None:
    signed(tuesday)
    other = tuesday.with_name("a wednesday")
    other.mkdir()
    (other / "manifest.json").write_text(f'{{"files": {files}}}')
    assert [(f.path.name, f.complete) for f in inbox_folders(tuesday.parent)] == [
        ("a wednesday", False),
        ("tuesday", True),
    ]
    with pytest.raises(DeliveryRefused, match="is no manifest, or not yet whole"):
        taken(database, other)


def test_what_is_written_over_a_delivery_while_it_is_looked_at_is_another(
    database: Database, tuesday: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed(tuesday, agenda={"sha256": "0" * 64})

    def written_over(path: Path, _: int) -> str:
        signed(tuesday)
        return hashlib.sha256(path.read_bytes()).hexdigest()

    with monkeypatch.context() as patch:
        patch.setattr(manifest, "_digest", written_over)
        with pytest.raises(DeliveryRefused, match="another content"):
            taken(database, tuesday)
    with database.connect() as conn:
        assert not ledger.is_known_delivery(conn, *look(tuesday.parent).content)
    taken(database, tuesday)
    with database.connect() as conn:
        assert ledger.is_known_delivery(conn, *look(tuesday.parent).content)


def test_a_folder_loaded_by_hand_while_it_was_copied_is_taken_once_it_is_whole(
    database: Database, tuesday: Path
) -> None:
    load_delivery(database, tuesday, LoadSettings(inbox=tuesday.parent))
    signed(tuesday)
    for path in (*tuesday.iterdir(), tuesday):
        os.utime(path, (1, 1))  # a copy that keeps its sender's times
    with database.connect() as conn:
        assert not ledger.is_known_delivery(conn, *look(tuesday.parent).content)


def test_a_delivery_refused_for_what_another_brings_is_taken_after_that(
    database: Database, tmp_path: Path
) -> None:
    inbox = tmp_path / "inbox"
    part = signed(write(inbox / "1 part", {"agenda": [agenda("a1")]}))
    first = signed(write(inbox / "2 first", BASE))
    types = BASE["event_type"] + (
        BASE["event_type"][0] | {"event_type_id": "e9", "campaign_id": "k9"},
    )
    typed = signed(write(inbox / "3 event types", {"event_type": types}))
    campaigns = BASE["campaign"] + (BASE["campaign"][0] | {"campaign_id": "k9"},)
    named = signed(write(inbox / "4 campaigns", {"campaign": campaigns}))

    def waiting() -> list[str]:
        with database.connect() as conn:
            return [
                f.path.name
                for f in inbox_folders(inbox)
                if not ledger.is_known_delivery(conn, *f.content)
            ]

    for _ in range(2):
        with pytest.raises(DeliveryRefused, match="is the first"):
            taken(database, part)
        assert waiting() == ["2 first", "3 event types", "4 campaigns"]
    taken(database, first)
    assert waiting() == ["1 part", "3 event types", "4 campaigns"]
    taken(database, part)
    with pytest.raises(DeliveryRefused, match="unknown_reference"):
        taken(database, typed)
    taken(database, first)  # brings nothing new
    assert waiting() == ["4 campaigns"]
    taken(database, named)
    assert waiting() == ["3 event types"]
    taken(database, typed)
    assert waiting() == []


def test_a_file_that_could_not_be_read_is_tried_again_once_that_may_have_changed(
    database: Database, tuesday: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed(tuesday)

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(manifest, "open_regular", denied)
        with pytest.raises(DeliveryRefused, match="cannot be read: Permission denied"):
            taken(database, tuesday)
    with database.connect() as conn:
        assert ledger.is_known_delivery(conn, *look(tuesday.parent).content)
        (tuesday / "agenda.csv").chmod(0o644)
        assert not ledger.is_known_delivery(conn, *look(tuesday.parent).content)


def test_an_older_manifest_tells_sizes_only(database: Database, tuesday: Path) -> None:
    signed(tuesday)
    manifest = json.loads((tuesday / "manifest.json").read_text())
    files = [{key: file[key] for key in ("name", "bytes")} for file in manifest["files"]]
    (tuesday / "manifest.json").write_text(json.dumps({"files": files[1:]}))
    assert look(tuesday.parent).complete
    assert taken(database, tuesday).notices == (
        "agenda.csv: manifest.json does not name it; it was loaded as it is.",
    )


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"bytes": 9999}, r"manifest.json says: agenda.csv: \d+ of 9,999 bytes."),
        ({"name": "agendas.csv"}, "says: agendas.csv: missing"),
        ({"sha256": "0" * 64}, r"another content \(SHA-256\) in agenda.csv"),
        ({"rows": 3}, "agenda.csv: 2 rows, not 3"),
        ({"rows": 1}, "agenda.csv: 2 rows, not 1"),
    ],
)
def test_a_delivery_that_is_not_is_refused_whole(
    database: Database, tuesday: Path, changes: dict[str, object], says: str
) -> None:
    signed(tuesday, agenda=changes)
    for _ in range(2):
        with pytest.raises(DeliveryRefused, match=says):
            taken(database, tuesday)
    assert not any(stored(database).values())
    assert taken(database, signed(tuesday)).tables


def test_a_promised_file_that_is_not_read_refuses_the_delivery(
    database: Database, tuesday: Path
) -> None:
    (tuesday / "agenda.csv").rename(tuesday / "agenda.CSV")
    signed(tuesday, names="*.[cC][sS][vV]")
    with pytest.raises(
        DeliveryRefused, match=r"manifest\.json names what is not read: agenda\.CSV"
    ):
        taken(database, tuesday)
    assert not any(stored(database).values())


def test_any_other_file_that_is_promised_is_noticed(database: Database, tuesday: Path) -> None:
    (tuesday / "invoices.csv").write_text("a\n1\n")
    notice = "invoices.csv: no file of that name is read; it was ignored."
    assert taken(database, signed(tuesday, invoices={"rows": None})).notices == (notice,)
    with pytest.raises(DeliveryRefused, match=r"names what is not read: invoices\.csv"):
        taken(database, signed(tuesday))


def test_the_case_of_a_digest_does_not_matter(database: Database, tuesday: Path) -> None:
    digest = hashlib.sha256((tuesday / "agenda.csv").read_bytes()).hexdigest().upper()
    assert taken(database, signed(tuesday, agenda={"sha256": digest})).tables


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"files": 3}',
        '{"files": [{"name": "agenda.csv"}]}',
        '{"files": [{"name": "agenda.csv", "bytes": -1}]}',
        '{"files": [{"name": "agenda.csv", "bytes": true}]}',
        '{"files": [{"name": "agenda.csv", "bytes": 1.5}]}',
        '{"files": [{"name": "agenda.csv", "bytes": 1, "rows": "2"}]}',
        '{"files": [{"name": "../tuesday/agenda.csv", "bytes": 1}]}',
        '{"files": [{"name": "/dev/zero", "bytes": 0}]}',
        '{"files": [{"name": "", "bytes": 0}]}',
        '{"files": [{"name": "..", "bytes": 0}]}',
        '{"files": [{"name": "agenda.csv\\u0000", "bytes": 0}]}',
        "[" * 100_000,
        "\udcff",
    ],
)
def test_what_is_no_manifest(tuesday: Path, text: str) -> None:
    (tuesday / "manifest.json").write_bytes(text.encode(errors="surrogateescape"))
    found = look(tuesday.parent)
    assert not found.complete
    assert found.lacks == ("manifest.json is no manifest, or not yet whole",)


def test_a_delivery_without_a_readable_manifest_is_not_taken(
    database: Database, tuesday: Path
) -> None:
    (tuesday / "manifest.json").touch()
    with pytest.raises(DeliveryRefused, match="no manifest, or not yet whole"):
        taken(database, tuesday)


def test_a_folder_named_by_hand_may_have_been_edited(database: Database, tuesday: Path) -> None:
    signed(tuesday)
    with (tuesday / "agenda.csv").open("ab") as file:
        file.write(b"too,short\n")
    loaded = load_delivery(database, tuesday, LoadSettings(max_rejected_share=1))
    assert len(loaded.notices) == 1
    assert loaded.notices[0].startswith("agenda.csv: ")
    assert loaded.notices[0].endswith("bytes, says manifest.json.")


def test_folders_that_are_being_written(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    assert list(inbox_folders(inbox)) == []
    write(inbox / ".hidden", BASE)
    (inbox / "a file").touch()
    (inbox / "empty").mkdir()
    assert [(f.path.name, f.complete) for f in inbox_folders(inbox)] == [("empty", False)]
