"""What an edition consists of: documents, each with its place, and what they are made from."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple, get_args

from reports.editions import OWNER_ONLY_FILE, OWNER_ONLY_FOLDER, Edition, recorded_facts
from reports.filters import Filters
from reports.queries.companies import Company
from reports.render import render
from reports.view_model import Page

Kind = Literal["reports", "totals", "lists", "fichas", "files"]
"""A report, the rows of a total, a call list, Fichas, or a file to take away."""

EVERY_KIND: frozenset[Kind] = frozenset(get_args(Kind))

Writer = Callable[[BinaryIO], None]
"""Writes a file that is no page: CSV, XLSX, JSON."""


class Document(NamedTuple):
    """One file of an edition: its path within it, and a page to render or the writer of a file.

    `rows` is how many rows of a call list it shows.
    """

    path: str
    content: Page | Writer
    rows: int = 0


@dataclass(frozen=True, slots=True)
class EditionContext:
    """What every document of an edition is made from, beside the published tables; and which kinds
    of documents are made.
    """

    edition: Edition
    filters: Filters
    companies: tuple[Company, ...]
    kinds: frozenset[Kind] = EVERY_KIND


def write_document(folder: Path, document: Document) -> int:
    """Write a document to a file that was not there before; return its size in bytes."""
    path = folder / document.path
    content = document.content
    html = render(content).encode() if isinstance(content, Page) else None
    with recorded_facts(path, "written; the new edition was removed"):
        path.parent.mkdir(exist_ok=True, mode=OWNER_ONLY_FOLDER)
        with _new_file(path) as file:
            if html is not None:
                file.write(html)
            elif callable(content):
                content(file)
            return file.tell()


def _new_file(path: Path) -> BinaryIO:
    """Open a file that only its owner reads, from its first byte on.

    It must not be there: should two ids ever share a name, the run fails rather than mix two lists.
    """
    return open(path, "x+b", opener=partial(os.open, mode=OWNER_ONLY_FILE))
