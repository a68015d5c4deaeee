"""What the JSON records of clouds and CDNs have in common: values of mixed types under keys of known names."""

import re
from typing import Any, Final

from parsers import names, timestamps

MOST_CHARACTERS: Final = 8192

_AUTHORITY: Final = re.compile(r"[a-z]{2,5}://(?:[^/?#@]{1,200}@)?([^/?#]{1,320})")
LONGEST_WORD: Final = 100
"""Of protocols, ciphers and their like."""
_NOTHING: Final = frozenset(("", "-", "none", "unknown", "null", "N/A", "UNK", "NONE", "unk"))


def text(document: dict[str, Any], *keys: str) -> str:
    """The value of the first of these keys that has a text or a number; empty if none has."""
    for key in keys:
        value = document.get(key)
        if isinstance(value, str) and value:
            return value[:MOST_CHARACTERS]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
    return ""


def known(document: dict[str, Any], *keys: str) -> str | None:
    """As `text`, None for the words that stand for nothing (``-``, ``none``, ``N/A``), and for what is no word."""
    value = text(document, *keys)
    return None if value in _NOTHING or len(value) > LONGEST_WORD else value


def inner(document: dict[str, Any], *keys: str) -> dict[str, Any]:
    """The object under the first of these keys that holds one; empty if none does."""
    for key in keys:
        value = document.get(key)
        if isinstance(value, dict):
            return value
    return {}


def time(document: dict[str, Any], *keys: str) -> tuple[float | None, float]:
    """Time and resolution: RFC 3339 (UTC where no offset is written), or a number of s, ms, us or ns since 1970."""
    for key in keys:
        written = text(document, key).encode("ascii", "replace")
        if not written:
            continue
        try:
            if written.isdigit() or written.replace(b".", b"", 1).isdigit():
                return timestamps.epoch(written)
            return timestamps.iso(written, "UTC"), timestamps.resolution_of(written)
        except ValueError:
            continue
    return None, 1.0


def host_of_url(url: str) -> str | None:
    """The host name in ``https://name:port/...``.

    >>> host_of_url("https://Shop.example:443/a?b=//c"), host_of_url("/a"), host_of_url("https://192.0.2.1/")
    ('shop.example', None, None)
    """
    found = _AUTHORITY.match(url)
    return names.host(found[1]) if found else None
