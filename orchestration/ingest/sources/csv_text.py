r"""CSV as bytes and as text: blocks fit for COPY, and records with their line numbers.

Belongs here: RFC 4180 and where a file departs from it. Does not: files, columns, what a value
means. COPY reads a stray quote or a line `\.` in its own way, without a word: a file that has
either is not plain, and its rows are read one by one here instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TextIO

from orchestration.ingest import errors
from orchestration.ingest.errors import NeedsRowByRow

BLOCK = 1 << 20
RECORD_LIMIT = 64 << 20  # a quote open for longer than this is a quote left open

_BOUNDARY_SEARCHES = 1000


@dataclass(frozen=True, slots=True)
class Record:
    """One row as it came.

    `line`: where it begins. `fields`: its values, empty ones as None. `whole`: its text, where it
    does not fit its header; `reason` (and `column`) then say why.
    """

    line: int
    fields: tuple[str | None, ...]
    whole: str | None = None
    reason: str | None = None
    column: str | None = None


class BadText(Exception):
    """Rows can no longer be told apart from `line` on; `what` completes "line N: …"."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"line {line}: {what}")
        self.line, self.what = line, what


def plain_blocks(read: Callable[[int], bytes], delimiter: str) -> Iterator[bytes]:
    """Blocks of whole records that COPY reads as RFC 4180 does; NotPlain at the first other."""
    separator = re.escape(delimiter.encode())
    # It begins with the quote itself, which is searched for at the speed of memory; what stands
    # before it is looked at from there.
    quoted = re.compile(
        rb'"(?:(?<=[\r\n'
        + separator
        + rb']")|(?<=\A"))[^"]*+(?:""[^"]*+)*+"(?=[\r\n'
        + separator
        + rb"]|\Z)"
    )
    rest = b""
    while block := read(BLOCK):
        rest += block
        end = _last_boundary(rest)
        if not end and len(rest) > RECORD_LIMIT:
            raise NeedsRowByRow
        if end:
            yield _checked(rest[:end], quoted)
            rest = rest[end:]
    if rest:
        yield _checked(rest, quoted)


def _last_boundary(text: bytes) -> int:
    """Where the last whole record ends: after a line end with no quote open; 0 for nowhere."""
    quotes = text.count(b'"')
    end = len(text)
    for _ in range(_BOUNDARY_SEARCHES):
        found = text.rfind(b"\n", 0, end)
        quotes -= text.count(b'"', max(found, 0), end)
        if found < 0 or quotes % 2 == 0:
            return found + 1
        end = found
    return 0


def _checked(text: bytes, quoted: re.Pattern[bytes]) -> bytes:
    if b"\\." in text and (text.startswith(b"\\.") or re.search(rb"[\r\n]\\\.", text)):
        raise NeedsRowByRow
    if b'"' in text and b'"' in quoted.sub(b"", text):
        raise NeedsRowByRow
    return text


def records(
    text: TextIO, delimiter: str, header: tuple[str, ...], first_line: int
) -> Iterator[Record]:
    """Every record after the header, with its line; a line with nothing on it is none.

    `text` keeps line ends as they are (`newline=""`) and marks undecodable bytes as surrogates.
    Raises BadText when a quote is left open or the bytes are of another encoding.
    """
    lines = _Lines(text, first_line)
    while (line := lines.next()) is not None:
        if not line:
            continue
        start = lines.number
        if '"' not in line:
            fields, whole = line.split(delimiter), line
        else:
            split = _split_quoted(lines, line, delimiter)
            if split is None:
                yield Record(start, (), _storable(line), errors.MALFORMED_QUOTES)
                continue
            fields, whole = split
        if len(fields) != len(header):
            yield Record(start, (), _storable(whole), errors.WRONG_NUMBER_OF_FIELDS)
        elif "\0" in whole:
            yield with_nul(start, fields, header)
        else:
            yield Record(start, tuple(field or None for field in fields))


def with_nul(line: int, fields: Sequence[str | None], header: tuple[str, ...]) -> Record:
    """The record of a row with a NUL in it, which PostgreSQL cannot hold."""
    column = next(name for name, field in zip(header, fields, strict=True) if "\0" in (field or ""))
    kept = tuple(_storable(field or "") or None for field in fields)
    return Record(line, kept, None, errors.DOES_NOT_CAST, column)


def _storable(text: str) -> str:
    """PostgreSQL stores no NUL: its picture stands for it."""
    return text.replace("\0", "\N{SYMBOL FOR NULL}")


class _Lines:
    """Physical lines without their ends, counted, each checked to be text."""

    def __init__(self, text: TextIO, first_line: int) -> None:
        self._text, self.number = text, first_line - 1
        self.end = ""

    def next(self) -> str | None:
        line = self._text.readline(RECORD_LIMIT)
        if not line:
            return None
        self.number += 1
        if not line.isascii():
            try:
                line.encode()
            except UnicodeEncodeError:
                raise BadText(self.number, "encoding") from None
        bare = line.rstrip("\r\n")
        self.end = line[len(bare) :]
        if not self.end and len(line) == RECORD_LIMIT:
            raise BadText(self.number, f"it is longer than {RECORD_LIMIT >> 20} MB")
        return bare


def _split_quoted(lines: _Lines, line: str, delimiter: str) -> tuple[list[str], str] | None:
    """The fields of a record that has quotes, reading on while one is open, and its text.

    None when the record is malformed and ends on its own line.
    """
    start = lines.number
    fields: list[str] = []
    texts = [line]
    at = 0
    while True:
        if line[at : at + 1] != '"':
            end = line.find(delimiter, at)
            fields.append(line[at:] if end < 0 else line[at:end])
            if end < 0:
                return fields, "".join(texts)
            at = end + 1
            continue
        field: list[str] = []
        opened = lines.number
        size = 0
        at += 1
        while True:
            end = line.find('"', at)
            if end < 0:
                field += (line[at:], lines.end)
                texts.append(lines.end)
                size += len(line)
                following = lines.next() if size < RECORD_LIMIT else None
                if following is None:
                    raise BadText(opened, "a quote that opens there is never closed")
                line, at = following, 0
                texts.append(line)
            elif line[end + 1 : end + 2] == '"':
                field.append(line[at : end + 1])
                at = end + 2
            else:
                field.append(line[at:end])
                at = end + 1
                break
        fields.append("".join(field))
        if at == len(line):
            return fields, "".join(texts)
        if line[at] != delimiter:
            if lines.number == start:
                return None
            raise BadText(
                opened, f"a quote that opens there is not closed (see line {lines.number})"
            )
        at += 1
