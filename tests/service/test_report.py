"""An incident as Markdown: everything in it, and nothing that hostile text could turn into something else."""

from typing import Any

from service.report import code, markdown, text

INCIDENT: dict[str, Any] = {
    "id": "20261120T234222Z-31e6fdbc",
    "revision": 2,
    "state": "open",
    "merged_into": None,
    "started_at": "2026-11-20T23:42:22Z",
    "detected_at": "2026-11-20T23:42:25Z",
    "resolved_at": None,
    "first": {
        "stream": "lb",
        "hop": "lb",
        "host": "api.shop.example",
        "onset": "2026-11-20T23:42:22Z",
        "onset_between": ["2026-11-20T23:42:21Z", "2026-11-20T23:42:22Z"],
        "confidence": 0.97,
        "tie_with": ["edge"],
    },
    "hosts": ["api.shop.example"],
    "failures": 876,
    "peers": 2,
    "peers_estimated": True,
    "spikes": [
        {
            "stream": "edge", "hop": "edge", "host": None, "direction": "upstream", "family": "certificate",
            "reason": "expired", "onset": "2026-11-20T23:42:23Z", "detected_at": "2026-11-20T23:42:26Z",
            "ended_at": None, "failures": 303, "peers": 1, "peak_per_second": 4.0, "baseline_per_second": 0.1,
        },
        {
            "stream": "lb", "hop": "lb", "host": "api.shop.example", "direction": "downstream",
            "family": "certificate", "reason": "expired", "onset": "2026-11-20T23:42:22Z",
            "detected_at": "2026-11-20T23:42:25Z", "ended_at": "2026-11-20T23:45:00Z", "failures": 159, "peers": 2,
            "peak_per_second": 2.5, "baseline_per_second": 0.0,
        },
    ],
    "verdict": {
        "summary": "lb serves an expired certificate",
        "leg": "client -> lb",
        "fix_at": "lb",
        "confidence": 0.9,
        "provisional": True,
        "because": ["edge rejects it, lb is told so"],
        "steps": ["date -u  # a clock"],
        "cleared": [{"stream": "mesh", "why": "12 failures, as always"}],
        "unseen": [{"stream": "ingress", "why": "silent"}],
    },
    "evidence": [{"time": "2026-11-20T23:42:22Z", "stream": "lb", "raw": "SSL handshake failure ```\n# not a title"}],
}  # fmt: skip


REPORT = """\
# TLS incident 20261120T234222Z-31e6fdbc

**lb serves an expired certificate**

| | |
| --- | --- |
| State | open, revision 2 |
| First to fail | lb (hop lb), host api.shop.example |
| Onset | 2026-11-20T23:42:22Z (between 2026-11-20T23:42:21Z and 2026-11-20T23:42:22Z) |
| In a tie with | edge |
| Detected | 2026-11-20T23:42:25Z |
| Resolved | not yet |
| Hosts | api.shop.example |
| Failures | 876 from about 2 peers |
| Broken leg | client -> lb |
| Fix at | lb |
| Sure | 90%, provisional |

## Order of onsets

| onset | stream | host | leg | reason | failures | peak/s | ended |
| --- | --- | --- | --- | --- | ---: | ---: | --- |
| 2026-11-20T23:42:22Z | lb | api.shop.example | downstream | certificate/expired | 159 | 2.5 | 2026-11-20T23:45:00Z |
| 2026-11-20T23:42:23Z | edge | - | upstream | certificate/expired | 303 | 4.0 | still on |

## Why we think so

- edge rejects it, lb is told so

## What to do next

1. `date -u # a clock`

## Cleared: had traffic and no change, do not restart these

- mesh: 12 failures, as always

## Not seen: silent, late, or logging too little

- ingress: silent

## Evidence

````text
# 2026-11-20T23:42:22Z lb
SSL handshake failure ```
# not a title
````
"""


def test_a_report_tells_the_whole_incident() -> None:
    assert markdown(INCIDENT) == REPORT


def test_hostile_text_stays_text() -> None:
    """No link, image, HTML, table cell, heading or fence comes out of a log."""
    evil = "<script>x</script> ![i](http://evil.example/a) | `x` www.evil.example\n# title\x1b[31m"
    hostile = INCIDENT | {
        "hosts": [evil],
        "verdict": {"summary": evil, "because": [evil], "steps": [evil], "cleared": [{"stream": evil, "why": evil}]},
        "evidence": [{"raw": evil}],
    }
    page = markdown(hostile)
    prose = page.split("## What to do next")[0] + page.split("## Cleared")[1].split("## Evidence")[0]
    safe = "\\<script>x\\</script> !\\[i\\](http\\://evil.example/a) \\| \\`x\\` www\\.evil.example \\# title \\[31m"
    assert prose.count(safe) == 5
    assert "evil" not in prose.replace(safe, "")
    assert "1. `` <script>x</script> ![i](http://evil.example/a) | `x` www.evil.example # title [31m ``\n" in page
    assert "\x1b" not in page


def test_what_is_missing_is_a_dash_not_a_crash() -> None:
    """An older or newer service may answer with less."""
    assert markdown({}).startswith("# TLS incident -\n\n**No verdict yet**\n")
    assert markdown({"verdict": 3, "first": [], "spikes": "x", "evidence": [None]}).startswith("# TLS incident -\n")


def test_text_is_bounded_and_on_one_line() -> None:
    assert text("a\nb\tc") == "a b c"
    assert len(text("x" * 10_000)) == 500


def test_code_is_fenced_past_its_own_backticks() -> None:
    assert code("date -u") == "`date -u`"
    assert code("a `` b") == "``` a `` b ```"
