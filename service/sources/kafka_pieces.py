"""Fetched records as pieces of a stated size."""

import time
from collections.abc import Iterator
from typing import Any, Final

from service.sources.kafka_partition import Piece

PIECE_BYTES: Final = 2 << 20
RECORD_BYTES: Final = 120
"""What a record costs in memory beside its value, about."""


def pieces(records: list[Any]) -> Iterator[Piece]:
    """Records in a row of one partition; a piece of more than `PIECE_BYTES` holds one record only."""
    values = [record.value for record in records]
    sizes = [len(value or b"") for value in values]
    size = sum(sizes)
    if size <= PIECE_BYTES:
        yield _piece(records, values, size)
        return
    begin = size = 0
    for index, one in enumerate(sizes):
        if size and size + one > PIECE_BYTES:
            yield _piece(records[begin:index], values[begin:index], size)
            begin, size = index, 0
        size += one
    yield _piece(records[begin:], values[begin:], size)


def _piece(records: list[Any], values: list[bytes | None], size: int) -> Piece:
    first, last = records[0].offset, records[-1]
    offsets: Any = range(first, last.offset + 1)
    if len(offsets) != len(records):
        offsets = [record.offset for record in records]
    now = time.time()
    arrived = min(last.timestamp / 1000, now) if last.timestamp > 0 else now
    return Piece(values, offsets, last.offset + 1, arrived, size + len(values) * RECORD_BYTES)
