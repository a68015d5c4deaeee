"""No record, however malformed, makes a parser raise, or tell what no failure can be."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import mutated
from targets import seeds, targets

TARGETS = targets()
MANY = settings(max_examples=60, deadline=None)


@pytest.mark.parametrize("name", TARGETS)
def test_every_sample_is_survived_by_everybody(name: str) -> None:
    """Its own format reads it; all others, too, come to some answer."""
    for record in seeds():
        TARGETS[name](record)


@pytest.mark.parametrize("name", TARGETS)
@MANY
@given(st.randoms(use_true_random=False))
def test_a_record_gone_bad_is_a_fact_silence_or_malformed(name: str, random: Random) -> None:
    """Cut, doubled, joined to another system's, with hostile numbers and bytes in its fields."""
    TARGETS[name](mutated(random))


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_survived(name: str, text: bytes) -> None:
    """NUL, half UTF-8, anything."""
    TARGETS[name](text)


@pytest.mark.full
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", TARGETS)
def test_many_records_gone_bad(name: str) -> None:
    """The same for twenty thousand records, each target with its own."""
    random = Random(name)
    for _ in range(20_000):
        TARGETS[name](mutated(random))
