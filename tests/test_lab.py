"""The laboratory: certificates as ordered, real servers that start, break and end."""

import os
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from service.errors import HandspikeError
from tests.lab import Authority, HAProxy, Nginx, Program, clients, find_program, free_port

HOST = "www.shop.example"
SERVER = """
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {leaf.chain};
    ssl_certificate_key {leaf.key};
    ssl_protocols TLSv1.2 TLSv1.3;
    location / {{ return 200 "ok\\n"; }}
  }}
"""
FRONTEND = """
frontend fe
  bind 127.0.0.1:{port} ssl crt {certificate}
  option httplog
  http-request return status 200
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """With a short path: a unix socket's has at most 107 bytes."""
    with TemporaryDirectory(prefix="lab-") as name:
        yield Path(name)


@pytest.mark.server("openssl")
def test_a_leaf_is_valid_between_the_moments_it_was_ordered_for(folder: Path) -> None:
    """Both ends to the second, and the names asked for."""
    leaf = Authority(folder).leaf("old", [HOST, "api.shop.example"], timedelta(days=-9), timedelta(days=-2))
    made = ssl._ssl._test_decode_cert(str(leaf.certificate))  # type: ignore[attr-defined]
    now = datetime.now(UTC).timestamp()
    assert ssl.cert_time_to_seconds(made["notBefore"]) == pytest.approx(now - 9 * 86_400, abs=10)
    assert ssl.cert_time_to_seconds(made["notAfter"]) == pytest.approx(now - 2 * 86_400, abs=10)
    assert made["subjectAltName"] == (("DNS", HOST), ("DNS", "api.shop.example"))


@pytest.mark.server("nginx")
@pytest.mark.server("openssl")
def test_nginx_answers_a_client_that_trusts_the_root_and_logs_the_one_that_does_not(folder: Path) -> None:
    """The intermediate is sent along; an unknown root is the client's refusal, told by its alert."""
    authority, stranger = Authority(folder / "tls"), Authority(folder / "other")
    port = free_port()
    log = folder / "nginx.log"
    with Nginx(folder / "nginx", log, port, SERVER.format(port=port, leaf=authority.leaf("www", [HOST]))):
        assert clients.get(port, HOST, "/", authority.root) == 200
        assert clients.get(port, HOST, "/", stranger.root) is None
        _wait_for(log, "SSL alert number 48")


@pytest.mark.server("nginx")
@pytest.mark.server("openssl")
def test_noise_is_logged_by_nginx_as_the_field_knows_it(folder: Path) -> None:
    """A probe and a client of the last decade; plain HTTP is a request of status 400 to nginx."""
    port = free_port()
    log = folder / "nginx.log"
    with Nginx(
        folder / "nginx", log, port, SERVER.format(port=port, leaf=Authority(folder / "tls").leaf("www", [HOST]))
    ):
        clients.connect_and_close(port)
        clients.old_tls(port, HOST)
        clients.plain_http(port, HOST)
        _wait_for(log, "client closed connection while SSL handshaking")
        _wait_for(log, "unsupported protocol")
        _wait_for(log, "client sent plain HTTP request to HTTPS port")


@pytest.mark.server("haproxy")
@pytest.mark.server("openssl")
def test_haproxy_serves_another_certificate_after_a_reload_and_logs_to_a_file(folder: Path) -> None:
    """Before the reload 200, after it the expired one; the log lines have syslog's header and no <PRI>."""
    authority = Authority(folder / "tls")
    served = folder / "served.pem"
    served.write_bytes(authority.leaf("good", [HOST]).combined.read_bytes())
    expired = authority.leaf("old", [HOST], timedelta(days=-9), timedelta(days=-1))
    port = free_port()
    log = folder / "haproxy.log"
    with HAProxy(folder / "haproxy", log, port, FRONTEND.format(port=port, certificate=served)) as haproxy:
        assert clients.get(port, HOST, "/", authority.root) == 200
        served.write_bytes(expired.combined.read_bytes())
        haproxy.reload()
        _until(lambda: clients.get(port, HOST, "/", authority.root) is None)
        _wait_for(log, "SSL handshake failure")
    lines = log.read_text().splitlines()
    assert all(" lb1 haproxy[" in line and not line.startswith("<") for line in lines)


@pytest.mark.server("nginx")
def test_a_server_that_cannot_start_says_why(folder: Path) -> None:
    """Not "timeout": the program's own last words."""
    with pytest.raises(HandspikeError, match=r"nginx did not start: .*no_such_directive"):
        Nginx(folder / "nginx", folder / "nginx.log", free_port(), "no_such_directive on;").__enter__()


@pytest.mark.server("nginx")
@pytest.mark.server("openssl")
def test_a_server_is_gone_when_its_context_ends(folder: Path) -> None:
    """Its process too, not its port alone."""
    port = free_port()
    server = SERVER.format(port=port, leaf=Authority(folder / "tls").leaf("www", [HOST]))
    with Nginx(folder / "nginx", folder / "nginx.log", port, server) as nginx:
        pid = nginx.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_missing_program_is_named_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line for all that are missing."""
    monkeypatch.setattr("service.demo.lab.process._PLACES", "")
    with pytest.raises(HandspikeError) as raised:
        find_program("nginx", "haproxy")
    assert str(raised.value) == ("nginx and haproxy not found; on Debian or Ubuntu: sudo apt-get install nginx haproxy")


def test_a_program_that_ignores_sigterm_is_ended_all_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its time is up, by SIGKILL."""
    monkeypatch.setattr("service.demo.lab.process.STOP_SECONDS", 0.2)
    output = folder / "output.log"
    with Program(["/bin/sh", "-c", "trap '' TERM; echo on; while :; do sleep 0.05; done"], output) as stubborn:
        _wait_for(output, "on")
        pid = stubborn.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def _wait_for(log: Path, text: str) -> None:
    _until(lambda: log.exists() and text in log.read_text(errors="replace"))


def _until(happened: Callable[[], bool]) -> None:
    until = time.monotonic() + 10.0
    while not happened():
        assert time.monotonic() < until, "it did not happen within 10 s"
        time.sleep(0.02)
