"""What a log's own lines prove that it can't show: told by ``check``, and by a verdict that clears nobody for it."""

from pathlib import Path
from typing import Any

import pytest

from parsers.failure import Failure
from service.blindspots import blindspots
from service.cli.root import run as run_command
from service.scan import ScanStream, scan
from service.seen import ENOUGH, HEAD_BYTES, LESSONS, Seen

NGINX = "2026/11/20 10:{minute:02}:00 [{level}] 31#31: *7 open() failed (2: No such file), client: 192.0.2.9"
ACCESS = '192.0.2.1 - - [20/Nov/2026:10:{minute:02}:00 +0000] "GET / HTTP/1.1" 200 12 "-" "curl/8.5.0"'
APACHE = "[Fri Nov 20 10:{minute:02}:00.662613 2026] [{level}] [pid 13567:tid 13582] AH00489: Apache configured"
HAPROXY = "Nov 20 10:{minute:02}:00 lb1 haproxy[9]: 192.0.2.9:418 [20/Nov/2026:10:{minute:02}:00.107] fe/1: {said}"
ENVOY_APP = "[2026-11-20 10:{minute:02}:00.107][15][{level}][upstream] [source/common/upstream.cc:1] cds: add 1"
ENVOY_HTTP = '[2026-11-20T10:{minute:02}:00.107Z] "GET / HTTP/1.1" 200 - 0 5 1 1 "-" "curl" "id" "a" "127.0.0.1:80"'
ENVOY_TCP = '[2026-11-20T10:{minute:02}:00.107Z] "- - -" 0 NR filter_chain_not_found - "-" 0 0 0 - "-" "-" "-" "-" "-"'


def lines(shape: str, count: int = 50, **fields: str) -> bytes:
    return "".join(shape.format(minute=minute % 60, **fields) + "\n" for minute in range(count)).encode()


def blind(format_name: str, log: bytes, hop: str = "edge") -> str | None:
    seen = Seen(format_name, hop)
    for at in range(0, len(log), 1024):
        seen.look(log[at : at + 1024])
    return seen.why_blind()


@pytest.mark.parametrize(
    ("format_name", "log", "way_out"),
    [
        ("nginx", lines(NGINX, level="error"), "error_log /var/log/nginx/error.log info;"),
        ("nginx", lines(NGINX, level="notice"), "error_log /var/log/nginx/error.log info;"),
        ("auto", lines(NGINX, level="warn"), "error_log /var/log/nginx/error.log info;"),
        ("ingress_nginx", lines(NGINX, level="notice"), 'error-log-level: "info" in the controller\'s ConfigMap'),
        ("nginx", lines(ACCESS), "add the server's error log to the stream's path"),
        ("apache", lines(APACHE, level="mpm_event:notice"), "LogLevel warn ssl:info"),
        ("envoy", lines(ENVOY_APP, level="info"), "a listener access_log with %DOWNSTREAM_TRANSPORT_FAILURE_REASON%"),
        ("envoy", lines(ENVOY_HTTP), "a listener access_log with %DOWNSTREAM_TRANSPORT_FAILURE_REASON%"),
        ("caddy", lines('{{"level":"info","ts":1,"logger":"http","msg":"served"}}'), "debug in the Caddyfile"),
        ("traefik", lines("2026-11-20T10:{minute:02}:00Z INF Starting provider"), "log: {level: DEBUG}"),
        ("aws_alb", b"", "aws_alb_connection"),
        ("cloudfront", b"", "a stream of hop app"),
        ("cloudflare", b"", "a stream of hop app"),
    ],
)
def test_a_log_without_the_level_that_shows_failures_is_blind(format_name: str, log: bytes, way_out: str) -> None:
    told = blind(format_name, log)
    assert told is not None
    assert told.startswith("it can't show its clients' failed handshakes: ")
    assert way_out in told


@pytest.mark.parametrize(
    ("format_name", "log"),
    [
        ("nginx", lines(NGINX, level="error") + lines(NGINX, 1, level="info")),
        ("nginx", lines(ACCESS) + lines(NGINX, 1, level="info")),
        ("ingress_nginx", lines(NGINX, level="notice") + lines(NGINX, 1, level="debug")),
        ("apache", lines(APACHE, level="mpm_event:notice") + lines(APACHE, 1, level="ssl:info")),
        ("envoy", lines(ENVOY_APP, level="info") + lines(ENVOY_TCP, 1)),
        ("envoy", lines(ENVOY_HTTP) + lines(ENVOY_TCP, 1)),
        ("haproxy", lines(HAPROXY, said="SSL handshake failure")),
        ("caddy", lines('{{"level":"info"}}') + b'{"level":"debug","logger":"http.stdlib"}\n'),
        ("cloudfront", b'{"connectionStatus":"Success"}\n'),
        ("cloudflare", b'{"Event":"connect","ClientTlsStatus":"OK"}\n'),
        ("gonet", lines(NGINX, level="error")),
        ("nginx", lines(NGINX, ENOUGH - 1, level="error")),
        ("nginx", b""),
    ],
)
def test_one_line_of_that_level_or_too_few_lines_leave_it_seeing(format_name: str, log: bytes) -> None:
    assert blind(format_name, log) is None


def test_an_application_only_calls_so_it_is_never_blind_to_its_clients() -> None:
    assert blind("nginx", lines(NGINX, level="error"), hop="app") is None
    assert blind("cloudflare", b"", hop="app") is None


def test_a_log_that_did_show_a_clients_failure_can() -> None:
    for direction, told in (("upstream", True), ("downstream", False)):
        seen = Seen("nginx", "edge")
        seen.look(lines(NGINX, level="error"))
        seen.look(lines(NGINX, level="error"))
        seen.tell([Failure(0.0, direction, "expired", "peer")])  # type: ignore[arg-type]
        assert (seen.why_blind() is not None) is told


def test_haproxy_that_never_says_why_is_told_but_is_not_blind() -> None:
    seen = Seen("haproxy", "lb")
    seen.look(lines(HAPROXY, said="SSL handshake failure"))
    [(why, way_out, vague)] = seen.lessons()
    assert (vague, seen.why_blind()) == (True, None)
    assert "never why" in why and "%[fc_err_str]" in way_out
    seen = Seen("haproxy", "lb")
    seen.look(lines(HAPROXY, said="SSL handshake failure (error:0A000418:SSL routines::tlsv1 alert unknown ca)"))
    assert seen.lessons() == []


def test_a_look_is_bounded() -> None:
    """Of a block of megabytes only the head and the lines at its ends count."""
    seen = Seen("nginx", "edge")
    far = b"x" * HEAD_BYTES + b"\n" + lines(NGINX, 1, level="info") + b"x" * HEAD_BYTES + b"\n" * 20
    seen.look(far)
    assert seen.shown() == set()


def test_every_setting_that_a_lesson_names_is_one_that_check_names(tmp_path: Path) -> None:
    """So that a setting which is on already is not asked for again."""
    for lesson in LESSONS:
        for name in lesson.formats:
            known = {spot.way_out for spot in blindspots(name)} | {"add the server's error log to the stream's path"}
            assert lesson.way_out in known or lesson.way_out.split(" and ")[0] in str(known), lesson.way_out


FAILED = (
    "2026/11/20 10:{minute:02}:{second:02} [info] 31#31: *7 SSL_do_handshake() failed (SSL: error:0A000415:SSL"
    " routines::sslv3 alert certificate expired:SSL alert number 45) while SSL handshaking, client: 192.0.2.{last},"
    " server: 0.0.0.0:443"
)


def test_a_verdict_clears_no_stream_that_can_not_show_failures(tmp_path: Path) -> None:
    """The ingress logs at notice: it is unseen, with the setting; at info it is cleared."""
    failures = "".join(
        FAILED.format(minute=30, second=second, last=last) + "\n" for second in range(20) for last in (9, 10)
    )
    (tmp_path / "edge.log").write_bytes(
        lines(NGINX, 30, level="info") + failures.encode() + lines(NGINX, 60, level="info")[-3000:]
    )
    for level, where in (("notice", "unseen"), ("info", "cleared")):
        (tmp_path / "ingress.log").write_bytes(lines(NGINX, 60, level=level))
        streams = [
            ScanStream(name=name, hop=name, format=form, paths=[str(tmp_path / f"{name}.log")])
            for name, form in (("edge", "nginx"), ("ingress", "ingress_nginx"))
        ]
        [incident] = scan(streams).incidents
        verdict = incident["verdict"]
        assert [one["stream"] for one in verdict[where]] == ["ingress"]
        other = {"unseen": "cleared", "cleared": "unseen"}[where]
        assert verdict[other] == []
        assert ('error-log-level: "info"' in str(verdict["unseen"])) is (where == "unseen")


@pytest.mark.parametrize(
    ("level", "told"),
    [("error", True), ("info", False)],
)
def test_check_names_what_is_not_seen_and_the_setting_and_not_what_is_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any, level: str, told: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "edge.log").write_bytes(lines(NGINX, level=level))
    (tmp_path / "streams.yaml").write_text("streams: {edge: {format: nginx, source: {file: {path: edge.log}}}}\n")
    assert run_command(("check",)) == 0
    out = capfd.readouterr().out
    assert ("  NOT SEEN in this log: its error log holds no line at level info" in out) is told
    assert ("error_log /var/log/nginx/error.log info;" in out) is told
    assert out.count("error_log /var/log/nginx/error.log info;") == int(told)
