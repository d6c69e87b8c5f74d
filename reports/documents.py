"""The documents of an edition, the context they are built from, and writing them to files."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple, get_args

from reports.editions import OWNER_ONLY_FILE, OWNER_ONLY_FOLDER, Edition, publish_errors
from reports.filters import Filters
from reports.queries.companies import Company
from reports.render import render
from reports.view_model import Page

Kind = Literal["reports", "totals", "lists", "fichas", "files"]
"""A report, the rows of a total, a call list, Fichas, or a file to download."""

EVERY_KIND: frozenset[Kind] = frozenset(get_args(Kind))

Writer = Callable[[BinaryIO], None]
"""Writes a file that is not a page: CSV, XLSX or JSON."""


class Document(NamedTuple):
    """One file of an edition: its path within the edition, and a page to render or a writer.

    `rows` is the number of call list rows that it shows.
    """

    path: str
    content: Page | Writer
    rows: int = 0


@dataclass(frozen=True, slots=True)
class EditionContext:
    """What the documents of an edition are built from, besides the published tables.

    `kinds` selects which kinds of documents are produced.
    """

    edition: Edition
    filters: Filters
    companies: tuple[Company, ...]
    kinds: frozenset[Kind] = EVERY_KIND


def write_document(folder: Path, document: Document) -> int:
    """Write a document to a new file and return its size in bytes."""
    path = folder / document.path
    content = document.content
    html = render(content).encode() if isinstance(content, Page) else None
    with publish_errors(path, "written; the new edition was removed"):
        path.parent.mkdir(exist_ok=True, mode=OWNER_ONLY_FOLDER)
        with _new_file(path) as file:
            if html is not None:
                file.write(html)
            elif callable(content):
                content(file)
            return file.tell()


def _new_file(path: Path) -> BinaryIO:
    """Create a file readable by its owner only, from the first byte on.

    Fails if the file exists: if two ids ever mapped to one name, the run must fail rather than mix
    two lists.
    """
    return open(path, "x+b", opener=partial(os.open, mode=OWNER_ONLY_FILE))
