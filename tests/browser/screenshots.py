"""Pictures of the main pages for `docs/`: `make screenshots`.

People, phones and plates are the demo's, made up; instant and seed are fixed, so that the pictures
change only when the pages do.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, FloatRect

from orchestration.postgres import embedded
from orchestration.postgres.database import Database
from reports import editions
from reports.editions import Edition
from reports.write import write_pages
from tests.browser import chromium, publication
from tests.browser.publication import Publication
from tests.pipeline import Program

AS_OF = datetime.fromisoformat("2026-11-20T10:30:00-03:00")
AGENDAS, SEED, DAYS = 5_000, 1, 2
TALLEST = 1500
"""Pixels a picture may be high: what is above is what a reader sees first."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: which kind of page, how wide, in which colours."""

    kind: str
    width: int = 1280
    scheme: Literal["light", "dark"] = "light"

    @property
    def name(self) -> str:
        """The picture's file: the kind, and what is unusual about it."""
        parts = [self.kind]
        parts += [str(self.width)] if self.width != 1280 else []
        parts += [self.scheme] if self.scheme != "light" else []
        return "_".join(parts) + ".png"


MORE = (Shot("call_list", 390), Shot("manager_day", 390), Shot("manager_day", scheme="dark"))
"""Pictures beside the one of each kind."""


def main() -> None:
    """Make the demo, run it, take the pictures."""
    parser = argparse.ArgumentParser(description="Pictures of the main pages.")
    parser.add_argument("folder", type=Path, nargs="?", default=Path("docs"))
    folder = parser.parse_args().folder
    program = chromium.find()
    home = Path(tempfile.mkdtemp(prefix="atendimento-"))
    try:
        published = demo(Program(home, embedded.start_server(home / "postgres")))
        with chromium.started(program) as browser:
            for path in taken(browser, published, folder):
                print(f"{path}, {path.stat().st_size // 1024} KB")
    finally:
        embedded.remove_server(home / "postgres")
        shutil.rmtree(home)


def demo(program: Program) -> Publication:
    """A demo group published on each of the last days, the last edition as if made on time."""
    source = program.home / "demo"
    arguments = ("--agendas", str(AGENDAS), "--seed", str(SEED))
    run(program, "demo", source, *arguments, "--as-of", AS_OF.isoformat())
    for days_ago in reversed(range(DAYS)):
        as_of = AS_OF - timedelta(days=days_ago)
        run(program, "run", "--source", source, "--as-of", as_of.isoformat())
    publish_dir = program.home / "published"
    made_on_time(program.database, publish_dir)
    return publication.look_through(publish_dir)


def run(program: Program, *arguments: str | Path) -> None:
    """Run a command of the program; end with what it said when it failed."""
    said = program.call(*arguments)
    if said.exit_code:
        raise SystemExit(said.output)


def made_on_time(database: Database, publish_dir: Path) -> None:
    """Put one edition in the place of those of the runs, which were made today: out of date."""
    edition = Edition(
        as_of=AS_OF, generated_at=AS_OF + timedelta(minutes=2), run_id="8c1d7f20-demo"
    )
    name = editions.edition_name(AS_OF, edition.run_id)
    with database.connect() as conn:
        conn.execute("set search_path = marts")
        conn.commit()
        write_pages(conn, editions.create_edition_folder(publish_dir, name), edition=edition)
    editions.activate_edition(publish_dir, name)
    editions.prune_editions(publish_dir, newest=1, days=0, now=AS_OF)


def taken(browser: Browser, published: Publication, folder: Path) -> list[Path]:
    """Take the pictures; return their files."""
    shots = [*map(Shot, published.pages), *MORE]
    context = chromium.reader(browser)
    page = context.new_page()
    page.clock.set_fixed_time(AS_OF + timedelta(minutes=10))
    paths = []
    for shot in shots:
        page.set_viewport_size({"width": shot.width, "height": 900})
        page.emulate_media(color_scheme=shot.scheme)
        page.goto(published.fullest(shot.kind).as_uri())
        height = min(TALLEST, page.evaluate("document.documentElement.scrollHeight"))
        path = folder / shot.name
        clip: FloatRect = {"x": 0, "y": 0, "width": shot.width, "height": height}
        page.screenshot(path=path, full_page=True, clip=clip)
        paths.append(path)
    context.close()
    return paths


if __name__ == "__main__":
    main()
