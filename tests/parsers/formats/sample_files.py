"""Sample files: the origin, what is expected, and the record byte for byte (``tests/parsers/samples/*.log``)."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from parsers import lexicon, names, screen
from parsers.failure import Change, Failure
from parsers.lexicon import Said
from parsers.reader import Reader
from parsers.record import Settings

FOLDER = Path(__file__).parent.parent / "samples"
REFERENCE = 1_795_300_000.0
"""21 November 2026: near it lie the samples' times without a year."""


class Sample(NamedTuple):
    origin: str
    expected: dict[str, Any] | None
    text: bytes


def samples(name: str) -> list[Any]:
    """Every sample of a file as a test parameter: ``# from:``, then ``#= JSON``, then the lines."""
    found: list[Any] = []
    origin, expected, lines = "", None, list[bytes]()
    is_open = False
    for number, line in enumerate([*(FOLDER / f"{name}.log").read_bytes().split(b"\n"), b"#"], 1):
        if line.startswith(b"#"):
            if is_open and lines:
                sample = Sample(origin, expected, b"\n".join(lines))
                found.append(pytest.param(sample, id=f"{name}.log:{number - len(lines)}"))
                is_open, lines = False, []
            if line.startswith(b"#="):
                expected, is_open = json.loads(line[2:]), True
            elif line[1:].strip():
                origin = line[1:].strip().decode()
        elif is_open and line:
            lines.append(line)
    assert found
    return found


def read(format_name: str, text: bytes, settings: Settings | None = None) -> Failure | Change | None:
    """The one fact that the reader finds in a record."""
    reading = Reader(format_name, settings or Settings(reference=REFERENCE)).read(text + b"\n", final=True)
    assert reading.unrecognized == 0
    assert reading.consumed == len(text) + 1
    facts: list[Failure | Change] = [*reading.failures, *reading.changes]
    assert len(facts) <= 1
    return facts[0] if facts else None


def check(format_name: str, sample: Sample) -> None:
    """Holds a sample to its expectation: ``null`` is silence, an object the fields it names."""
    found = read(format_name, sample.text)
    if sample.expected is None:
        assert found is None
        return
    assert found is not None
    fields = {key: getattr(found, key) for key in sample.expected}
    if isinstance(fields.get("message"), bytes):
        fields["message"] = fields["message"].decode()
    assert fields == sample.expected
    if isinstance(found, Failure):
        assert found.raw in sample.text
        assert found.format == format_name
        assert found.host is None or names.host(found.host) == found.host


def said_of(text: bytes) -> Said:
    """What the lexicon recognises in a record."""
    return lexicon.load().said(tuple(number for _, number in screen.load().hits(text)), text)
