"""What the formats of AWS, CloudFront, Cloudflare, Google Cloud and Azure have in common."""

import json
from collections.abc import Callable

import pytest
from sample_files import Sample, read, samples

from parsers import registry, screen
from parsers.failure import Failure
from parsers.formats import aws_fields
from parsers.reader import Reader
from parsers.record import Settings

CLOUDS = ("aws_alb", "aws_alb_connection", "aws_nlb", "aws_clb", "cloudfront", "cloudflare", "gcp_lb", "azure_appgw")
ALL = [(name, sample.values[0]) for name in CLOUDS for sample in samples(name)]
CONNECTION = b"2023-10-04T17:05:15.514108Z 203.0.113.1 36280 443 - - - - - - Failed:UnmappedConnectionError TID_1"
NLB = (
    b"tls 2.0 2018-12-20T02:59:40 net/shop/c6e77e28c25b2234 g3d4b5e8bb8464cd 203.0.113.7:51341 192.0.2.185:443 5 - 0 0 48"
    b" arn:aws:acm:x - - - - %b - - - 2018-12-20T02:59:30"
)


@pytest.mark.parametrize(("name", "sample"), ALL)
def test_every_sample_states_its_origin(name: str, sample: Sample) -> None:
    """None of these was recorded here: they are a vendor's own examples and codes, or a standard's."""
    assert sample.origin.startswith(("from: vendor-doc: ", "from: source: "))


@pytest.mark.parametrize(("name", "sample"), ALL)
def test_the_clock_of_a_log_is_that_of_its_records(name: str, sample: Sample) -> None:
    """A healthy stream's time advances too, and never by a certificate's validity."""
    reading = Reader(name, Settings()).read(sample.text + b"\n", final=True)
    found = read(name, sample.text)
    if isinstance(found, Failure) and found.time is not None and sample.text[2:3] != b":":
        assert reading.first_time == pytest.approx(found.time, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "line", "time"),
    [
        ("cloudfront", b"2019-12-04\t21:02:31\tLAX1\t392\t192.0.2.24\tGET\td.cloudfront.net\t/\t200", 1575493351.0),
        ("cloudfront", b'{"date":"2019-12-04","time":"21:02:31","x-edge-location":"LAX1"}', 1575493351.0),
        ("cloudflare", b'{"ClientIP":"203.0.113.4","EdgeResponseStatus":200,"EdgeStartTimestamp":1795169702}', 1795169702.0),
        ("cloudflare", b'{"EdgeResponseStatus":200,"EdgeStartTimestamp":1795169702000000000}', 1795169702.0),
    ],
)  # fmt: skip
def test_a_healthy_record_tells_the_time(name: str, line: bytes, time: float) -> None:
    """Whatever way it is written."""
    assert Reader(name, Settings()).read(line + b"\n", final=True).last_time == time


HEALTHY = ("example entry", "no TLS in it")


@pytest.mark.parametrize(("name", "sample"), ALL)
def test_a_healthy_record_is_not_even_looked_at(name: str, sample: Sample) -> None:
    """The screen's triggers say more than "a load balancer wrote this"."""
    if sample.expected is None and sample.origin.endswith(HEALTHY):
        assert screen.load().hits(sample.text) == []


def test_a_listener_of_a_connection_log_gets_its_name_from_the_settings() -> None:
    """By its port, or by the load balancer's id where the record holds it."""
    for listener in ("443", "0.0.0.0:443"):
        found = read("aws_alb_connection", CONNECTION, Settings(hosts={listener: "Shop.example"}))
        assert isinstance(found, Failure)
        assert found.host == "shop.example"
    text = CONNECTION + b" - app/shop/50dc6c495c0c9188 192.0.2.40"
    found = read("aws_alb_connection", text, Settings(hosts={"app/shop/50dc6c495c0c9188": "pay.example"}))
    assert isinstance(found, Failure)
    assert found.host == "pay.example"


def test_a_name_that_was_asked_for_comes_before_the_listeners() -> None:
    """``hosts`` counts only where the record holds no name."""
    settings = Settings(hosts={"g3d4b5e8bb8464cd": "listener.example"})
    for asked, host in ((b"asked.example", "asked.example"), (b"-", "listener.example")):
        found = read("aws_nlb", NLB % asked, settings)
        assert isinstance(found, Failure)
        assert found.host == host


def test_times_of_load_balancers_are_utc_whatever_the_streams_zone() -> None:
    """The NLB writes no zone, and means UTC."""
    found = read("aws_nlb", NLB % b"-", Settings(zone="Asia/Tokyo"))
    assert isinstance(found, Failure)
    assert found.time == 1545274780.0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "aws_alb_connection",
            CONNECTION.partition(b" - ")[0] + b' TLSv1.2 - - "CN=Failed:ClientCertExpired" NotBefore=2023-09',
        ),
        ("aws_nlb", NLB.partition(b" arn:")[0]),
    ],
)
def test_a_record_that_is_cut_off_is_counted_as_unrecognized(name: str, text: bytes) -> None:
    """The texts are there, the fields are not."""
    reading = Reader(name, Settings()).read(text + b"\n", final=True)
    assert (reading.failures, reading.unrecognized) == ([], 1)


@pytest.mark.parametrize(
    "document",
    [
        {"level": "error", "headers": {"X-Azure-FDID": "FrontDoor FRONTDOORS/"}, "distributionId": "E1"},
        {"level": "error", "command": {"connectionStatus": 1}, "resource": "app_load_balancer"},
        {"level": "error", "tls_handshake_time": 5, "statusDetails": "x", "error_info": "none"},
    ],
)
def test_a_programs_own_json_is_not_taken_for_a_clouds(document: dict[str, object]) -> None:
    """A failure in it is found by ``auto`` as before."""
    text = json.dumps({"time": "2026-11-20T10:15:02Z", **document, "msg": "x509: certificate has expired"}).encode()
    assert [name for name in CLOUDS if registry.get(name).claims(text)] == []
    found = read("auto", text, Settings(hop="app"))
    assert isinstance(found, Failure)
    assert (found.format, found.reason) == ("app", "expired")


@pytest.mark.parametrize(("name", "sample"), ALL)
def test_a_shippers_envelope_changes_nothing(name: str, sample: Sample) -> None:
    """The same record as Fluent Bit or Vector carries it."""
    plain = read(name, sample.text)
    wrapped = {"message": sample.text.decode(), "source_type": "aws_s3", "timestamp": "2026-11-21T00:00:00Z"}
    found = read(name, json.dumps(wrapped).encode())
    assert type(found) is type(plain)
    if isinstance(plain, Failure) and isinstance(found, Failure):
        assert (found.reason, found.host, found.peer) == (plain.reason, plain.host, plain.peer)
        assert found.time == plain.time


def test_quoted_fields_may_hold_quotes_and_blanks() -> None:
    """ALBs write a quote as ``\\x22`` or ``\\"``; one that never closes takes the rest."""
    text = rb'a "b \"c\" d" "" "e\\" f "g h'
    assert aws_fields.columns(text) == [b"a", rb"b \"c\" d", b"", rb"e\\", b"f", b"g h"]


HOSTILE: dict[str, Callable[[int], bytes]] = {
    "quotes": lambda size: b'"' * size,
    "escaped quotes": lambda size: b'"' + b'\\"' * (size // 2),
    "blanks": lambda size: b" " * size,
    "tabs": lambda size: b"\t" * size,
    "dots": lambda size: b"a." * (size // 2),
}


@pytest.mark.parametrize("name", ["aws_alb_connection", "aws_nlb", "cloudfront"])
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_megabyte_of_anything_raises_nothing(name: str, kind: str) -> None:
    """And ends soon: every pattern is linear, every field bounded."""
    filling = HOSTILE[kind](1 << 20)
    heads = (CONNECTION[:60], NLB[:100], b"2019-12-04\t21:02:31\tLAX1\tOriginConnectError\t502\t")
    for head in heads:
        Reader(name, Settings()).read(head + filling + b" Failed:ClientCertExpired OriginConnectError\n", final=True)


def test_a_place_for_a_field_never_reaches_into_the_next_line() -> None:
    """``¤`` of the lexicon is a run of characters that are neither blank nor newline."""
    fields = NLB.split(b" ")
    for at in range(3, 9):
        text = b" ".join(fields[:at]) + b"\n" + b" ".join(fields[at:])
        assert screen.load().hits(text) == []
    assert len(screen.load().hits(NLB)) == 1
