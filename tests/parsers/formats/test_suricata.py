"""Suricata, held to its samples; the events of one flow are one failure."""

import pytest
from joined_samples import check, torture
from trace_samples import Labelled, labelled

from parsers.formats import suricata

ALL = labelled("suricata")


@pytest.mark.parametrize("sample", ALL)
def test_a_record_tells_what_its_sample_says(sample: Labelled) -> None:
    """Fields as stated above the record; null is silence."""
    check("suricata", sample)


@pytest.mark.parametrize("sample", ALL)
def test_auto_knows_the_shape(sample: Labelled) -> None:
    """An eve object's beginning, or fast.log's."""
    check("auto", sample, written_by="suricata")


@pytest.mark.parametrize("sample", ALL)
def test_hostile_bytes_raise_nothing_else(sample: Labelled) -> None:
    """A fact, silence, or malformed."""
    torture(suricata, sample)
