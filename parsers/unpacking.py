"""The lines that a bundle holds, peeled, put together from pieces, and with what the screen finds in each."""

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from parsers import timestamps
from parsers.envelopes import Peeled, peel, peel_piece
from parsers.envelopes.bundles import Budget, may_hold, unpack
from parsers.envelopes.json_wrappers import has_bytes
from parsers.record import Settings
from parsers.screen import Hit

DEPTH: Final = 4
"""Bundles within bundles that are unpacked: Firehose, CloudWatch, OTLP, and one more."""
TIMES: Final = 8
"""Items looked at for a bundle's first or last time."""

Ids = tuple[int, ...]


class Opened(msgspec.Struct):
    """What one bundle held."""

    lines: list[tuple[Peeled, Ids]]
    """All of them, in their order, if the screen found anything in any of them; else none."""
    damaged: bool
    newest: float | None
    """Latest time that the bundle tells."""


def open_bundle(outer: Peeled, settings: Settings, hits: Callable[[bytes], list[Hit]]) -> Opened | None:
    """The lines in ``outer``, a whole line; None if it is no bundle after all.

    Cost: one pass of the screen over all of it; where that finds nothing, nothing is peeled.
    """
    flat = _flat(outer, settings)
    if flat is None:
        return None
    lines, damaged = flat
    newest = max((line.time for line in lines if line.time is not None), default=None)
    found = _screened([line.text for line in lines], hits)
    if not any(found) and not any(_is_opaque(line.text) for line in lines):
        return Opened([], damaged, newest)
    peeled = [(_peeled(line, settings, peel), ids, line) for line, ids in zip(lines, found, strict=True)]
    whole = list(_put_together(peeled, settings, hits))
    if not any(ids for _, ids in whole):
        whole = []
    return Opened(whole, damaged, newest)


def time_in_bundle(outer: Peeled, settings: Settings, last: bool) -> float | None:
    """The first or last time that a bundle's records tell; None if it is no bundle, or none tells one."""
    flat = _flat(outer, settings)
    lines = [] if flat is None else flat[0]
    for line in lines[: -TIMES - 1 : -1] if last else lines[:TIMES]:
        peeled = _peeled(line, settings, peel)
        time = timestamps.leading(peeled.text, settings)
        if time is not None:
            return time[0]
        if peeled.time is not None:
            return peeled.time
    return None


def _flat(outer: Peeled, settings: Settings) -> tuple[list[Peeled], bool] | None:
    """The lines of all levels in their order, and whether something could not be unpacked; None if it is no bundle."""
    budget = Budget()
    bundle = unpack(outer.text, budget)
    if bundle is None:
        return None
    lines: list[Peeled] = []
    damaged = bundle.damaged
    waiting = [(bundle, outer, 0, 0)]
    while waiting:
        bundle, around, depth, at = waiting.pop()
        names = (*around.names, bundle.name)
        for index in range(at, len(bundle.items)):
            item = bundle.items[index]
            time, resolution = (
                (item.time, item.resolution) if item.time is not None else (around.time, around.resolution)
            )
            stream = b"/".join((around.stream, item.stream))
            line = Peeled(item.text, time, resolution, item.program or around.program, stream, False, names)
            inner = None
            if depth < DEPTH and may_hold(item.text, len(item.text)):
                nested = _peeled(line, settings, peel)
                inner = unpack(nested.text, budget)
            if inner is not None:
                damaged |= inner.damaged
                waiting.append((bundle, around, depth, index + 1))
                waiting.append((inner, nested, depth + 1, 0))
                break
            lines.append(line)
    return lines, damaged


def _peeled(line: Peeled, settings: Settings, peeler: Callable[[bytes, Settings], Peeled]) -> Peeled:
    """``line``, an item's own text, without the envelopes that stand inside the bundle."""
    inner = peeler(line.text, settings)
    if inner.time is None:
        inner.time, inner.resolution = line.time, line.resolution
    inner.program = inner.program or line.program
    inner.stream = line.stream + (b"/" + inner.stream if inner.names else b"")
    inner.names = line.names + inner.names
    return inner


def _screened(texts: list[bytes], hits: Callable[[bytes], list[Hit]]) -> list[Ids]:
    """Ids by text, from one pass over all of them."""
    found: list[list[int]] = [[] for _ in texts]
    index, stop = -1, -1
    for end, number in hits(b"\n".join(texts)):
        while end > stop:
            index += 1
            stop += len(texts[index]) + 1
        found[index].append(number)
    return [tuple(ids) for ids in found]


def _is_opaque(text: bytes) -> bool:
    """Whether the screen may have missed what it says."""
    head = text[:64]
    return b" stdout P" in head or b" stderr P" in head or text.startswith(b'{"log":') or has_bytes(text) is not None


def _put_together(
    lines: list[tuple[Peeled, Ids, Peeled]], settings: Settings, hits: Callable[[bytes], list[Hit]]
) -> Iterator[tuple[Peeled, Ids]]:
    """Whole lines; pieces that nothing follows in this bundle end with it."""
    held: dict[bytes, tuple[Peeled, list[bytes]]] = {}
    for peeled, ids, line in lines:
        if peeled.partial or held:
            piece = _peeled(line, settings, peel_piece)
            if piece.partial or piece.stream in held:
                held.setdefault(piece.stream, (piece, []))[1].append(piece.text)
                if not piece.partial:
                    yield _joined(*held.pop(piece.stream), settings, hits)
                continue
        if has_bytes(line.text) is not None:
            ids = tuple(number for _, number in hits(peeled.text))
        yield peeled, ids
    for first, texts in held.values():
        yield _joined(first, texts, settings, hits)


def _joined(
    first: Peeled, texts: list[bytes], settings: Settings, hits: Callable[[bytes], list[Hit]]
) -> tuple[Peeled, Ids]:
    first.text = b"".join(texts).rstrip(b"\r\n")
    whole = _peeled(first, settings, peel)
    whole.partial = False
    return whole, tuple(number for _, number in hits(whole.text))
