"""``scan`` tells what a live service would have told, in event time, and nothing that is not there."""

import gzip
from pathlib import Path

from service.scan import ScanStream, scan
from service.times import parse

LINE = (
    "2026/11/20 10:{:02}:{:02} [error] 7#7: *1 upstream SSL certificate verify error: (10:certificate has expired)"
    " while SSL handshaking to upstream, client: 192.0.2.8, server: www.shop.example,"
    ' request: "GET / HTTP/1.1", upstream: "https://198.51.100.7:443/", host: "www.shop.example"\n'
)
QUIET = '192.0.2.1 - - [20/Nov/2026:10:{:02}:{:02} +0000] "GET /ssl/handshake/expired HTTP/1.1" 200 3 "-" "-"\n'


def log(failing: range, seconds: int = 600) -> str:
    lines = []
    for second in range(seconds):
        lines.append(QUIET.format(second // 60, second % 60))
        if second in failing:
            lines.append(LINE.format(second // 60, second % 60))
    return "".join(lines)


def test_an_incident_is_already_there_at_the_moment_it_says_it_was_detected(tmp_path: Path) -> None:
    """Cut the log at ``detected_at``: the incident must be in it."""
    whole = log(range(300, 360))
    (tmp_path / "edge.log").write_text(whole)
    (incident,) = scan([ScanStream("edge", "edge", paths=[str(tmp_path / "edge.log")])]).incidents
    detected = parse(incident["detected_at"], 0.0)
    start = parse("2026-11-20T10:00:00Z", 0.0)
    lines = whole.splitlines(keepends=True)
    kept = [line for line in lines if _second(line) <= detected - start]
    (tmp_path / "cut.log").write_text("".join(kept))
    (cut,) = scan([ScanStream("edge", "edge", paths=[str(tmp_path / "cut.log")])]).incidents
    assert (cut["id"], cut["detected_at"], cut["first"]["onset"]) == (
        incident["id"],
        incident["detected_at"],
        incident["first"]["onset"],
    )
    (tmp_path / "before.log").write_text("".join(line for line in kept if _second(line) < detected - start))
    assert scan([ScanStream("edge", "edge", paths=[str(tmp_path / "before.log")])]).incidents == []


def _second(line: str) -> int:
    at = line.index("10:") if line.startswith("2026") else line.index(":10:") + 1
    return int(line[at + 3 : at + 5]) * 60 + int(line[at + 6 : at + 8])


def test_several_files_of_one_stream_are_one_log_in_the_order_of_time(tmp_path: Path) -> None:
    """A rotated, compressed half and the present one give what the whole log gives."""
    text = log(range(280, 330))
    middle = text.index("10:05:00 ") - len("2026/11/20 ")
    middle = text.rindex("\n", 0, middle) + 1
    (tmp_path / "whole.log").write_text(text)
    (tmp_path / "edge.log").write_text(text[middle:])
    with gzip.open(tmp_path / "edge.log.1.gz", "wt") as old:
        old.write(text[:middle])
    (whole,) = scan([ScanStream("edge", "edge", paths=[str(tmp_path / "whole.log")])]).incidents
    files = [str(tmp_path / "edge.log"), str(tmp_path / "edge.log.1.gz")]
    (parts,) = scan([ScanStream("edge", "edge", paths=files)]).incidents
    assert parts == whole


def test_a_clock_known_to_be_ahead_is_set_right(tmp_path: Path) -> None:
    (tmp_path / "edge.log").write_text(log(range(300, 360)))
    paths = [str(tmp_path / "edge.log")]
    (incident,) = scan([ScanStream("edge", "edge", paths=paths, clock_offset_seconds=90.0)]).incidents
    assert incident["first"]["onset"] == "2026-11-20T10:03:30.000Z"


def test_a_file_that_cannot_be_read_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "edge.log").write_text(log(range(300, 360)))
    result = scan(
        [
            ScanStream("edge", "edge", paths=[str(tmp_path / "edge.log")]),
            ScanStream("lb", "lb", paths=[str(tmp_path / "gone.log")]),
        ]
    )
    assert len(result.incidents) == 1
    assert "gone.log" in result.streams["lb"].errors[0]


def test_words_in_urls_are_no_failures(tmp_path: Path) -> None:
    (tmp_path / "edge.log").write_text(log(range(0)))
    result = scan([ScanStream("edge", "edge", paths=[str(tmp_path / "edge.log")])])
    assert result.to_json() == {
        "streams": {"edge": {"lines": 600, "candidates": 0, "failures": 0, "unrecognized": 0}},
        "incidents": [],
    }


def test_failures_without_any_time_are_counted_and_raise_nothing(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_text("curl: (60) SSL certificate problem: certificate has expired\n" * 30)
    result = scan([ScanStream("app", "app", paths=[str(tmp_path / "app.log")])])
    assert (result.streams["app"].counts.failures, result.streams["app"].untimed) == (30, 30)
    assert result.incidents == []


def test_a_failure_told_by_both_logs_of_one_server_counts_once(tmp_path: Path) -> None:
    """nginx refuses a client without a certificate: its error log says so, its access log shows 496. A bare 400 never counts."""
    error = (
        "2026/11/20 10:00:{:02} [info] 7#7: *{} client sent no required SSL certificate while reading client request"
        ' headers, client: 192.0.2.{}, server: api.shop.example, request: "GET / HTTP/1.1", host: "api.shop.example"\n'
    )
    access = (
        '{{"time":"2026-11-20T10:00:{:02}+00:00","remote_addr":"192.0.2.{}","host":"api.shop.example",'
        '"request":"GET / HTTP/1.1","status":{},"ssl_client_verify":"{}"}}\n'
    )
    (tmp_path / "error.log").write_text("".join(error.format(second, second, second % 7) for second in range(20)))
    told = [access.format(second, second % 7, 496, "NONE") for second in range(20)]
    alone = [access.format(40 + second, 9, 400, "FAILED:certificate has expired") for second in range(3)]
    bare = [access.format(50, 9, 400, "NONE"), access.format(51, 9, 200, "SUCCESS")]
    (tmp_path / "access.log").write_text("".join(told + alone + bare))
    for paths in (["error.log", "access.log"], ["access.log", "error.log"]):
        result = scan([ScanStream("edge", "edge", format="nginx", paths=[str(tmp_path / path) for path in paths])])
        assert result.streams["edge"].counts.failures == 23
