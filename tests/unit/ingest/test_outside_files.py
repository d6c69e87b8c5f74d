"""What is read from outside: regular files of bounded size, in bounded memory."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.files import open_regular, read_regular
from orchestration.ingest import inbox, manifest
from orchestration.ingest.contract import CAMPAIGN, CLIENT
from orchestration.ingest.errors import DeliveryRefused
from orchestration.ingest.load import load_delivery
from orchestration.ingest.sources import parquet_file
from orchestration.ingest.sources.csv_file import open_csv
from orchestration.ingest.sources.delivery import open_folder
from orchestration.ingest.sources.parquet_file import open_parquet
from orchestration.ingest.whatsapp import spool
from orchestration.postgres.database import Database
from tests.deliveries import BASE, LENIENT, load, write
from tests.unit.ingest.test_manifest import signed

MB = 1 << 20
LARGEST = 4 << 30


def link_to_zero(path: Path) -> None:
    path.symlink_to("/dev/zero")


def link_to_a_file(path: Path) -> None:
    other = path.with_name(f"other-{path.name}")
    other.write_bytes(b"{}")
    path.symlink_to(other)


def dangling_link(path: Path) -> None:
    path.symlink_to(path.with_name("gone"))


def fifo(path: Path) -> None:
    os.mkfifo(path)


def sparse(path: Path) -> None:
    """2 GB that take no room on the disk."""
    with path.open("wb") as file:
        file.truncate(2 << 30)


def folder(path: Path) -> None:
    path.mkdir()


HOSTILE = [link_to_zero, link_to_a_file, dangling_link, fifo, sparse, folder]


@pytest.mark.parametrize("make", HOSTILE)
@pytest.mark.timeout(10)
def test_only_regular_files_of_bounded_size_are_opened(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "file")
    with pytest.raises(OSError, match=r"link|regular|bytes|directory"):
        open_regular(tmp_path / "file", MB)


def test_a_file_of_the_operators_own_may_be_a_link_to_a_regular_file(tmp_path: Path) -> None:
    link_to_a_file(tmp_path / "file")
    assert read_regular(tmp_path / "file", MB, follow=True) == b"{}"
    (tmp_path / "device").symlink_to("/dev/zero")
    with pytest.raises(OSError, match="not a regular file"):
        read_regular(tmp_path / "device", MB, follow=True)


@pytest.mark.parametrize("make", HOSTILE)
@pytest.mark.timeout(10)
def test_a_hostile_manifest_hides_no_other_folder(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    good = signed(write(tmp_path / "tuesday", BASE))
    (tmp_path / "monday").mkdir()
    make(tmp_path / "monday" / manifest.MANIFEST)
    found = {one.path.name: one for one in inbox.inbox_folders(tmp_path)}
    assert found["tuesday"].complete
    assert not found["monday"].complete
    assert good.is_dir()


@pytest.mark.timeout(10)
def test_hostile_entries_of_the_inbox_hide_no_other(tmp_path: Path) -> None:
    signed(write(tmp_path / "tuesday", BASE))
    (tmp_path / "link").symlink_to(tmp_path / "tuesday")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "fifo")
    os.mkdir(os.fsencode(tmp_path) + b"/bad-\xff")
    (tmp_path / "two\nlines").mkdir()
    listing = {"files": [{"name": f"{n}.csv", "bytes": 1} for n in range(9)]}
    (tmp_path / "many").mkdir()
    (tmp_path / "many" / manifest.MANIFEST).write_text(str(listing).replace("'", '"'))
    found = {one.name: one for one in inbox.inbox_folders(tmp_path)}
    assert [name for name, one in found.items() if one.complete] == ["tuesday"]
    assert all(name.isprintable() for name in found)
    assert found["link"].lacks == ("it is a link, and links are not followed",)
    assert found["many"].lacks[-2:] == ("4.csv: missing", "and more")
    assert {"loop", "'bad-\\udcff'", "'two\\nlines'"} <= found.keys()


@pytest.mark.parametrize("make", [link_to_zero, fifo, link_to_a_file])
@pytest.mark.parametrize("name", ["agenda.csv", "agenda.csv.gz", "agenda.parquet"])
@pytest.mark.timeout(20)
def test_a_hostile_file_is_missing_from_a_complete_delivery_and_refuses_any(
    tmp_path: Path, name: str, make: Callable[[Path], None]
) -> None:
    files = write(tmp_path / "monday", {k: v for k, v in BASE.items() if k != "agenda"})
    make(files / name)
    (files / manifest.MANIFEST).write_text(
        f'{{"files": [{{"name": "{name}", "bytes": 0, "sha256": "{"0" * 64}"}}]}}'
    )
    (found,) = inbox.inbox_folders(tmp_path)
    assert not found.complete
    for bound in (True, False):
        with pytest.raises(DeliveryRefused, match=f"{name}.*(link|regular)"):
            open_folder(files, "utf-8", LARGEST, bound=bound)


def test_a_delivery_in_the_inbox_is_no_link(tmp_path: Path) -> None:
    signed(write(tmp_path / "elsewhere", BASE))
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DeliveryRefused, match="is a link"):
        open_folder(tmp_path / "link", "utf-8", LARGEST, bound=True)
    assert open_folder(tmp_path / "link", "utf-8", LARGEST).tables  # named by hand


@pytest.mark.parametrize("name", [*spool.IN_A_DELIVERY])
@pytest.mark.timeout(20)
def test_hostile_whatsapp_files_are_refused_or_left(
    database: Database, tmp_path: Path, name: str
) -> None:
    load(database, tmp_path / "first", BASE)
    (tmp_path / "delivery").mkdir()
    os.mkfifo(tmp_path / "delivery" / name)
    with pytest.raises(
        DeliveryRefused, match=rf"{name}: the WhatsApp events cannot be read: it is"
    ):
        load_delivery(database, tmp_path / "delivery", LENIENT)
    waiting = tmp_path / "spool"
    waiting.mkdir()
    os.mkfifo(waiting / f"x.{name}")
    os.mkfifo(waiting / "open.part")
    (waiting / "zero.jsonl").symlink_to("/dev/zero")
    settings = replace(LENIENT, whatsapp_spool=waiting)
    loaded = load_delivery(database, write(tmp_path / "2", {"dispatch": []}), settings)
    assert [notice.partition(":")[0] for notice in loaded.notices] == [f"x.{name}", "zero.jsonl"]
    assert len(list(waiting.iterdir())) == 3


def test_events_that_decompress_without_end_are_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "LARGEST_FILE", MB)
    (tmp_path / "1.jsonl.gz").write_bytes(gzip.compress(b"{}\n" * MB))
    with pytest.raises(OSError, match="decompressed"):
        list(spool.read_lines(tmp_path / "1.jsonl.gz"))


@pytest.mark.parametrize("content", [b"\n", b"h1,x,y\n", b'"'])
def test_a_gzip_file_is_read_up_to_its_limit(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "client.csv.gz"
    header = b"client_id,updated_at,name,accepts_messages\n"
    path.write_bytes(gzip.compress(header + content * (MB // len(content) * 3 // 2)))
    assert path.stat().st_size < 20_000
    source = open_csv(path, CLIENT, "utf-8", MB)
    for read in (source.blocks, source.records):
        with pytest.raises(DeliveryRefused, match=r"more than 1 MB, decompressed.*\n.*MAX_FILE_MB"):
            list(read())
    assert open_csv(path, CLIENT, "utf-8", 8 * MB)


def test_a_csv_file_is_not_read_beyond_its_limit(tmp_path: Path) -> None:
    write(tmp_path, BASE)
    sparse(tmp_path / "client.csv")
    with pytest.raises(DeliveryRefused, match=r"client\.csv: the file has more than 1 MB"):
        open_folder(tmp_path, "utf-8", MB)


def repeated(path: Path, text: str, rows: int, **options: object) -> Path:
    """A Parquet file whose rows all have the same name, stored once."""
    once = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([text]))
    if not options.get("use_dictionary", True):
        once = once.dictionary_decode()
    table = pa.table({"campaign_id": ["p"] * rows, "name": once, "active": [True] * rows})
    pq.write_table(table, path, **{"compression": "zstd", **options})
    return path


READ = """
import resource, sys
from pathlib import Path
from orchestration.ingest.contract import CAMPAIGN
from orchestration.ingest.sources.parquet_file import open_parquet
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
before, size = peak(), 0
try:
    for block in open_parquet(Path(sys.argv[1]), CAMPAIGN, int(sys.argv[2])).blocks():
        size += len(block)
except Exception as error:
    print(type(error).__name__, str(error).partition(chr(10))[0], file=sys.stderr)
print(peak() - before, size >> 20)
"""


def memory_to_read(path: Path, largest: int) -> tuple[int, int, str]:
    """MB of memory that reading a file takes in a process of its own, MB read, and its refusal."""
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path), str(largest)],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    grown, size = map(int, done.stdout.split())
    return grown, size, done.stderr


def test_a_small_parquet_file_takes_little_memory(tmp_path: Path) -> None:
    path = repeated(tmp_path / "campaign.parquet", "x" * 137_000, 3_000)
    assert path.stat().st_size < 3_000
    grown, size, refusal = memory_to_read(path, LARGEST)
    assert (size, refusal) == (392, "")
    assert grown < 150


GROWING = {"use_dictionary": False, "column_encoding": {"name": "DELTA_BYTE_ARRAY"}}


def test_a_parquet_page_that_grows_is_read_in_small_batches(tmp_path: Path) -> None:
    """Each value of such a page may be as long as the page."""
    path = repeated(tmp_path / "campaign.parquet", "x" * MB, 100, **GROWING)
    source = open_parquet(path, CAMPAIGN, LARGEST)
    assert 250 <= source.batch_rows <= 256
    assert sum(map(len, source.blocks())) > 100 * MB


@pytest.mark.proof
def test_a_parquet_page_that_grows_takes_bounded_memory(tmp_path: Path) -> None:
    path = repeated(tmp_path / "campaign.parquet", "x" * 30_000, 10_000, **GROWING)
    assert path.stat().st_size < 3_000
    grown, size, refusal = memory_to_read(path, LARGEST)
    assert (size, refusal) == (286, "")
    assert grown < 450


def test_what_the_footer_says_of_its_pages_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_file, "_PAGE_BYTES", 20 * MB)
    path = repeated(
        tmp_path / "campaign.parquet", "x" * 30_000, 1_000, use_dictionary=False,
        data_page_size=1 << 30,
    )  # fmt: skip
    honest = pq.read_metadata(path).row_group(0).column(1).total_uncompressed_size
    content = path.read_bytes()
    told, small = (varint(2 * size) for size in (honest, 100))
    padded = bytes([*(byte | 128 for byte in small), *[128] * (len(told) - len(small) - 1), 0])
    at = content.rindex(told)
    path.write_bytes(content[:at] + padded + content[at + len(told) :])
    assert pq.read_metadata(path).row_group(0).column(1).total_uncompressed_size == 100
    with pytest.raises(DeliveryRefused, match="its pages have 28 MB, decompressed; at most 20 MB"):
        open_parquet(path, CAMPAIGN, LARGEST)


def varint(number: int) -> bytes:
    groups = []
    while number > 127:
        groups.append(number & 127 | 128)
        number >>= 7
    return bytes([*groups, number])


def test_rows_without_values_count_too(tmp_path: Path) -> None:
    path = repeated(tmp_path / "campaign.parquet", "", 1_000_000)
    assert path.stat().st_size < 10_000
    with pytest.raises(DeliveryRefused, match="more than 2 MB"):
        open_parquet(path, CAMPAIGN, 2 * MB)


def test_the_text_of_a_parquet_file_is_bounded(tmp_path: Path) -> None:
    path = repeated(tmp_path / "campaign.parquet", "x" * 10_000, 5_000)
    source = open_parquet(path, CAMPAIGN, 20 * MB)
    for read in (source.blocks, source.records):
        with pytest.raises(DeliveryRefused, match="more than 20 MB"):
            list(read())


@pytest.mark.parametrize("at", range(0, 400, 29))
def test_a_damaged_parquet_file_is_refused_or_read(tmp_path: Path, at: int) -> None:
    path = repeated(tmp_path / "campaign.parquet", "x" * 10, 100)
    content = bytearray(path.read_bytes())
    content[4 + at % (len(content) - 4)] ^= 255
    path.write_bytes(content)
    try:
        list(open_parquet(path, CAMPAIGN, LARGEST).blocks())
    except DeliveryRefused as refusal:
        assert "campaign.parquet" in str(refusal)  # noqa: PT017
