"""haproxy, held to its samples."""

from contextlib import suppress

import pytest
from sample_files import Sample, check, read, said_of, samples

from parsers.failure import Failure
from parsers.formats import haproxy
from parsers.record import MalformedRecordError, Record, Settings


@pytest.mark.parametrize("sample", samples("haproxy"))
def test_a_record_tells_what_its_sample_says(sample: Sample) -> None:
    """Fields as stated above the record; null is silence."""
    check("haproxy", sample)


def test_a_frontend_gets_its_name_from_the_settings() -> None:
    """The legacy line has no SNI; ``hosts`` may name ``frontend/bind``."""
    line = b"192.0.2.7:51000 [21/Nov/2026:01:05:44.921] web/1: SSL handshake failure"
    found = read("haproxy", line, Settings(hosts={"web/1": "shop.example"}))
    assert isinstance(found, Failure)
    assert found.host == "shop.example"


@pytest.mark.parametrize("sample", samples("haproxy"))
def test_a_record_cut_anywhere_or_with_bytes_changed_raises_nothing_else(sample: Sample) -> None:
    """Hostile bytes are a fact, silence, or malformed."""
    said = said_of(sample.text)
    for at in range(0, len(sample.text), 7):
        for text in (sample.text[:at], sample.text[:at] + b'\xff\x00[{"' + sample.text[at + 5 :]):
            with suppress(MalformedRecordError):
                haproxy.read(Record(text, Settings()), said)
