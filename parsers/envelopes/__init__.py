"""What stands around a record when something else carried it: syslog, a container runtime, a log shipper.

`peel` takes off one envelope after another, in any order, until the record's own text is left: at most
`DEPTH` of them. A plain line costs a look at its first byte, or one pattern that fails within a few bytes.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from parsers.envelopes import json_wrappers, line_prefixes
from parsers.envelopes.layer import Layer
from parsers.record import Settings

__all__ = ["DEPTH", "Peeled", "peel", "peel_piece", "peel_until"]

DEPTH: Final = 6
"""Envelopes within envelopes that are taken off; what is deeper stays as text."""


class Peeled(msgspec.Struct, gc=False):
    """A line without its envelopes."""

    text: bytes
    """The record's own text; may hold ``\\n`` where a shipper had put several lines into one."""
    time: float | None = None
    """The innermost envelope's time, epoch seconds; None if no envelope tells one."""
    resolution: float = 1.0
    program: bytes = b""
    """Program name by the innermost envelope that tells one (syslog tag, container name)."""
    stream: bytes = b""
    """What lines must share to go on with each other: pod, container, ``stderr``, process id ..."""
    partial: bool = False
    """True: a piece of a longer line (CRI ``P``, Docker without ``\\n``), not peeled further."""
    names: tuple[str, ...] = ()
    """Envelopes taken off, outermost first; empty for a plain line."""


def peel(line: bytes, settings: Settings) -> Peeled:
    """``line``, which has no newline at its end, without its envelopes."""
    return _peel(line, settings, False)


def peel_piece(line: bytes, settings: Settings) -> Peeled:
    """As `peel`, but stops at the envelope that may hold a piece of a line (CRI, Docker), peeling nothing inside it."""
    return _peel(line, settings, True)


def peel_until(line: bytes, settings: Settings, is_bare: Callable[[bytes], bool]) -> Peeled:
    """As `peel`, but stops as soon as ``is_bare`` knows what is left as the record itself."""
    peeled = Peeled(line)
    for _ in range(DEPTH):
        layer = None if is_bare(peeled.text) else _layer(peeled.text, settings)
        if layer is None:
            break
        peeled.text, peeled.partial = layer.text, layer.partial
        peeled.names += (layer.name,)
        if layer.time is not None:
            peeled.time, peeled.resolution = layer.time, layer.resolution
        peeled.program = layer.program or peeled.program
    return peeled


def _peel(line: bytes, settings: Settings, to_piece: bool) -> Peeled:
    layer = _layer(line, settings)
    if layer is None:
        return Peeled(line)
    peeled = Peeled(layer.text, layer.time, layer.resolution, layer.program, layer.stream, layer.partial, (layer.name,))
    for _ in range(DEPTH - 1):
        if layer.partial or (to_piece and layer.holds_pieces):
            break
        layer = _layer(layer.text, settings)
        if layer is None:
            break
        peeled.text = layer.text
        peeled.names += (layer.name,)
        peeled.partial = layer.partial
        if layer.time is not None:
            peeled.time, peeled.resolution = layer.time, layer.resolution
        peeled.program = layer.program or peeled.program
        peeled.stream += b"/" + layer.stream
    return peeled


def _layer(text: bytes, settings: Settings) -> Layer | None:
    peeler = _BY_FIRST_BYTE.get(text[:1])
    return None if peeler is None else peeler(text, settings)


_BY_FIRST_BYTE: Final[dict[bytes, Callable[[bytes, Settings], Layer | None]]] = {
    b"{": json_wrappers.peel,
    b"<": line_prefixes.syslog,
    b"[": line_prefixes.kubectl,
    **{bytes([digit]): line_prefixes.after_digit for digit in b"0123456789"},
    **{bytes([letter]): line_prefixes.after_letter for letter in range(ord("a"), ord("z") + 1)},
    **{bytes([letter]): line_prefixes.after_letter for letter in range(ord("A"), ord("Z") + 1)},
}
