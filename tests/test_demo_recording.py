"""The recording that ships: what it holds is found, and its times move as a whole."""

import doctest
import json
from pathlib import Path

import pytest

from service.demo import recording
from service.demo.recording import FOLDER, STREAMS, load, shifted
from service.scan import ScanStream, scan
from service.times import parse

HOPS_FORMATS = {"edge": "nginx", "lb": "haproxy", "ingress": "nginx", "app": "app"}


@pytest.mark.parametrize("named", [True, False], ids=["formats named", "auto"])
def test_a_scan_of_the_recording_blames_the_load_balancers_expired_certificate(named: bool) -> None:
    """One incident: lb first within two seconds of the truth, fix at lb, edge and app in it, ingress cleared."""
    result = scan(
        [
            ScanStream(
                name,
                name,
                HOPS_FORMATS[name] if named else "auto",
                [str(FOLDER / f"{name}.log")],
                follows=["lb"] if name == "app" else [],
            )
            for name in STREAMS
        ]
    )
    truth = json.loads((FOLDER / "truth.json").read_text())
    (incident,) = result.incidents
    first, verdict = incident["first"], incident["verdict"]
    assert (first["stream"], first["hop"], first["host"]) == ("lb", "lb", truth["origin"]["host"])
    assert parse(first["onset"], 0.0) == pytest.approx(parse(truth["events"][0]["at"], 0.0), abs=2.0)
    assert verdict["fix_at"] == "lb"
    assert {(spike["stream"], spike["family"], spike["reason"]) for spike in incident["spikes"]} == {
        (stream, "certificate", "expired") for stream in ("edge", "lb", "app")
    }
    assert [cleared["stream"] for cleared in verdict["cleared"]] == ["ingress"]
    assert all(found.counts.unrecognized == 0 for found in result.streams.values())


@pytest.mark.parametrize(
    ("line", "moved"),
    [
        (b"2026/11/20 23:59:58 [info] 7#7: *1 x", b"2026/11/21 00:00:03 [info] 7#7: *1 x"),
        (
            b'192.0.2.1 - - [20/Nov/2026:23:59:58 +0000] "GET / HTTP/1.1" 200',
            b'192.0.2.1 - - [21/Nov/2026:00:00:03 +0000] "GET / HTTP/1.1" 200',
        ),
        (
            b"Nov 30 23:59:58 lb1 haproxy[7]: 192.0.2.1:7 [30/Nov/2026:23:59:57.999] fe~ x",
            b"Dec  1 00:00:03 lb1 haproxy[7]: 192.0.2.1:7 [01/Dec/2026:00:00:02.999] fe~ x",
        ),
        (b"2026-12-31 23:59:58,123 ERROR [orders.sync] x", b"2027-01-01 00:00:03,123 ERROR [orders.sync] x"),
        (b"2026-11-20 23:59:58,1 x\nnot 2026/11/20 23:59:58", b"2026-11-20 23:59:58,1 x\nnot 2026/11/20 23:59:58"),
    ],
)
def test_every_layout_moves_by_whole_seconds_and_nothing_else_changes(line: bytes, moved: bytes) -> None:
    """Fractions stay, days and years turn, syslog pads its day with a space."""
    assert shifted(line, 5, 2026) == moved


def test_a_leap_day_without_a_year_is_read() -> None:
    """29 February is no day of 1900, strptime's default."""
    assert shifted(b"Feb 29 12:00:00 lb1 haproxy[7]: x", 86_400, 2028) == b"Mar  1 12:00:00 lb1 haproxy[7]: x"


def test_a_trace_stays_below_its_head_line(tmp_path: Path) -> None:
    """Lines without a time belong to the record before; records come in the order of time over all streams."""
    for stream in STREAMS:
        (tmp_path / f"{stream}.log").write_bytes(b"")
    trace = b"2026-11-20 10:00:02,500 ERROR [x] failed\nTraceback (most recent call last):\nssl.SSLError: no\n"
    (tmp_path / "app.log").write_bytes(b"2026-11-20 10:00:00,000 INFO [x] up\n" + trace)
    (tmp_path / "edge.log").write_bytes(b"2026/11/20 10:00:01 [notice] 7#7: up\n")
    (tmp_path / "truth.json").write_text('{"recorded": "2026-11-20"}')
    read = load(tmp_path)
    assert [(entry.stream, entry.at - read.start) for entry in read.entries] == [
        ("app", 0.0),
        ("edge", 1.0),
        ("app", 2.5),
    ]
    assert read.entries[2].text == trace


def test_nothing_of_the_recording_is_lost_in_a_replay() -> None:
    """A shift by nothing gives the files byte for byte."""
    read = load()
    for stream in STREAMS:
        again = b"".join(shifted(entry.text, 0, 2026) for entry in read.entries if entry.stream == stream)
        assert again == (FOLDER / f"{stream}.log").read_bytes()


def test_the_examples_in_the_module_are_true() -> None:
    """Its doctests."""
    assert doctest.testmod(recording).failed == 0
