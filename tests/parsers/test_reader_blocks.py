"""However a log is cut into blocks and whatever is around its lines, the same failures are counted."""

import itertools
import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.parsers.reader_samples import (
    APACHE,
    APP,
    BARE,
    ENVOY,
    HAPROXY,
    LOGS,
    NGINX,
    read_in_blocks,
    read_whole,
    wrapped,
)

STAMP = "2026-11-20T23:42:22.123456Z"


def cri(line: bytes, piece: int = 10**9) -> bytes:
    pieces = [line[at : at + piece] for at in range(0, len(line), piece)] or [b""]
    head = STAMP.encode() + b" stderr "
    return b"".join(head + b"P " + part + b"\n" for part in pieces[:-1]) + head + b"F " + pieces[-1] + b"\n"


def docker(line: bytes, piece: int = 10**9) -> bytes:
    text = line.decode("latin-1") + "\n"
    pieces = [text[at : at + piece] for at in range(0, len(text), piece)]
    rows = [json.dumps({"log": part, "stream": "stderr", "time": STAMP}, separators=(",", ":")) for part in pieces]
    return "".join(row + "\n" for row in rows).encode()


def as_json(fields: Callable[[str], object]) -> Callable[[bytes], bytes]:
    return lambda line: json.dumps(fields(line.decode("latin-1"))).encode() + b"\n"


ENVELOPES: dict[str, Callable[[bytes], bytes]] = {
    "cri": cri,
    "cri in pieces": lambda line: cri(line, 61),
    "docker": docker,
    "docker in pieces": lambda line: docker(line, 61),
    "rfc3164": lambda line: b"<13>Nov 20 23:42:22 host prog[12]: " + line + b"\n",
    "rfc5424": lambda line: b'<13>1 2026-11-20T23:42:22.1Z host prog 12 - [x@1 a="\\"]"] ' + line + b"\n",
    "iso syslog": lambda line: b"2026-11-20T23:42:22.678901+00:00 host prog[12]: " + line + b"\n",
    "kubectl": lambda line: b"[pod/web-1/app] " + line + b"\n",
    "compose": lambda line: b"web-1  | " + line + b"\n",
    "fluent bit": as_json(lambda text: {"date": 1795218142.5, "log": text, "kubernetes": {"pod_name": "p"}}),
    "vector": as_json(lambda text: {"message": text, "timestamp": STAMP, "source_type": "file", "file": "/x"}),
    "filebeat": as_json(lambda text: {"@timestamp": STAMP, "message": text, "agent": {}, "log": {"offset": 1}}),
    "journald": as_json(lambda text: {"__REALTIME_TIMESTAMP": "1795218142000000", "MESSAGE": text, "_PID": "3"}),
    "journald bytes": as_json(lambda text: {"MESSAGE": list(text.encode("latin-1")), "_PID": "3"}),
    "cri in docker": lambda line: docker(cri(line)[:-1]),
    "syslog in cri in fluent bit": lambda line: ENVELOPES["fluent bit"](cri(ENVELOPES["rfc5424"](line)[:-1])[:-1]),
}


@pytest.mark.parametrize("envelope", list(ENVELOPES))
@pytest.mark.parametrize("log", list(LOGS))
@pytest.mark.parametrize("auto", [False, True], ids=["named", "auto"])
def test_an_envelope_changes_no_failure(envelope: str, log: str, auto: bool) -> None:
    """The same times, reasons, peers and hosts come out, however the lines are wrapped."""
    around = wrapped(LOGS[log], ENVELOPES[envelope])
    assert read_whole("auto" if auto else log, around)[1] == read_whole(log, LOGS[log])[1]


_PLAIN = [*((name, log) for name, log in LOGS.items()), ("app", BARE), *(("auto", log) for log in LOGS.values())]
_WRAPPED = [
    *(("auto", wrapped(APP, envelope)) for envelope in ENVELOPES.values()),
    *(("nginx", wrapped(NGINX, envelope)) for envelope in ENVELOPES.values()),
]
_SIZES = st.lists(st.integers(1, 1500), min_size=1, max_size=30)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(_PLAIN), _SIZES)
def test_cutting_a_log_anywhere_changes_no_count(sample: tuple[str, bytes], sizes: list[int]) -> None:
    """Lines, candidates, failures, unrecognized: as if it had been read whole."""
    _hold(*sample, sizes)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(_WRAPPED), _SIZES)
def test_cutting_a_wrapped_log_anywhere_changes_no_count(sample: tuple[str, bytes], sizes: list[int]) -> None:
    """Nor with envelopes, pieces of lines included."""
    _hold(*sample, sizes)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from((APP + BARE + NGINX + HAPROXY).splitlines()), min_size=1, max_size=60), _SIZES)
def test_cutting_any_shuffle_of_lines_changes_no_count(lines: list[bytes], sizes: list[int]) -> None:
    """Torn traces and lines of four programs in any order (pairs aside: they need a clock that goes forward)."""
    for format_name in ("app", "auto", "nginx"):
        _hold(format_name, b"\n".join(lines) + b"\n", sizes)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([("apache", APACHE), ("envoy", ENVOY)]), st.sets(st.integers(0, 40)), _SIZES)
def test_cutting_a_log_with_torn_pairs_changes_no_count(
    sample: tuple[str, bytes], missing: set[int], sizes: list[int]
) -> None:
    """Any lines of it may be missing, the halves of pairs among them."""
    format_name, log = sample
    minutes = b"".join(log.replace(b" 23:42:", b" 23:%d:" % minute) for minute in range(42, 50))
    left = [line for at, line in enumerate(minutes.splitlines()) if at not in missing]
    for name in (format_name, "auto"):
        _hold(name, b"\n".join(left) + b"\n", sizes)


def test_two_pods_in_one_stream_do_not_end_each_others_traces() -> None:
    """Lines of two origins alternate; each has its own records."""
    lines = APP.splitlines()
    rows = [
        json.dumps({"date": 1795218142.5, "log": line.decode(), "kubernetes": {"pod_name": pod}})
        for line in lines
        for pod in ("a", "b")
    ]
    log = "".join(row + "\n" for row in rows).encode()
    assert read_whole("app", log)[0]["failures"] == 2 * read_whole("app", APP)[0]["failures"]
    _hold("app", log, [700, 333, 1200])


def _hold(format_name: str, log: bytes, sizes: list[int]) -> None:
    def cuts() -> object:
        yield from sizes
        while True:
            yield max(sizes) + 200

    assert read_in_blocks(format_name, log, cuts()) == read_whole(format_name, log)  # type: ignore[arg-type]


_STORM = [line for line in NGINX.splitlines() if b", client: " in line] + [
    b'2026/11/20 23:42:23 [error] 1#1: *4 SSL_do_handshake() failed (SSL: error:0A000418:SSL routines::tlsv1 alert unknown ca:SSL alert number 48) while SSL handshaking to upstream, client: 192.0.2.1, server: shop.example, request: "GET /SSL_do_handshake()%20failed HTTP/1.1", upstream: "https://198.51.100.3:8443/", host: "shop.example"',
    b'2026/11/20 23:42:23 [error] 1#1: *5 open() "/srv/x" failed (2: No such file or directory), client: 192.0.2.1, server: shop.example, request: "GET /no%20shared%20cipher HTTP/1.1"',
    b'2026/11/20 23:42:23 [error] 1#1: *5 open() "/srv/y" failed (2: No such file or directory), client: 192.0.2.1, server: shop.example, request: "GET /?q=no shared cipher HTTP/1.1"',
    b"2026/99/20 23:42:23 [info] 1#1: *6 peer closed connection in SSL handshake while SSL handshaking, client: 192.0.2.8, server: 0.0.0.0:443",
]


@pytest.mark.parametrize("format_name", ["nginx", "auto"])
@pytest.mark.parametrize("after", [b"", HAPROXY, NGINX * 400, b"2026/11/20 23:42:23 [notice] 1#1: quiet\n" * 4000, APP])
def test_a_storm_is_read_as_its_lines_would_be_alone(format_name: str, after: bytes) -> None:
    """Large blocks in which nearly every line fails take a way of their own: it comes to the same."""
    storm = b"".join(_STORM[at * at % len(_STORM)] + b"\n" for at in range(2500))
    for log in (storm + after, after + storm):
        small = read_in_blocks(format_name, log, itertools.repeat(30_000))
        assert read_whole(format_name, log) == small
        assert small[0]["failures"] > 1000
