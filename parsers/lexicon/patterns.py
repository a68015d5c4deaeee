"""A lexicon text as a Hyperscan expression: literal, except for what writers change on the way into a log."""

import re
from typing import Final

from parsers.lexicon.entry import Entry

GAP: Final = "…"
"""Stands for up to 80 variable characters of one line."""
_HEX3: Final = "***"

_VARIANTS: Final = {
    " ": b"[ _]",  # Envoy's access logs write an underscore for a space
    '"': rb'\\{0,3}"',  # JSON in JSON
    "'": rb"(?:'|\\u0027)",
    "<": rb"(?:<|\\u003[cC])",
    ">": rb"(?:>|\\u003[eE])",
    "&": rb"(?:&|\\u0026)",
    "=": rb"(?:=|\\u003[dD])",
    "/": rb"\\{0,2}/",
    "\\": rb"\\{1,4}",
    GAP: b"[^\\n]{0,80}",
}
_IDENTIFIER: Final = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\Z")
_HEX_CODE: Final = re.compile(r"[0-9A-Fa-f]{8}\Z")


def expression(entry: Entry) -> bytes:
    """The expression that finds ``entry``; it never crosses a newline."""
    text = entry.text
    if entry.kind == "code":
        return _code(text)
    if entry.kind == "packed":
        return _packed(text)
    body = _body(text)
    if text[0].isdigit():
        body = rb"(?:\b|_)" + body
    if text[-1].isdigit():
        body += rb"(?:\b|_)"
    elif _IDENTIFIER.search(text):
        # CERT_HAS_EXPIRED must not report UNABLE_TO_GET_ISSUER_CERT inside ..._LOCALLY; Envoy joins names by "_"
        body += rb"(?:\b|_[^A-Z\n])"
    return body


def _body(text: str) -> bytes:
    return b"".join(_VARIANTS.get(char) or _escaped(char) for char in text)


def _escaped(char: str) -> bytes:
    if char.isascii():
        return char.encode() if char.isalnum() else b"\\x%02x" % ord(char)
    raw = b"".join(b"\\x%02x" % byte for byte in char.encode())
    return b"(?:" + raw + b"|\\\\u" + _either_case("%04x" % ord(char)) + b")"


def _either_case(hexadecimal: str) -> bytes:
    return "".join(f"[{c}{c.upper()}]" if c.isalpha() else c for c in hexadecimal).encode()


def _code(text: str) -> bytes:
    if _HEX3 in text:
        # A function number in the middle would also match request ids: wants its field separators
        code = text.replace(_HEX3, "[0-9A-F]{3}").encode()
        return rb"(?:error:" + code + rb"\b|\b" + code + rb":|[/=]0{0,8}" + code + rb"(?:\b|_))"
    if text[0] == "-" and text[1:].isdigit():
        return rb"(?:return(?:ed)?|ret|err(?:or)?|code|rc|failed)[ :=('\[]{1,3}" + _escaped("-") + text[1:].encode() + rb"\b"
    if _HEX_CODE.match(text):
        code = _any_case(text.lstrip("0"))
        return rb"(?:\b|_)0{0,9}" + code + rb"(?:\b|_)"
    if text[0] == "-" or not text[0].isalnum():
        return b"".join(_escaped(char) for char in text) + rb"\b"
    return rb"(?:\b|_)" + _any_case(text) + rb"(?:\b|_)"


def _any_case(text: str) -> bytes:
    return "".join(f"[{c.upper()}{c.lower()}]" if c.isalpha() else c for c in text).encode()


def _packed(text: str) -> bytes:
    return b"error:" + text.replace("***", "[0-9A-Fa-f]{3}").encode() + rb"\b"
