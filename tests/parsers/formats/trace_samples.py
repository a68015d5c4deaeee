"""Samples of records that span lines, blank ones too: a record ends where the next ``# from:`` begins.

Form as in ``sample_files.py``, with two differences: blank lines inside a record are kept, and ``time`` is RFC 3339.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from parsers import names
from parsers.failure import Failure
from parsers.reader import Reader
from parsers.record import Settings
from parsers.vocabulary import Hop

FOLDER = Path(__file__).parent.parent / "samples"
REFERENCE = 1_795_300_000.0
"""21 November 2026: near it lie the samples' times without a year."""


class Labelled(NamedTuple):
    origin: str
    expected: dict[str, Any] | None
    text: bytes


def labelled(*files: str) -> list[Any]:
    """Every sample of the files as a test parameter."""
    found: list[Any] = []
    for file in files:
        content = b"\n" + (FOLDER / f"{file}.log").read_bytes()
        for number, block in enumerate(content.split(b"\n# from: ")[1:], 1):
            origin, label, text = block.split(b"\n", 2)
            assert label.startswith(b"#= "), f"{file}.log, sample {number}: no expectation"
            sample = Labelled(origin.decode(), json.loads(label[3:]), text.rstrip(b"\n"))
            found.append(pytest.param(sample, id=f"{file}-{number}"))
    assert found
    return found


def failures(format_name: str, text: bytes, hop: Hop) -> list[Failure]:
    """What the whole road finds in these lines: screen, lexicon, gathering, format."""
    reading = Reader(format_name, Settings(hop=hop, reference=REFERENCE)).read(text + b"\n", final=True)
    assert reading.unrecognized == 0
    assert reading.consumed == len(text) + 1
    return reading.failures


def check(format_name: str, sample: Labelled, hop: Hop) -> None:
    """Holds a sample to its expectation: ``null`` is silence, an object is one failure with these fields."""
    found = failures(format_name, sample.text, hop)
    if sample.expected is None:
        assert found == []
        return
    assert len(found) == 1
    failure = found[0]
    expected = dict(sample.expected)
    if expected.get("time") is not None:
        expected["time"] = pytest.approx(datetime.fromisoformat(expected["time"]).timestamp(), abs=1e-6)
    assert {key: getattr(failure, key) for key in expected} == expected
    assert b"\n" not in failure.message
    assert failure.message
    assert failure.host is None or names.host(failure.host) == failure.host
    assert failure.peer is None or names.peer(failure.peer) == failure.peer
