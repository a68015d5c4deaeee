"""The coverage-guided fuzzer finds nothing in the time it is given."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).with_name("fuzz.py")


@pytest.mark.parametrize("seconds", [12, pytest.param(600, marks=[pytest.mark.full, pytest.mark.timeout(900)])])
def test_nothing_is_found_by_following_the_code(seconds: int) -> None:
    """It mutates the samples towards branches that no input has reached."""
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is absent: pip install atheris (its wheels: Linux on x86-64)")
    root = FUZZ.parent.parent.parent
    run = subprocess.run(
        [sys.executable, str(FUZZ), "--seconds", str(seconds)], cwd=root, capture_output=True, timeout=seconds + 120
    )
    assert run.returncode == 0, run.stderr.decode(errors="replace")[-6000:]
    assert b"DONE" in run.stderr
