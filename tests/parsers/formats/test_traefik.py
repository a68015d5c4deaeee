"""Traefik, held to its samples; strict SNI and its handshake are one failure."""

import pytest
from joined_samples import check, torture
from trace_samples import Labelled, labelled

from parsers.formats import traefik

ALL = labelled("traefik")


@pytest.mark.parametrize("sample", ALL)
def test_a_record_tells_what_its_sample_says(sample: Labelled) -> None:
    """Fields as stated above the record; null is silence."""
    check("traefik", sample)


@pytest.mark.parametrize("sample", ALL)
def test_auto_knows_the_shape(sample: Labelled) -> None:
    """A Go logger's head and a word of Traefik's own."""
    check("auto", sample, written_by="traefik")


@pytest.mark.parametrize("sample", ALL)
def test_hostile_bytes_raise_nothing_else(sample: Labelled) -> None:
    """A fact, silence, or malformed."""
    torture(traefik, sample)
