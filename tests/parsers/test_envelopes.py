"""What stood around a record, and what does not count as standing around it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.envelopes import DEPTH, peel, peel_piece
from parsers.record import Settings

AT = 1795218142.0
SETTINGS = Settings(reference=AT)
LINE = b"2026/11/20 23:42:22 [info] 31#31: *7 SSL_do_handshake() failed"


@pytest.mark.parametrize(
    ("around", "name", "time", "program"),
    [
        (b"2026-11-20T23:42:22.123456789Z stdout F %s", "cri", AT + 0.123456789, b""),
        (b"2026-11-21T00:42:22.5+01:00 stderr F %s", "cri", AT + 0.5, b""),
        (b'{"log":"%s\\n","stream":"stderr","time":"2026-11-20T23:42:22.5Z"}', "docker", AT + 0.5, b""),
        (b'{"log":"%s\\n","stream":"stderr","attrs":{},"time":"2026-11-20T23:42:22.5Z"}', "docker", AT + 0.5, b""),
        (b"<134>Nov 20 23:42:22 edge1 nginx: %s", "rfc3164", AT, b"nginx"),
        (b"Nov 20 23:42:22 edge1 nginx[12]: %s", "rfc3164", AT, b"nginx"),
        (b"Nov 20 23:42:22 nginx[12]: %s", "rfc3164", AT, b"nginx"),
        (b"<134>nginx[12]: %s", "rfc3164", None, b"nginx"),
        (b"<13>1 2026-11-20T23:42:22.5Z edge1 nginx 12 ID47 - %s", "rfc5424", AT + 0.5, b"nginx"),
        (b'<13>1 2026-11-20T23:42:22Z h nginx - - [a@1 b="]\\""][c@2] \xef\xbb\xbf%s', "rfc5424", AT, b"nginx"),
        (b"120 <13>1 2026-11-20T23:42:22Z h nginx - - - %s", "rfc5424", AT, b"nginx"),
        (b"2026-11-20T23:42:22.678901+00:00 edge1 nginx[12]: %s", "iso_syslog", AT + 0.678901, b"nginx"),
        (b"2026-11-20T23:42:22.678901234Z %s", "timestamps", AT + 0.678901234, b""),
        (b"[pod/edge-7d9/nginx] %s", "kubectl", None, b"nginx"),
        (b"nginx-1  | %s", "compose", None, b"nginx"),
        (b'{"date":1795218142.5,"log":"%s","kubernetes":{"container_name":"nginx"}}', "fluent_bit", AT + 0.5, b"nginx"),
        (b'{"time":"2026-11-20T23:42:22Z","stream":"stderr","logtag":"F","message":"%s"}', "fluent_bit", AT, b""),
        (b'{"message":"%s","timestamp":"2026-11-20T23:42:22Z","source_type":"file"}', "vector", AT, b""),
        (
            b'{"@timestamp":"2026-11-20T23:42:22.000Z","message":"%s","agent":{},"log":{"offset":1}}',
            "filebeat",
            AT,
            b"",
        ),
        (
            b'{"MESSAGE":"%s","__REALTIME_TIMESTAMP":"1795218142500000","SYSLOG_IDENTIFIER":"nginx"}',
            "journald",
            AT + 0.5,
            b"nginx",
        ),
        (b'{"version":"1.1","host":"h","short_message":"%s","timestamp":1795218142.5}', "gelf", AT + 0.5, b""),
        (b'{"message":"%s","time":"2026-11-20T23:42:22Z"}', "json", AT, b""),
    ],
)
def test_an_envelope_is_taken_off(around: bytes, name: str, time: float | None, program: bytes) -> None:
    """The record's own text is left, with what the envelope told about it."""
    peeled = peel(around % LINE, SETTINGS)
    assert (peeled.text, peeled.names, peeled.program) == (LINE, (name,), program)
    assert peeled.time == (None if time is None else pytest.approx(time, abs=1e-6))


@pytest.mark.parametrize(
    "line",
    [
        LINE,
        b'192.0.2.1 - - [20/Nov/2026:23:42:22 +0000] "GET / HTTP/1.1" 200 3',
        b'[2026-11-20T23:42:22.101Z] "GET / HTTP/1.1" 503 UF',
        b"2026-11-20T23:42:22Z ERROR client: handshake failed",
        b"2026-11-20T23:42:22.123456Z  WARN linkerd: Failed to connect",
        b"INFO | handshake failed",
        b'{"level":"error","ts":1795218142.5,"logger":"http","msg":"handshake","remote-addr":"192.0.2.1"}',
        b'{"@timestamp":"2026-11-20T23:42:22Z","message":"x","logger_name":"a.B","stack_trace":"..."}',
        b'{"time":"2026-11-20T23:42:22+00:00","remote_addr":"192.0.2.1","status":400,"message":"x"}',
        b'{"@timestamp":"2026-11-20T23:42:22Z","log.level":"ERROR","message":"x","ecs.version":"1.2"}',
        b'{"log":"no object',
        b"\x00\xff",
        b"",
    ],
)
def test_a_records_own_shape_is_no_envelope(line: bytes) -> None:
    """Plain lines and an application's own JSON stay whole: their format reads the fields beside the text."""
    assert (peel(line, SETTINGS).text, peel(line, SETTINGS).names) == (line, ())


def test_envelopes_nest_in_any_order_up_to_a_depth() -> None:
    """The innermost time and program win; what is deeper than the limit stays."""
    inner = b"<13>1 2026-11-20T23:42:21Z h nginx - - - " + LINE
    outer = json.dumps({"date": AT, "log": (b"2026-11-20T23:42:22Z stderr F " + inner).decode(), "stream": "stderr"})
    peeled = peel(outer.encode(), SETTINGS)
    assert (peeled.text, peeled.names) == (LINE, ("fluent_bit", "cri", "rfc5424"))
    assert (peeled.time, peeled.program) == (AT - 1, b"nginx")
    assert len(peel(b"[pod/a/b] " * (DEPTH + 3) + LINE, SETTINGS).names) == DEPTH


def test_pieces_of_a_line_say_so() -> None:
    """CRI ``P`` and Docker without its newline; nothing inside a piece is peeled."""
    assert peel(b"2026-11-20T23:42:22Z stdout P <13>nginx: a", SETTINGS).partial
    assert peel(b"2026-11-20T23:42:22Z stdout P <13>nginx: a", SETTINGS).text == b"<13>nginx: a"
    assert peel(b'{"log":"abc","stream":"stdout","time":"2026-11-20T23:42:22Z"}', SETTINGS).partial
    assert not peel(b"2026-11-20T23:42:22Z stdout F <13>nginx: a", SETTINGS).partial
    assert peel_piece(b"2026-11-20T23:42:22Z stdout F <13>nginx: a", SETTINGS).text == b"<13>nginx: a"


def test_journald_bytes_become_text_again() -> None:
    """What is not UTF-8 comes as numbers; a huge message as null."""
    entry = {"__CURSOR": "x", "MESSAGE": list(b"caf\xe9 failed")}
    assert peel(json.dumps(entry).encode(), SETTINGS).text == b"caf\xe9 failed"
    assert peel(b'{"__CURSOR":"x","MESSAGE":null}', SETTINGS).text == b""
    assert peel(b'{"__CURSOR":"x","MESSAGE":[1,2,999]}', SETTINGS).names == ()


def test_lines_of_one_origin_share_a_stream_and_others_do_not() -> None:
    """Traces of two pods, or of standard output and error, must not be mixed."""
    row = b'{"date":1,"log":"x","stream":"%s","kubernetes":{"pod_name":"%s"}}'
    origins = {peel(row % pair, SETTINGS).stream for pair in ((b"stdout", b"a"), (b"stderr", b"a"), (b"stdout", b"b"))}
    assert len(origins) == 3


@given(st.binary(max_size=300))
def test_no_bytes_make_peel_raise(noise: bytes) -> None:
    """Whatever stands in or after an envelope's beginning."""
    for start in (
        b"",
        b"<13>",
        b"<13>1 2026-11-20T23:42:22Z h a - - [",
        b'{"log":"',
        b'{"MESSAGE":[',
        b"[pod/",
        b"a  | ",
        b"9 <1>",
    ):
        peel(start + noise, SETTINGS)
        peel_piece(start + noise, SETTINGS)


@given(st.dictionaries(st.sampled_from(["log", "message", "MESSAGE", "time", "stream", "date", "kubernetes", "_PID", "_p"]), st.one_of(st.text(max_size=9), st.integers(), st.floats(allow_nan=False), st.none(), st.booleans(), st.lists(st.integers(0, 300), max_size=3), st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2))))  # fmt: skip
def test_no_json_makes_peel_raise(fields: dict[str, object]) -> None:
    """Values of any kind under the keys of wrappers."""
    peel(json.dumps(fields).encode(), SETTINGS)
