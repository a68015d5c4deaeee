"""ingress_nginx, held to its samples."""

from contextlib import suppress

import pytest
from sample_files import Sample, check, said_of, samples

from parsers.formats import ingress_nginx
from parsers.record import MalformedRecordError, Record, Settings


@pytest.mark.parametrize("sample", samples("ingress_nginx"))
def test_a_record_tells_what_its_sample_says(sample: Sample) -> None:
    """Fields as stated above the record; null is silence."""
    check("ingress_nginx", sample)


@pytest.mark.parametrize("sample", samples("ingress_nginx"))
def test_a_record_cut_anywhere_or_with_bytes_changed_raises_nothing_else(sample: Sample) -> None:
    """Hostile bytes are a fact, silence, or malformed."""
    said = said_of(sample.text)
    for at in range(0, len(sample.text), 7):
        for text in (sample.text[:at], sample.text[:at] + b'\xff\x00[{"' + sample.text[at + 5 :]):
            with suppress(MalformedRecordError):
                ingress_nginx.read(Record(text, Settings()), said)
