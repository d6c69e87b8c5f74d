"""Opens a source by its name: a folder, a PostgreSQL schema or another database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestration.ingest.errors import DeliveryRefused, refused
from orchestration.ingest.manifest import BadManifest, read_manifest
from orchestration.ingest.sources import postgres_schema
from orchestration.ingest.sources.delivery import Delivery, open_folder
from orchestration.ingest.sources.other_databases import is_known, label, open_database
from orchestration.ingest.watermark import Positions

_NO_SOURCE = "WhatsApp events"


@dataclass(frozen=True, slots=True)
class OpenOptions:
    """How a source is opened.

    `inbox` is the folder whose deliveries must match their manifests; `positions` are those of live
    sources; `max_file_bytes` bounds a file of a delivery, decompressed.
    """

    csv_encoding: str
    inbox: Path | None
    positions: Positions
    max_file_bytes: int


@contextmanager
def open_delivery(source: str | Path | None, how: OpenOptions) -> Iterator[Delivery]:
    """Open the delivery that a source names; raise DeliveryRefused when that fails."""
    if source is None:
        yield Delivery(_NO_SOURCE, {}, ())
    elif "://" not in str(source):
        folder = Path(source)
        bound = how.inbox is not None and folder.parent.resolve() == how.inbox.resolve()
        yield open_folder(folder, how.csv_encoding, how.max_file_bytes, bound=bound)
    elif str(source).startswith(postgres_schema.SCHEMES):
        with postgres_schema.open_schema(str(source), how.positions) as delivery:
            yield delivery
    elif is_known(str(source)):
        with open_database(str(source), how.positions) as delivery:
            yield delivery
    else:
        raise refused(
            "The source is a URL of an unknown kind.",
            "Name a folder, postgresql://…?schema=NAME, or a database of docs/sources.md.",
        )


def source_label(source: str | Path | None) -> str:
    """Return the source without its password, as it may be shown and stored."""
    if source is None:
        return _NO_SOURCE
    if "://" not in str(source):
        return str(source)
    if is_known(str(source)):
        return label(str(source))
    try:
        database, schema = postgres_schema.split_url(str(source))
    except DeliveryRefused:
        return "a URL"
    return f"{database.label}, schema {schema}"


def manifest_key(source: str | Path | None) -> str | None:
    """Return the key of a folder's manifest, or None when it cannot be read."""
    if source is None or "://" in str(source):
        return None
    try:
        manifest = read_manifest(Path(source))
    except BadManifest:
        return None
    return manifest.key if manifest else None
