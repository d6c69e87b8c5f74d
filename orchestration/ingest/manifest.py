"""Reads `manifest.json` and compares a delivery folder with it.

`sha256` and `rows` are optional.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from orchestration.files import open_regular, read_regular, regular_file_size
from orchestration.ingest.contract import MANIFEST
from orchestration.ingest.errors import DeliveryRefused, SourceUnreadable, refused

_BLOCK = 1 << 20
LARGEST_MANIFEST = 1 << 20
_MOST_FILES = 1_000
_NAMED = 20  # how many differing files a message names
_LARGEST_COUNT = 1 << 63
_AT_ONCE = 2


class BadManifest(Exception):
    """The manifest cannot be read or parsed; it may still be being written."""


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file as the manifest lists it."""

    name: str
    size: int
    sha256: str | None
    rows: int | None


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files of a delivery; `key` is a digest of the manifest."""

    key: str
    files: tuple[ListedFile, ...]


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest of a folder, or None when it has none.

    Raises:
        BadManifest: The manifest cannot be read or parsed.
    """
    try:
        text = read_regular(folder / MANIFEST, LARGEST_MANIFEST)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadManifest(f"{MANIFEST} cannot be read: {error.strerror}") from None
    try:
        listed = tuple(_listed(entry) for entry in json.loads(text)["files"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadManifest(f"{MANIFEST} is no manifest, or not yet whole") from None
    if len(listed) > _MOST_FILES:
        raise BadManifest(f"{MANIFEST} lists {len(listed):,} files, more than {_MOST_FILES:,}")
    return Manifest(hashlib.sha256(text).hexdigest()[:16], listed)


def _listed(entry: object) -> ListedFile:
    if not isinstance(entry, dict):
        raise ValueError
    name, size, digest, rows = (entry.get(key) for key in ("name", "bytes", "sha256", "rows"))
    if not (isinstance(name, str) and _is_plain(name) and _is_count(size)):
        raise ValueError
    if not (digest is None or isinstance(digest, str)) or not (rows is None or _is_count(rows)):
        raise ValueError
    return ListedFile(name, int(str(size)), digest and digest.lower(), rows)  # type: ignore[arg-type]


def _is_plain(name: str) -> bool:
    """Whether a name is that of a file in the folder itself, without any path."""
    return name == Path(name).name and name not in ("", ".", "..") and name.isprintable()


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LARGEST_COUNT


def manifest_differences(folder: Path, manifest: Manifest) -> Iterator[str]:
    """Yield each listed file that is missing, not regular, or of another size.

    Like "agenda.csv: 10 of 20 bytes".
    """
    for file in manifest.files:
        try:
            size = regular_file_size(folder / file.name)
        except FileNotFoundError:
            yield f"{file.name}: missing"
            continue
        except OSError as error:
            yield f"{file.name}: {error.strerror}"
            continue
        if size != file.size:
            yield f"{file.name}: {size:,} of {file.size:,} bytes"


def manifest_of(folder: Path, *, bound: bool) -> tuple[Manifest | None, list[str]]:
    """Return the manifest of a folder and notices about differences.

    Args:
        folder: The delivery folder.
        bound: Whether the folder must match its manifest.

    Returns:
        The verified manifest when `bound`, else None; and a notice for each difference.

    Raises:
        DeliveryRefused: `bound`, and the manifest is invalid or a file differs from it.
    """
    try:
        manifest = read_manifest(folder)
    except BadManifest as bad:
        if bound:
            raise refused(f"The delivery {folder}: {bad}.", "Write the manifest last.") from None
        return None, [f"{bad}; the files were loaded as they are."]
    if manifest is None:
        return None, []
    if not bound:
        return None, [
            f"{difference}, says {MANIFEST}."
            for difference in islice(manifest_differences(folder, manifest), _NAMED)
        ]
    _check_content(folder, manifest)
    return manifest, []


def _check_content(folder: Path, manifest: Manifest) -> None:
    """Raise DeliveryRefused unless every listed file has the listed size and SHA-256."""
    if differing := list(manifest_differences(folder, manifest)):
        more = [f"{len(differing) - _NAMED:,} more"] if len(differing) > _NAMED else []
        raise _refused("; ".join([*differing[:_NAMED], *more]))
    signed = [file for file in manifest.files if file.sha256]
    sizes = [file.size for file in signed]
    # Hashing releases the GIL, so two files are hashed in parallel.
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="sha256") as pool:
        found = pool.map(_digest, (folder / file.name for file in signed), sizes)
        wrong = [f.name for f, digest in zip(signed, found, strict=True) if digest != f.sha256]
    if wrong:
        raise _refused(f"another content (SHA-256) in {', '.join(wrong)}")


def check_row_count(manifest: Manifest | None, name: str, read: int) -> None:
    """Compare the rows read from a file with the manifest.

    Args:
        manifest: The manifest of the delivery, or None.
        name: Name of the file.
        read: Rows read from it.

    Raises:
        DeliveryRefused: The manifest lists another number of rows.
    """
    for file in manifest.files if manifest else ():
        if file.name == name and file.rows not in (None, read):
            raise _refused(f"{name}: {read:,} rows, not {file.rows:,}")


def _refused(what: str) -> DeliveryRefused:
    return refused(
        f"The delivery is not what its {MANIFEST} says: {what}.",
        "Deliver the folder again, the manifest last.",
    )


def _digest(path: Path, size: int) -> str:
    digest = hashlib.sha256()
    try:
        with open_regular(path, size) as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise refused(
            f"{path.name}: the file cannot be read: {error.strerror or type(error).__name__}.",
            "Check that it is there and its permissions.",
            SourceUnreadable,
        ) from None
    return digest.hexdigest()
