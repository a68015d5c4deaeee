"""A test that needs a server may be skipped on a laptop, never where all servers are required."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")
NEEDY = """
import pytest

@pytest.mark.server("no-such-server")
def test_with_a_server(): pass

@pytest.mark.server("python3")
def test_with_one_that_is_there(): pass

@pytest.mark.full
def test_a_long_proof(): pass
"""


@pytest.mark.parametrize(
    ("required", "arguments", "code", "summary"),
    [
        ("", [], 0, "1 passed, 2 skipped"),
        ("1", [], 1, "1 passed, 1 skipped, 1 error"),
        ("", ["--full"], 0, "2 passed, 1 skipped"),
    ],
)
def test_required_servers_fail_instead_of_skipping(
    tmp_path: Path, required: str, arguments: list[str], code: int, summary: str
) -> None:
    (tmp_path / "conftest.py").write_bytes(CONFTEST.read_bytes())
    (tmp_path / "test_needy.py").write_text(NEEDY)
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "-W", "ignore", "-c", os.devnull, *arguments, tmp_path],
        capture_output=True, text=True, check=False, cwd=tmp_path, timeout=60,
        env=os.environ | {"HANDSPIKE_REQUIRE_SERVERS": required},
    )  # fmt: skip
    assert (ended.returncode, summary in ended.stdout) == (code, True), ended.stdout
    assert "needs no-such-server: install no-such-server" in ended.stdout
