"""Record values as lines: what one fetched batch's values are when they stand one after the other.

A value is a raw line, a JSON envelope, or several lines; with or without a newline at its end. The result depends
on the values alone, so that a position inside a record means the same after a restart.
"""

from collections.abc import Sequence
from typing import Final

from service.sources import lines

BINARY: Final = "binary_record"
"""Cause under which records are counted that are no text: Avro, protobuf, compressed files."""
TOO_LONG: Final = "line_too_long"
_SAMPLE_BYTES: Final = 4096
_CONTROLS: Final = bytes(range(9)) + bytes(range(14, 27)) + bytes(range(28, 32))
"""No text holds these; tab, line ends and ESC (terminal colours) are not among them."""
_ODD_SHARE: Final = 32
"""More control characters than one in so many bytes: binary."""

Sizes = list[int]
"""Bytes of each value in the joined text."""


def join(values: Sequence[bytes | None], limit: int) -> tuple[bytes, Sizes | None, dict[str, int]]:
    """All values as whole lines: (text, sizes, dropped records or lines by cause).

    ``sizes`` is None where each value just got its newline, as they mostly do. ``limit``: bytes of the longest line.
    """
    try:
        text = b"\n".join(values) + b"\n"  # type: ignore[arg-type]  # None is a deleted key: the slow way
    except TypeError:
        return _one_by_one(values, limit)
    if text.count(b"\n") != len(values) or b"" in values or b"\0" in text or lines.too_long(text, limit) >= 0:
        return _one_by_one(values, limit)
    return text, None, {}


def _one_by_one(values: Sequence[bytes | None], limit: int) -> tuple[bytes, Sizes, dict[str, int]]:
    kept: list[bytes] = []
    sizes: Sizes = []
    dropped: dict[str, int] = {}
    for value in values:
        text = b"" if value is None else value.rstrip(b"\n\0").lstrip(b"\n")
        if b"\0" in text and _is_binary(text):
            text = b""
            dropped[BINARY] = dropped.get(BINARY, 0) + 1
        if text:
            text += b"\n"
        if len(text) > limit and lines.too_long(text, limit) >= 0:
            text, cut = _cut(text, limit)
            dropped[TOO_LONG] = dropped.get(TOO_LONG, 0) + cut
        kept.append(text)
        sizes.append(len(text))
    return b"".join(kept), sizes, dropped


def _is_binary(text: bytes) -> bool:
    sample = text[:_SAMPLE_BYTES]
    return text[0] == 0 or (len(sample) - len(sample.translate(None, _CONTROLS))) * _ODD_SHARE > len(sample)


def _cut(text: bytes, limit: int) -> tuple[bytes, int]:
    """Every line's first ``limit`` bytes, and how many lines were longer."""
    whole = text.split(b"\n")
    return b"\n".join([line[:limit] for line in whole]), sum(len(line) > limit for line in whole)
