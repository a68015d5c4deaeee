"""Zeek's ssl.log, held to its samples, as TSV and as JSON."""

import pytest
from joined_samples import check, torture
from trace_samples import Labelled, labelled

from parsers.formats import zeek

ALL = labelled("zeek")


@pytest.mark.parametrize("sample", ALL)
def test_a_record_tells_what_its_sample_says(sample: Labelled) -> None:
    """Fields as stated above the record; null is silence."""
    check("zeek", sample)


@pytest.mark.parametrize("sample", ALL)
def test_auto_knows_the_shape(sample: Labelled) -> None:
    """Its first columns, or an object that says established."""
    check("auto", sample, written_by="zeek")


@pytest.mark.parametrize("sample", ALL)
def test_hostile_bytes_raise_nothing_else(sample: Labelled) -> None:
    """A fact, silence, or malformed."""
    torture(zeek, sample)
