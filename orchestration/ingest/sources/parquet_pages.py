"""Reads the page headers of a Parquet file, to bound the memory that reading it takes.

A page is decompressed as a whole, to a size that only its own header tells: the totals in the
footer need not be true. Arrow has no limit for it, nor access to these headers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

# Thrift's compact protocol, https://github.com/apache/thrift/blob/master/doc/specs/
_STOP, _TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _STRUCT = 0, 1, 2, 3, 7, 8, 12
_INTEGERS = (4, 5, 6)
_DEEPEST = 8
# Fields of parquet.thrift: PageHeader, DataPageHeader and DataPageHeaderV2.
_UNCOMPRESSED, _COMPRESSED, _DATA_PAGE, _DATA_PAGE_V2 = 2, 3, 5, 8
_ENCODING, _ENCODING_V2 = 2, 4
_DELTA_BYTE_ARRAY = 7
_MOST_PAGES = 1_000_000


class BadPages(Exception):
    """The page headers cannot be read."""


@dataclass(frozen=True, slots=True)
class LargestPages:
    """The sum over columns of the largest page, decompressed; and the largest that may grow.

    A page in the encoding DELTA_BYTE_ARRAY may grow again as it is decoded: each of its values may
    be as long as the page. `growing` has the columns with such pages.
    """

    decompressed: int
    growing: Mapping[str, int]


def largest_pages(file: BinaryIO, chunks: dict[str, list[tuple[int, int]]]) -> LargestPages:
    """Find the largest pages of some columns.

    Args:
        file: The Parquet file.
        chunks: Start and length of the chunks of each column.

    Returns:
        Their sizes.

    Raises:
        BadPages: A page header cannot be read, or there are too many.
    """
    decompressed = pages = 0
    growing = {}
    for column, places in chunks.items():
        largest = largest_growing = 0
        for start, length in places:
            at = start
            while at < start + length:
                pages += 1
                if pages > _MOST_PAGES:
                    raise BadPages
                header = _header(file, at)
                size, stored = header.get(_UNCOMPRESSED), header.get(_COMPRESSED)
                if (
                    not isinstance(size, int)
                    or not isinstance(stored, int)
                    or min(size, stored) < 0
                ):
                    raise BadPages
                largest = max(largest, size)
                if _encoding(header) == _DELTA_BYTE_ARRAY:
                    largest_growing = max(largest_growing, size)
                at = file.tell() + stored
        decompressed += largest
        if largest_growing:
            growing[column] = largest_growing
    return LargestPages(decompressed, growing)


def _encoding(header: dict[int, Any]) -> object:
    for page, field in ((_DATA_PAGE, _ENCODING), (_DATA_PAGE_V2, _ENCODING_V2)):
        if isinstance(described := header.get(page), dict):
            return described.get(field)
    return None


def _header(file: BinaryIO, at: int) -> dict[int, Any]:
    try:
        file.seek(at)
        return _struct(file, 0)
    except (IndexError, OverflowError, ValueError):
        raise BadPages from None


def _struct(file: BinaryIO, depth: int) -> dict[int, Any]:
    if depth > _DEEPEST:
        raise BadPages
    fields: dict[int, Any] = {}
    number = 0
    while (head := file.read(1)[0]) != _STOP:
        number = number + (head >> 4) if head >> 4 else _integer(file)
        fields[number] = _value(file, head & 15, depth)
    return fields


def _value(file: BinaryIO, kind: int, depth: int) -> object:
    if kind in (_TRUE, _FALSE):
        return kind == _TRUE
    if kind in _INTEGERS:
        return _integer(file)
    if kind == _STRUCT:
        return _struct(file, depth + 1)
    if kind in (_BYTE, _DOUBLE, _BINARY):
        skipped = {_BYTE: 1, _DOUBLE: 8}.get(kind)
        file.seek(_unsigned(file) if skipped is None else skipped, 1)
        return None
    raise BadPages  # no page header has a list or a map


def _integer(file: BinaryIO) -> int:
    number = _unsigned(file)
    return number >> 1 ^ -(number & 1)


def _unsigned(file: BinaryIO) -> int:
    number = shift = 0
    while True:
        byte = file.read(1)[0]
        number |= (byte & 127) << shift
        if byte < 128:
            return number
        shift += 7
        if shift > 63:
            raise BadPages
