"""apache, held to its samples."""

import pytest
from sample_files import Sample, check, samples


@pytest.mark.parametrize("sample", samples("apache"))
def test_a_record_tells_what_its_sample_says(sample: Sample) -> None:
    """Fields as stated above the record; null is silence."""
    check("apache", sample)
