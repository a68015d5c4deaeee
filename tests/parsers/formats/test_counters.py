"""Counters in place of lines, held to their samples, and the table of what each stands for."""

from contextlib import suppress

import pytest
from sample_files import Sample, check, read, said_of, samples

from parsers.counters import counter, counters, line_names
from parsers.failure import Failure
from parsers.formats import counters as form
from parsers.reader import Reader
from parsers.record import MalformedRecordError, Record, Settings
from parsers.vocabulary import FAMILY_OF


@pytest.mark.parametrize("sample", samples("counters"))
def test_a_record_tells_what_its_sample_says(sample: Sample) -> None:
    """Fields as stated above the record; null is silence."""
    check("counters", sample)


@pytest.mark.parametrize("sample", samples("counters"))
def test_auto_finds_the_same(sample: Sample) -> None:
    """Without being told the format."""
    assert read("auto", sample.text) == read("counters", sample.text)


@pytest.mark.parametrize("sample", samples("counters"))
def test_a_record_cut_anywhere_or_with_bytes_changed_raises_nothing_else(sample: Sample) -> None:
    """Hostile bytes are a fact, silence, or malformed."""
    said = said_of(sample.text)
    for at in range(0, len(sample.text), 3):
        for text in (sample.text[:at], sample.text[:at] + b'\xff\x00[{"' + sample.text[at + 5 :]):
            with suppress(MalformedRecordError):
                form.read(Record(text, Settings()), said)


@pytest.mark.parametrize("number", ["-1", '"3"', "null", "1e300", "true", "[]"])
def test_a_number_that_is_none_is_unrecognized(number: str) -> None:
    """Counted as such, never as failures."""
    line = (
        '{"handspike_counter":"envoy_listener_ssl_connection_error","labels":{},"increase":%s,"time":1,"seconds":1}\n'
    )
    reading = Reader("counters", Settings()).read((line % number).encode(), final=True)
    assert (reading.failures, reading.unrecognized) == ([], 1)


def test_a_listeners_host_comes_from_the_streams_hosts() -> None:
    """Envoy writes the port after an underscore."""
    line = (
        b'{"handspike_counter":"envoy_listener_ssl_connection_error",'
        b'"labels":{"envoy_listener_address":"0.0.0.0_443"},"increase":1,"time":1795218142.5,"seconds":15.0}'
    )
    found = read("counters", line, Settings(hosts={"0.0.0.0:443": "shop.example"}))
    assert isinstance(found, Failure)
    assert found.host == "shop.example"


def test_a_healthy_scrape_advances_the_clock() -> None:
    """So that a target without failures is not taken for a silent one."""
    block = b'{"handspike_scrape":"http://127.0.0.1:9901/","time":1795218142.5}\n'
    reading = Reader("counters", Settings()).read(block, final=True)
    assert (reading.first_time, reading.last_time, reading.lines) == (1795218142.5, 1795218142.5, 1)


def test_every_row_of_the_table_is_sound() -> None:
    """Known words, a source, and a whole that is in the table itself."""
    rows = [row for several in counters().values() for row in several]
    assert len(rows) > 40
    for row in rows:
        assert row.reason in FAMILY_OF, row
        assert row.direction in ("downstream", "upstream"), row
        assert row.rejected_by in ("local", "peer", "unknown"), row
        assert row.within == "-" or row.within in counters(), row
        assert len(row.source) > 10, row


def test_successes_are_no_failures() -> None:
    """Envoy's no_certificate counts connections that succeeded without one."""
    for metric in (
        "envoy_listener_ssl_no_certificate",
        "envoy_listener_ssl_handshake",
        "haproxy_process_ssl_connections",
    ):
        assert counter(metric, {}) is None
        assert line_names().match(metric.encode() + b"{} 1") is None
