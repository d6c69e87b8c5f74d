"""Publish folders made by hand, and the pages found in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg
from markupsafe import escape

from reports import editions
from reports.edition_plan import PAGES
from reports.status_pages import StatusPageSettings, write_status_pages
from reports.write import write_pages
from tests.unit.reports import ops_tables
from tests.unit.reports.published_tables import AS_OF, EDITION

KINDS = sorted({Path(page.template).stem for page in PAGES})
READ_AT = AS_OF + timedelta(minutes=30)

_KIND = re.compile(r"<body\b[^>]*\bdata-page=\"([\w-]+)\.html\"")


@dataclass(frozen=True, slots=True)
class Publication:
    """A publish folder and its pages by kind, the fullest page of a kind first."""

    folder: Path
    pages: Mapping[str, tuple[Path, ...]]

    def fullest(self, kind: str) -> Path:
        """The largest page of a kind."""
        return self.pages[kind][0]

    def samples(self, kind: str) -> tuple[Path, ...]:
        """The fullest and the emptiest page of a kind: a page with rows and one without."""
        return tuple(dict.fromkeys((self.pages[kind][0], self.pages[kind][-1])))

    def showing(self, names: Iterable[str]) -> Iterator[Path]:
        """For each name and kind the fullest page that shows it, and the fullest of each kind."""
        for paths in self.pages.values():
            sources = {path: path.read_text(encoding="utf-8") for path in paths}
            shown = (
                next((path for path in paths if str(escape(name)) in sources[path]), paths[0])
                for name in names
            )
            yield from dict.fromkeys((paths[0], *shown))


def write(conn: psycopg.Connection, publish_dir: Path) -> Publication:
    """Write the pages of the tables as they are, with what stands beside an edition."""
    name = editions.edition_name(AS_OF, EDITION.run_id)
    write_pages(conn, editions.create_edition_folder(publish_dir, name), edition=EDITION)
    editions.activate_edition(publish_dir, name)
    standing = StatusPageSettings(now=ops_tables.NOW, edition_retention_count=14, keep_days=30)
    write_status_pages(conn, publish_dir, standing)
    return look_through(publish_dir)


def look_through(publish_dir: Path) -> Publication:
    """Sort the pages of a publish folder; `current` only leads to an edition again."""
    pages: dict[str, list[Path]] = {}
    for path in publish_dir.rglob("*.html"):
        if publish_dir / editions.CURRENT not in path.parents:
            pages.setdefault(kind_of(path), []).append(path)
    return Publication(
        publish_dir,
        {
            kind: tuple(sorted(paths, key=lambda path: (-path.stat().st_size, path)))
            for kind, paths in sorted(pages.items())
        },
    )


def kind_of(path: Path) -> str:
    """The kind a page names."""
    found = _KIND.search(path.read_text(encoding="utf-8"))
    assert found, f'{path.name} names no kind: <body data-page="….html">'
    return found[1]
