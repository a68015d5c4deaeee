"""nginx, held to its samples."""

from contextlib import suppress

import pytest
from sample_files import Sample, check, read, said_of, samples

from parsers.failure import Failure
from parsers.formats import nginx
from parsers.record import MalformedRecordError, Record, Settings


@pytest.mark.parametrize("sample", samples("nginx"))
def test_a_record_tells_what_its_sample_says(sample: Sample) -> None:
    """Fields as stated above the record; null is silence."""
    check("nginx", sample)


def test_a_listener_without_a_name_gets_the_one_from_the_settings() -> None:
    """``hosts`` counts only where the record holds no name."""
    settings = Settings(hosts={"0.0.0.0:443": "Shop.Example"})
    line = b"2026/11/21 01:05:44 [info] 7#7: *1 handshake rejected while SSL handshaking, client: 192.0.2.7, server: %b"
    found = read("nginx", line % b"0.0.0.0:443", settings)
    assert isinstance(found, Failure)
    assert found.host == "shop.example"
    found = read("nginx", line % b"pay.example", settings)
    assert isinstance(found, Failure)
    assert found.host == "pay.example"


def test_times_are_local_to_the_streams_zone() -> None:
    """1 o'clock in Berlin is midnight UTC."""
    line = b"2026/11/21 01:00:00 [info] 7#7: *1 handshake rejected while SSL handshaking, client: 192.0.2.7, server: a"
    found = read("nginx", line, Settings(zone="Europe/Berlin"))
    assert found is not None
    assert found.time == 1795219200.0


@pytest.mark.parametrize("sample", samples("nginx"))
def test_a_record_cut_anywhere_or_with_bytes_changed_raises_nothing_else(sample: Sample) -> None:
    """Hostile bytes are a fact, silence, or malformed."""
    said = said_of(sample.text)
    for at in range(0, len(sample.text), 7):
        for text in (sample.text[:at], sample.text[:at] + b'\xff\x00[{"' + sample.text[at + 5 :]):
            with suppress(MalformedRecordError):
                nginx.read(Record(text, Settings()), said)
