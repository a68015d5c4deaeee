"""Lines that hold several records: each is read as a record of its own, wherever the log is cut."""

import base64
import gzip
import itertools
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.envelopes.bundles import MOST_BYTES, MOST_ITEMS, Budget, may_hold, unpack
from parsers.failure import Failure
from parsers.reader import Reader, Reading
from parsers.record import Settings
from tests.parsers.bundle_samples import (
    BUNDLES,
    MILLISECONDS,
    NANOSECONDS,
    bundled,
    decoded,
    journald_bytes,
    loki,
    otlp,
    packed,
    subscription,
)
from tests.parsers.reader_samples import LOGS, NGINX, REFERENCE, read_in_blocks, read_whole

UNTIMED = "curl: (60) SSL certificate problem: certificate has expired"


def read(text: str | bytes, format_name: str = "auto") -> Reading:
    block = text if isinstance(text, bytes) else text.encode()
    return Reader(format_name, Settings(reference=REFERENCE)).read(block + b"\n", final=True)


def one(text: str | bytes, format_name: str = "auto") -> Failure:
    (failure,) = read(text, format_name).failures
    return failure


@pytest.mark.parametrize("bundle", list(BUNDLES))
@pytest.mark.parametrize("log", list(LOGS))
@pytest.mark.parametrize("auto", [False, True], ids=["named", "auto"])
def test_a_bundle_changes_no_failure(bundle: str, log: str, auto: bool) -> None:
    """The whole log in one line gives the failures that it gives as lines."""
    around = bundled(LOGS[log], BUNDLES[bundle], 1000)
    assert read_whole("auto" if auto else log, around)[1] == read_whole(log, LOGS[log])[1]


_CUT = [(log, bundled(LOGS[log] * 3, bundle, 7)) for log in ("nginx", "haproxy", "app") for bundle in BUNDLES.values()]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(_CUT), st.booleans(), st.lists(st.integers(1, 4000), min_size=1, max_size=20))
def test_cutting_a_bundled_log_anywhere_changes_no_count(
    sample: tuple[str, bytes], auto: bool, sizes: list[int]
) -> None:
    """Lines, candidates, failures, unrecognized: as if it had been read whole."""
    format_name, log = ("auto", sample[1]) if auto else sample
    cuts = itertools.chain(sizes, itertools.repeat(max(sizes) + 500))
    assert read_in_blocks(format_name, log, cuts) == read_whole(format_name, log)


@pytest.mark.parametrize("bundle", [otlp, decoded, subscription, loki], ids=["otlp", "decoded", "awslogs", "loki"])
def test_a_record_without_a_time_has_its_bundles(bundle: object) -> None:
    """To the sender's own resolution; the block's first and last time are the bundle's too."""
    reading = read(bundle([UNTIMED, "all is well"]))  # type: ignore[operator]
    (failure,) = reading.failures
    assert failure.time == pytest.approx(NANOSECONDS / 1e9 if bundle in (otlp, loki) else MILLISECONDS / 1e3, abs=1e-6)
    assert reading.first_time == reading.last_time == failure.time


def test_an_event_hub_holds_records_that_are_read_as_they_stand() -> None:
    """Byte for byte, each with its own time."""
    record = (
        '{"time": "2026-11-20T23:42:22Z", "category": "ApplicationGatewayAccessLog", "properties": {"clientIP": '
        '"192.0.2.7", "httpStatus": 502, "error_info": "ERRORINFO_UPSTREAM_CERTIFICATE_EXPIRED"}}'
    )
    bundle = unpack(f'{{"records": [{record}, {record}]}}'.encode(), Budget())
    assert bundle is not None
    assert (bundle.name, [item.text.decode() for item in bundle.items]) == ("event_hubs", [record, record])


def test_a_splunk_event_is_peeled_with_its_time() -> None:
    """A text or an object; other JSON with an event stays what it is."""
    failure = one(json.dumps({"time": 1795218142.5, "host": "h", "sourcetype": "x", "event": UNTIMED}))
    assert (failure.time, failure.reason, failure.raw) == (1795218142.5, "expired", UNTIMED.encode())
    own = json.dumps({"event": UNTIMED, "level": "error", "timestamp": "2026-11-20T23:42:22Z"})
    assert one(own).raw == own.encode()


def test_an_otlp_trace_in_the_attributes_is_part_of_the_record() -> None:
    """Java agents put the exception there, the body only says that a call failed."""
    trace = "javax.net.ssl.SSLHandshakeException: PKIX path building failed\n\tat java.base/sun.security.ssl.Alert"
    record = {
        "timeUnixNano": str(NANOSECONDS),
        "body": {"stringValue": "call failed"},
        "attributes": [{"key": "exception.stacktrace", "value": {"stringValue": trace}}],
    }
    failure = one(json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}))
    assert (failure.reason, failure.raw) == ("unknown_issuer", f"call failed\n{trace}".encode())


def test_an_otlp_body_of_keys_and_values_is_read_as_json() -> None:
    """``kvlistValue`` is what a JSON log becomes in a collector."""
    pairs = {"level": "error", "msg": "dial failed", "error": "x509: certificate has expired or is not yet valid"}
    values = [{"key": key, "value": {"stringValue": value}} for key, value in pairs.items()]
    record = {"timeUnixNano": str(NANOSECONDS), "body": {"kvlistValue": {"values": values}}}
    failure = one(json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}))
    alone = one(json.dumps(pairs))
    assert (failure.reason, failure.format, json.loads(failure.raw)) == (alone.reason, alone.format, pairs)


def test_journald_byte_arrays_are_read_inside_other_envelopes() -> None:
    """In CRI and in Docker's JSON, where their quotes are escaped."""
    entry = journald_bytes(UNTIMED + " \xff")
    for line in (
        entry,
        "2026-11-20T23:42:22.1Z stdout F " + entry,
        json.dumps({"log": entry + "\n", "stream": "stdout", "time": "2026-11-20T23:42:22.1Z"}),
    ):
        assert one(line).reason == "expired"


def test_a_control_message_is_silent() -> None:
    """AWS sends one to see whether the destination is there."""
    text = json.dumps({"messageType": "CONTROL_MESSAGE", "logEvents": [{"timestamp": 1, "message": UNTIMED}]})
    assert read(text).failures == read(json.dumps({"awslogs": {"data": packed(text)}})).failures == []


@pytest.mark.parametrize(
    "data",
    ["!!!", base64.b64encode(gzip.compress(b"x" * 99)[:-9]).decode(), base64.b64encode(b"\x1f\x8b\x08no").decode()],
    ids=["no base64", "cut off", "no gzip"],
)
def test_what_can_not_be_unpacked_is_counted_as_unrecognized(data: str) -> None:
    """Never silent, never an error."""
    reading = read(json.dumps({"awslogs": {"data": data}}) + "\n" + subscription([UNTIMED]))
    assert (reading.unrecognized, len(reading.failures), reading.lines) == (1, 1, 2)


def test_a_gzip_bomb_is_cut_off() -> None:
    """By ratio and by size; it takes no longer than any other line."""
    bomb = base64.b64encode(gzip.compress(b"\0" * (100 << 20))).decode()
    budget = Budget()
    began = time.perf_counter()
    bundle = unpack(json.dumps({"awslogs": {"data": bomb}}).encode(), budget)
    assert bundle is not None
    assert bundle.damaged
    assert sum(len(item.text) for item in bundle.items) <= MOST_BYTES
    assert budget.bytes == 0
    assert time.perf_counter() - began < 1.0


def test_many_records_in_one_line_are_bounded() -> None:
    """What is beyond the bound is said, not hidden."""
    bundle = unpack(b"[" + b",".join([b"{}"] * (MOST_ITEMS + 5)) + b"]", Budget())
    assert bundle is not None
    assert (len(bundle.items), bundle.damaged) == (MOST_ITEMS, True)


def test_many_bombs_in_one_line_are_bounded_together() -> None:
    """Each small enough for itself; so many records take no memory either."""
    lines = base64.b64encode(gzip.compress(b"x\n" * 30_000)).decode()
    text = json.dumps({"requestId": "a", "records": [{"data": lines}] * 2_000}).encode()
    began = time.perf_counter()
    bundle = unpack(text, Budget())
    assert bundle is not None
    assert (len(bundle.items), bundle.damaged) == (MOST_ITEMS, True)
    assert time.perf_counter() - began < 1.0


def test_plain_logs_are_no_bundles() -> None:
    """They take the quick way."""
    for log in (*LOGS.values(), b'{"level":"info","msg":"3 records written"}\n', b'{"records": 3}\n'):
        assert not may_hold(log, len(log))


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([bundle(NGINX.decode().splitlines()[:3]).encode() for bundle in BUNDLES.values()]),
    st.integers(0, 4000),
    st.binary(max_size=6),
    st.booleans(),
)
def test_damaged_bundles_raise_nothing(line: bytes, at: int, put: bytes, cut: bool) -> None:
    """Cut anywhere, or with any bytes put in."""
    at %= len(line)
    read(line[:at] + put + (b"" if cut else line[at + len(put) :]))


_KEYS = [
    *("resourceLogs", "scopeLogs", "logRecords", "body", "kvlistValue", "values", "attributes", "key", "value"),
    *("streams", "stream", "records", "Records", "kinesis", "data", "awslogs", "messageType", "logEvents", "message"),
    *("timestamp", "timeUnixNano", "category"),
]


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(_KEYS),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_any_json_with_a_bundles_keys_raises_nothing(document: object) -> None:
    """Values of wrong kinds are passed over."""
    for text in (document, {"resourceLogs": document}, {"streams": document}, {"records": document}, [document]):
        read(json.dumps(text))
        unpack(json.dumps(text).encode(), Budget())
