"""Packed error codes of OpenSSL and its descendants, taken apart: ``0A000418`` is alert 48, received.

Layouts: OpenSSL 1.x and LibreSSL ``lib << 24 | func << 12 | reason``, SSL being library 20; OpenSSL 3.x
``lib << 23 | reason``, with bit 31 for an errno; BoringSSL and AWS-LC ``lib << 24 | reason``, SSL being library 16,
system errors library 2. In all of them a reason of 1000 or more is a TLS alert received: reason - 1000.
"""

import errno
import re
from contextlib import suppress
from functools import cache
from typing import Final

import msgspec

from parsers.memo import remembered
from parsers.vocabulary import RejectedBy

_DIGITS: Final = (
    rb"0{0,9}?(0A[0-9A-F]{6}|1[04][0-9A-Fa-f]{6}|80[0-9A-F]{6}|A[0-9A-F]{6}|2[0-9A-Fa-f]{6}"
    rb"|268[0-9]{6}|33[5-9][0-9]{6}|34[0-9]{7}|35[0-2][0-9]{6}|16777[0-9]{4})(?=[:/+) _|,\"\]\n]|$)"
)
_QUEUED: Final = re.compile(rb"error:" + _DIGITS)
_ANYWHERE: Final = re.compile(rb"(?:[:/(= _\[]|^)" + _DIGITS, re.MULTILINE)
_ALERTS: Final = range(1000, 1256)
_NOT_AN_ALERT: Final = {"boringssl": frozenset({1122})}
"""AWS-LC counts on above its alerts."""


class Code(msgspec.Struct, frozen=True):
    """A packed code, taken apart and understood."""

    stack: str
    """``openssl3``, ``openssl1`` (and LibreSSL), ``boringssl`` (and AWS-LC)."""
    number: int
    """The reason number within the SSL library; for errno, the errno."""
    alert: int | None
    """The TLS alert that was received."""
    errno: int | None
    reason: str
    rejected_by: RejectedBy
    rank: int


def find(text: bytes) -> str | None:
    """The first packed code in a record, as written; None if there is none. One in an error queue goes first.

    Cost: one pass over the text, two if it holds no queue.
    """
    match = _QUEUED.search(text) or _ANYWHERE.search(text)
    return match[1].decode("ascii") if match else None


@remembered(4096)
def decode(code: str) -> Code | None:
    """What ``code`` means, in hexadecimal or decimal; None if it is no packed code of an SSL library.

    >>> decode("0A000418").alert, decode("14094410").alert, decode("268436504").alert, decode("1000007d").reason
    (48, 40, 48, 'certificate_unknown')
    >>> decode("80000068").reason, decode("error:0A0000C1").reason
    ('reset', 'no_shared_cipher')
    """
    return next((decoded for packed in _numbers(code) if (decoded := _unpack(packed)) is not None), None)


def _numbers(code: str) -> list[int]:
    """The packed numbers that ``code`` can be, hexadecimal first: ``33554536`` is one only in decimal."""
    digits = code.removeprefix("error:").lower().removeprefix("0x")
    if not digits.isascii() or not digits.isalnum() or len(digits) > 20:
        return []
    numbers = []
    for base in (16, 10):
        with suppress(ValueError):
            numbers.append(int(digits, base))
    return [number for number in numbers if 0 < number < 1 << 32]


def _unpack(packed: int) -> Code | None:
    if packed >> 31:
        return _system("openssl3", packed & 0x7FFF_FFFF) if packed >> 16 == 0x8000 else None
    if packed >> 23 == 20:
        reason = packed & 0x7F_FFFF
        if reason >> 18:  # ERR_RFLAG_COMMON and ERR_RFLAG_FATAL: a reason common to all libraries
            return Code("openssl3", reason & 0x3_FFFF, None, None, "internal_error", "local", 2)
        return _ssl("openssl3", reason)
    if packed >> 24 == 20:
        return _ssl("openssl1", packed & 0xFFF)
    if packed >> 24 == 16:
        return _ssl("boringssl", packed & 0xFFF)
    if packed >> 24 == 2:
        return _system("boringssl", packed & 0xFFF)
    return None


def _system(stack: str, number: int) -> Code:
    reason, rejected_by = _ERRNO.get(number, ("other", "unknown"))
    return Code(stack, number, None, number, reason, rejected_by, 4)


_ERRNO: Final[dict[int, tuple[str, RejectedBy]]] = {
    errno.ECONNRESET: ("reset", "peer"),
    errno.EPIPE: ("closed_by_peer", "peer"),
    errno.ETIMEDOUT: ("timeout", "local"),
    104: ("reset", "peer"),
    110: ("timeout", "local"),
    32: ("closed_by_peer", "peer"),
}
"""Linux numbers stand beside this machine's: the log may come from another one."""


def _ssl(stack: str, number: int) -> Code:
    alert = number - 1000 if number in _ALERTS and number not in _NOT_AN_ALERT.get(stack, ()) else None
    known = _reasons()
    if alert is not None:
        reason = known.get(("alert", alert), ("generic_failure", "peer", 3))[0]
        return Code(stack, number, alert, None, reason, "peer", 3)
    family = "boringssl" if stack == "boringssl" else "openssl"
    reason, rejected_by, rank = known.get((family, number), ("other", "local", 5))
    return Code(stack, number, None, None, reason, rejected_by, rank)


@cache
def _reasons() -> dict[tuple[str, int], tuple[str, RejectedBy, int]]:
    """(stack or "alert", number) -> meaning, out of the lexicon's own rows."""
    from parsers.lexicon import load  # the lexicon itself decodes codes with this module

    table: dict[tuple[str, int], tuple[str, RejectedBy, int]] = {}
    for entry in load().entries:
        meaning = (entry.reason, entry.rejected_by, entry.rank)
        if entry.kind == "alert":
            table[("alert", int(entry.text))] = meaning
        elif entry.kind == "code" and len(entry.text) == 8 and entry.text.startswith(("0A000", "14***", "10000")):
            table.setdefault((entry.stack, int(entry.text[-3:], 16)), meaning)
    return table
