"""Linkerd's proxy, held to its samples, plain and JSON."""

import pytest
from joined_samples import check, torture
from trace_samples import Labelled, labelled

from parsers.formats import linkerd

ALL = labelled("linkerd")


@pytest.mark.parametrize("sample", ALL)
def test_a_record_tells_what_its_sample_says(sample: Labelled) -> None:
    """Fields as stated above the record; null is silence."""
    check("linkerd", sample)


@pytest.mark.parametrize("sample", ALL)
def test_auto_knows_the_shape(sample: Labelled) -> None:
    """tracing's head with a target of Linkerd's."""
    check("auto", sample, written_by="linkerd")


@pytest.mark.parametrize("sample", ALL)
def test_hostile_bytes_raise_nothing_else(sample: Labelled) -> None:
    """A fact, silence, or malformed."""
    torture(linkerd, sample)
