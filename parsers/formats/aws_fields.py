"""AWS's access and connection logs: fields apart by blanks, quoted where they may hold some; new ones come at the end.

The same records come from CloudWatch Logs as JSON objects, with the documented field names as keys.
"""

import re
from itertools import islice
from typing import Final

from parsers import names, timestamps
from parsers.formats import cloud_json
from parsers.record import Record, Settings

MOST_BYTES: Final = 32_768
"""A request line of 16 KiB and all around it; what is further on is not looked at."""
MOST_FIELDS: Final = 64

_FIELD: Final = re.compile(rb'(?:"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[^" ])++', re.DOTALL)
"""A quote inside quotes is ``\\"`` or ``\\x22``; one that never closes takes the rest."""

ISO: Final = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z?"


def columns(text: bytes) -> list[bytes]:
    """The fields of a record in their order, quotes taken off.

    >>> columns(rb'https 2026-11-20T10:15:02Z "GET /\\"a b\\" HTTP/1.1" - "x')
    [b'https', b'2026-11-20T10:15:02Z', b'GET /\\\\"a b\\\\" HTTP/1.1', b'-', b'x']
    """
    found = _FIELD.finditer(text[:MOST_BYTES].strip())
    return [_unquoted(field[0]) for field in islice(found, MOST_FIELDS)]


def named(record: Record, order: tuple[str, ...]) -> dict[str, bytes]:
    """The fields of a record by their documented names; ``-`` and what is left out are missing."""
    document = record.json()
    if document is not None:
        values = [cloud_json.text(document, name).encode("utf-8", "replace") for name in order]
    else:
        values = columns(record.text)
    return {name: value for name, value in zip(order, values, strict=False) if value not in (b"", b"-")}


def time_of(written: bytes | None) -> tuple[float | None, float]:
    """Time and resolution; always UTC, with ``Z`` or (NLB) without. None if it is missing or no time."""
    if written is None:
        return None, 1.0
    try:
        return timestamps.iso(written, "UTC"), timestamps.resolution_of(written)
    except ValueError:
        return None, 1.0


def host_of_listener(settings: Settings, *listeners: bytes | None) -> str | None:
    """What the stream's settings call a listener or load balancer whose records hold no name."""
    for listener in listeners if settings.hosts else ():
        given = settings.hosts.get(listener.decode("utf-8", "replace")) if listener else None
        if given:
            return names.host(given)
    return None


def _unquoted(field: bytes) -> bytes:
    if field[:1] != b'"':
        return field
    return field[1:-1] if len(field) > 1 and field[-1:] == b'"' else field[1:]
