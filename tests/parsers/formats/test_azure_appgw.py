"""Azure Application Gateway and Front Door, held to its samples."""

from contextlib import suppress

import pytest
from sample_files import Sample, check, read, said_of, samples

from parsers.failure import Failure
from parsers.formats import azure_appgw
from parsers.record import MalformedRecordError, Record, Settings


@pytest.mark.parametrize("sample", samples("azure_appgw"))
def test_a_record_tells_what_its_sample_says(sample: Sample) -> None:
    """Fields as stated above the record; null is silence."""
    check("azure_appgw", sample)


@pytest.mark.parametrize("sample", samples("azure_appgw"))
def test_auto_finds_the_same(sample: Sample) -> None:
    """Without being told the format."""
    told, found = read("azure_appgw", sample.text), read("auto", sample.text)
    if not isinstance(told, Failure):
        assert found is None
        return
    assert isinstance(found, Failure)
    assert (found.format, found.time, found.reason, found.peer) == (told.format, told.time, told.reason, told.peer)


@pytest.mark.parametrize("sample", samples("azure_appgw"))
def test_a_record_cut_anywhere_or_with_bytes_changed_raises_nothing_else(sample: Sample) -> None:
    """Hostile bytes are a fact, silence, or malformed."""
    said = said_of(sample.text)
    for at in range(0, len(sample.text), 7):
        for text in (sample.text[:at], sample.text[:at] + b'\xff\x00[{"' + sample.text[at + 5 :]):
            with suppress(MalformedRecordError):
                azure_appgw.read(Record(text, Settings()), said)
