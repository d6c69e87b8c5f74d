r"""Parses CSV as RFC 4180 defines it: blocks of bytes for COPY, and records with line numbers.

COPY silently misreads a stray quote or a line `\.`, so a file with either is read record by record.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TextIO

from orchestration.ingest import errors
from orchestration.ingest.errors import NeedsRowByRow

BLOCK = 1 << 20
RECORD_LIMIT = 64 << 20  # a quoted field longer than this is an unclosed quote

_BOUNDARY_SEARCHES = 1000


@dataclass(frozen=True, slots=True)
class Record:
    """One row as delivered.

    `line` is where it begins; `fields` its values, empty ones as None. `whole` is its text when it
    does not fit the header; `reason` (and `column`) state the fault.
    """

    line: int
    fields: tuple[str | None, ...]
    whole: str | None = None
    reason: str | None = None
    column: str | None = None


class BadText(Exception):
    """Rows from `line` on cannot be told apart; `what` completes the message "line N: …"."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"line {line}: {what}")
        self.line, self.what = line, what


def plain_blocks(read: Callable[[int], bytes], delimiter: str) -> Iterator[bytes]:
    """Yield blocks of whole records; raise NeedsRowByRow where COPY would depart from RFC 4180."""
    separator = re.escape(delimiter.encode())
    # The pattern begins with the quote, which is found at memory speed; a lookbehind checks what
    # precedes it.
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
    """The end of the last whole record: after a line end outside quotes; 0 if there is none."""
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
    """Yield every record after the header; lines of separators only are skipped.

    Args:
        text: The text after the header, with line ends preserved (`newline=""`) and undecodable
            bytes as surrogates.
        delimiter: The field delimiter.
        header: Names of the columns.
        first_line: Number of the first line of `text`.

    Yields:
        The records, including malformed ones with their fault.

    Raises:
        BadText: A quote is left open, or the bytes are not in the expected encoding.
    """
    lines = _Lines(text, first_line)
    while (line := lines.next()) is not None:
        if not line.strip(delimiter):
            continue  # spreadsheets leave rows of separators at the end of a table
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
    """Build the record of a row that contains a NUL, which PostgreSQL cannot store.

    Args:
        line: Where the row begins.
        fields: Its values.
        header: Names of the columns.

    Returns:
        The record, with the column and the fault.
    """
    column = next(name for name, field in zip(header, fields, strict=True) if "\0" in (field or ""))
    kept = tuple(_storable(field or "") or None for field in fields)
    return Record(line, kept, None, errors.DOES_NOT_CAST, column)


def _storable(text: str) -> str:
    """Replace NUL, which PostgreSQL cannot store, by its symbol."""
    return text.replace("\0", "\N{SYMBOL FOR NULL}")


class _Lines:
    """Physical lines without their ends, numbered, each checked for its encoding."""

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
    """Split a record with quotes, which may span lines, into its fields and its text.

    Returns None for a malformed record that ends on its own line.
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
