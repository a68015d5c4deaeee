"""Samples of records that several lines tell, or that are no failure but a change (``{"change": "certificate"}``).

Form as in ``trace_samples.py``: a sample goes from its ``# from:`` to the next one.
"""

from contextlib import suppress
from datetime import datetime
from types import ModuleType
from typing import Any

import pytest
from sample_files import said_of
from trace_samples import REFERENCE, Labelled

from parsers import names
from parsers.failure import Change, Failure
from parsers.reader import Reader
from parsers.record import MalformedRecordError, Record, Settings
from parsers.vocabulary import Hop


def facts(format_name: str, text: bytes, hop: Hop = "edge") -> list[Failure | Change]:
    """What the whole road finds in these lines."""
    reading = Reader(format_name, Settings(hop=hop, reference=REFERENCE)).read(text + b"\n", final=True)
    assert reading.unrecognized == 0
    assert reading.consumed == len(text) + 1
    return [*reading.failures, *reading.changes]


def check(format_name: str, sample: Labelled, hop: Hop = "edge", written_by: str = "") -> None:
    """Holds a sample to its expectation: ``null`` is silence, an object one failure or one change.

    ``written_by`` is the format that ``auto`` or a relative is to find.
    """
    found = facts(format_name, sample.text, hop)
    if sample.expected is None:
        assert found == []
        return
    assert len(found) == 1
    expected: dict[str, Any] = dict(sample.expected)
    fact = found[0]
    if "change" in expected:
        assert isinstance(fact, Change)
        expected["kind"] = expected.pop("change")
        assert {key: getattr(fact, key) for key in expected} == expected
        return
    assert isinstance(fact, Failure)
    if expected.get("time") is not None:
        expected["time"] = pytest.approx(datetime.fromisoformat(expected["time"]).timestamp(), abs=1e-6)
    fields = {key: getattr(fact, key) for key in expected}
    if isinstance(fields.get("message"), bytes):
        fields["message"] = fields["message"].decode()
    assert fields == expected
    assert fact.format == (written_by or format_name)
    assert b"\n" not in fact.message
    assert fact.message
    assert fact.host is None or names.host(fact.host) == fact.host
    assert fact.peer is None or names.peer(fact.peer) == fact.peer


def torture(form: ModuleType, sample: Labelled) -> None:
    """Cuts the record everywhere and puts hostile bytes into it: a fact, silence, or malformed; nothing else."""
    said = said_of(sample.text)
    for at in range(0, len(sample.text), 5):
        for text in (sample.text[:at], sample.text[at:], sample.text[:at] + b'\xff\x00[{"\t' + sample.text[at + 6 :]):
            with suppress(MalformedRecordError):
                form.read(Record(text, Settings()), said)
            form.claims(text)
