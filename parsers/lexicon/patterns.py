"""A lexicon text as Hyperscan expressions: the literal, in every spelling that it gets on its way into a log.

Plain literals compile forty times faster than expressions with a class for every space, and scan faster too: so a
text becomes one expression for each spelling, all with the entry's id.
"""

import re
from collections.abc import Iterable
from typing import Final

from parsers.lexicon.entry import Entry

GAP: Final = "…"
"""Stands for up to 80 variable characters of one line."""
FIELD: Final = "¤"
"""Stands for one field of a record with blanks between its fields: a run of other characters."""
WILD: Final = "***"
"""Stands for three hexadecimal digits."""

_SPELLINGS: Final = (
    (" ", "_"),  # Envoy's access logs write an underscore for a space
    ('"', '\\"', '\\\\\\"'),  # JSON, and JSON in JSON
    ("'", "\\u0027"),
    ("<", "\\u003c", "\\u003C"),
    (">", "\\u003e", "\\u003E"),
    ("&", "\\u0026"),
    ("”", "\\u201d"),
)
_HEX_CODE: Final = re.compile(r"[0-9A-Fa-f]{8}\Z")
_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]*\Z|[0-9]+\Z")
_GAP: Final = b"[^\\n]{0,80}"
_FIELD: Final = b"[^ \\n]+"
_START: Final = rb"(?:\b|_)"
_END: Final = rb"(?:\b|_)"
_BEFORE: Final = rb"(?:error:0{0,8}|err=|ERR=|[/=\"]0{8}|\b3[0-9]/|SSLError\()"
"""What stands before a packed code: OpenSSL's queue, Squid, HAProxy's 16 digits or ``fc_err/ssl_fc_err``, Python."""
_AFTER: Final = rb":(?:SSL|system|OPENSSL)[ _]"
_RETURNED: Final = rb"(?:return(?:ed)?|ret|err(?:or)?|code|rc|failed)[ :=('\[]{1,3}"
"""What stands before a bare negative number that is an error code."""


def expressions(entry: Entry, entries: Iterable[Entry] = ()) -> list[bytes]:
    """The expressions that find ``entry``; none crosses a newline.

    ``entries`` are all others: a ``packed`` entry stands for the codes that none of them has.
    """
    if entry.kind == "packed":
        return [_unlisted(entry.text, entries)]
    if entry.kind == "code":
        return [] if is_decoded(entry.text) else [_code(spelling) for spelling in spellings(entry.text)]
    return [literal(spelling) for spelling in spellings(entry.text)]


def spellings(text: str) -> list[str]:
    """``text`` as it stands and as escaping or Envoy's sanitizing changes it, each change applied throughout."""
    written = [text]
    for change in _SPELLINGS:
        if change[0] in text:
            written += [form.replace(change[0], other) for form in written for other in change[1:]]
    return written


def literal(text: str) -> bytes:
    """``text`` with its gaps and fields, every other character standing for itself."""
    return _GAP.join(_FIELD.join(map(_escaped_text, piece.split(FIELD))) for piece in text.split(GAP))


def _escaped_text(text: str) -> bytes:
    return b"".join(map(_escaped, text.encode()))


def _escaped(byte: int) -> bytes:
    return b"%c" % byte if chr(byte).isascii() and chr(byte).isalnum() else b"\\x%02x" % byte


def is_decoded(code: str) -> bool:
    """Whether a packed code is found by its ``packed`` shape and decoded: the function number varies, or it could be
    any decimal number (10000068 an order, 14000792 a product)."""
    return WILD in code or (len(code) == 8 and code.isdigit() and code.startswith("1"))


def _code(text: str) -> bytes:
    if text[0] == "-" and text[1:].isdigit():
        return _RETURNED + literal(text) + rb"\b"
    if text.startswith("-0x"):
        return rb"(?:\(|" + _RETURNED + b")" + _any_case(text) + _END
    if _HEX_CODE.match(text):
        if text.isdigit():
            return _in_its_field(literal(text))
        # leading zeros come (16 digits in HAProxy) and go (Squid)
        return _START + b"0{0,9}" + _any_case(text.lstrip("0")) + _END
    if text.startswith("0x"):
        return _any_case(text) + _END
    if _NAME.match(text):
        return _START + literal(text) + _END
    return literal(text) + rb"\b"  # "SSL alert number 48": words before it need no boundary


def _any_case(text: str) -> bytes:
    return b"".join(f"[{c.upper()}{c.lower()}]".encode() if c.isascii() and c.isalpha() else literal(c) for c in text)


def _unlisted(text: str, entries: Iterable[Entry]) -> bytes:
    """Codes of the shape ``text`` that no other entry lists; only in their field, for eight digits are anything."""
    head = text.removesuffix(WILD)
    if WILD in head or len(head) < 5:
        code = literal(text).replace(rb"\x2a\x2a\x2a", b"[0-9A-F]{3}")
    else:
        listed = {
            entry.text[len(head) :].upper()
            for entry in entries
            if entry.kind == "code" and entry.text.upper().startswith(head.upper()) and not is_decoded(entry.text)
        }
        code = b"(?i:" + literal(head) + _complement(listed) + b")"
    return _in_its_field(code)


def _in_its_field(code: bytes) -> bytes:
    return rb"(?:" + _BEFORE + code + rb"\b|(?:^|[ \t\[(|])" + code + _AFTER + b")"


def _complement(listed: set[str]) -> bytes:
    """Three hexadecimal digits that are none of ``listed``."""
    digits = "0123456789ABCDEF"
    whole, parts = "", []
    for first in digits:
        for second in digits:
            free = "".join(third for third in digits if first + second + third not in listed)
            if len(free) < 16:
                parts.append(f"{first}{second}[{free}]" if free else "")
            else:
                whole += f"{first}{second}|"
    alternatives = [part for part in parts if part]
    if whole:
        alternatives.append(f"(?:{whole[:-1]})[0-9A-F]")
    return ("(?:" + "|".join(alternatives) + ")").encode()
