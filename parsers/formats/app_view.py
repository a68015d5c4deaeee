"""An application's record as plain text: JSON layouts flattened, escapes undone, so one set of patterns reads all."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from parsers.record import Record

_MOST_VALUES = 200
_HEAD_BYTES = 10_240
_TAIL_BYTES = 6_144
"""Of a longer record its beginning, its end and the causes named between them are looked at: all patterns over 16 KiB
take some 4 ms, the most that a record may cost."""
_CAUSES = re.compile(rb"^(?:Caused by|Suppressed|[\w.$]{1,200}(?:Error|Exception)\b)[^\n]{0,300}", re.MULTILINE)
_MOST_CAUSES = 8


class View(msgspec.Struct):
    """What a record says, and its fields where it has any."""

    text: bytes
    spoken: bytes
    """The text without the source lines of a Python traceback: ``server_hostname=server_hostname`` names nobody."""
    fields: list[tuple[str, str]] = []
    """(lower-case dotted key, value) of a JSON record's strings and numbers, in their order."""

    def field(self, *names: str) -> str | None:
        """The value of the first of these keys (last part or whole path) that the record has."""
        for name in names:
            for key, value in self.fields:
                if value and (key == name or key.rpartition(".")[2] == name):
                    return value
        return None


def view(record: Record) -> View:
    document = record.json()
    if document is None:
        return _viewed(record.text, [])
    fields = list(_fields(document))
    lines = [value for _, value in fields if not value.isdigit()]
    told = _rejected_connection(fields)
    if told is not None:
        lines.insert(0, told)
    text = "\n".join(lines).encode("utf-8", "replace")
    return _viewed(text, fields)


def _viewed(text: bytes, fields: list[tuple[str, str]]) -> View:
    text = _bounded(text)
    if b'\\"' in text:
        text = text.replace(b'\\"', b'"')
    spoken = text
    if b"Traceback (most recent call last)" in text:
        spoken = b"\n".join(line for line in text.split(b"\n") if not line.startswith((b"  ", b"\t")))
    return View(text, spoken, fields)


def _bounded(text: bytes) -> bytes:
    if len(text) <= _HEAD_BYTES + _TAIL_BYTES:
        return text
    causes = _CAUSES.findall(text, _HEAD_BYTES, min(len(text), 65_536) - _TAIL_BYTES)[:_MOST_CAUSES]
    return b"\n".join((text[:_HEAD_BYTES], *causes, text[-_TAIL_BYTES:]))


def _fields(document: dict[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    for key, value in list(document.items())[:_MOST_VALUES]:
        path = f"{prefix}{key}".lower()
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, bool) or value is None:
            continue
        elif isinstance(value, int | float):
            yield path, str(value)
        elif isinstance(value, dict) and depth < 3:
            yield from _fields(value, f"{path}.", depth + 1)
        elif isinstance(value, list) and depth < 3:
            for item in value[:20]:
                if isinstance(item, str):
                    yield path, item
                elif isinstance(item, dict):
                    yield from _fields(item, f"{path}.", depth + 1)


def _rejected_connection(fields: list[tuple[str, str]]) -> str | None:
    """etcd's structured line in the words of its older plain one, so that one pattern reads both."""
    found = dict(reversed(fields))
    if found.get("msg") not in ("rejected connection", "rejected connection on client endpoint"):
        return None
    address, error = found.get("remote-addr", ""), found.get("error", "")
    return f'rejected connection from "{address}" (error "{error}", ServerName "{found.get("server-name", "")}")'
