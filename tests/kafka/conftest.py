"""One broker for all tests of a session; every test has topics and a group of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kafka.broker import Broker


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    one = Broker(tmp_path_factory.mktemp("kafka"))
    try:
        one.start()
        yield one
    finally:
        one.stop(kill=True)


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    from tests.kafka.broker import PASSWORD

    path = tmp_path / "password"
    path.write_text(PASSWORD + "\n")
    return path
