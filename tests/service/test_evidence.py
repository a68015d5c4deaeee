"""Which failures are kept word for word, and in what shape."""

import time

from hypothesis import given
from hypothesis import strategies as st

from parsers.failure import Failure
from service.evidence import EvidenceKeeper, bounded, document, evidence


def failure(at: float | None = 1_795_218_142.25, host: str | None = "api.shop.example", **fields: object) -> Failure:
    return Failure(time=at, direction="downstream", reason="expired", rejected_by="peer", host=host, **fields)  # type: ignore[arg-type]


def test_a_document_is_the_contracts_failure() -> None:
    """Every field, decoded, masked, in UTC with milliseconds."""
    kept = failure(
        message=b"certificate has\n expired?token=abc",
        raw=b"GET /?token=abc \x1b[1m certificate has expired",
        peer="192.0.2.9:51000",
        alert=45,
        format="nginx",
    )
    assert document(kept, stream="edge", hop="edge") == {
        "time": "2026-11-20T23:42:22.250Z",
        "stream": "edge",
        "hop": "edge",
        "host": "api.shop.example",
        "sni_sent": None,
        "peer": "192.0.2.9:51000",
        "direction": "downstream",
        "family": "certificate",
        "reason": "expired",
        "rejected_by": "peer",
        "protocol": None,
        "cipher": None,
        "alert": 45,
        "code": None,
        "message": "certificate has expired?token=***",
        "raw": "GET /?token=*** \\x1b[1m certificate has expired",
        "format": "nginx",
    }


def test_with_raw_off_no_raw_text_is_kept() -> None:
    """Not even a masked one."""
    assert document(failure(raw=b"text"), stream="edge", hop="edge", raw=False)["raw"] is None


def test_message_and_raw_are_bounded() -> None:
    """500 characters of message, 4 KiB of raw."""
    shown = document(failure(message=b"m" * 9_000, raw=b"r" * 9_000), stream="edge", hop="edge")
    assert (shown["message"], shown["raw"]) == ("m" * 499 + "…", "r" * 4_095 + "…")
    assert bounded("abc", 3) == "abc"


def test_a_failure_without_a_time_stands_at_its_arrival_and_says_null() -> None:
    """The document tells what the record told."""
    kept = evidence(failure(at=None), stream="edge", hop="edge", arrived=120.5)
    assert (kept.time, kept.document["time"]) == (120.5, None)


@given(st.binary(max_size=200), st.binary(max_size=200), st.text(max_size=50), st.floats())
def test_any_bytes_make_a_document(message: bytes, raw: bytes, code: str, at: float) -> None:
    """Hostile text never raises and never spans lines in the message."""
    shown = document(failure(at=at, message=message, raw=raw, code=code), stream="edge", hop="edge")
    assert "\n" not in shown["message"]
    assert len(shown["time"]) == 24


def test_the_first_failures_of_each_key_and_minute_are_kept() -> None:
    """Five a minute of event time; another host or minute has its own five."""
    keeper = EvidenceKeeper(per_minute=5)
    times = [float(second % 120) for second in range(600)]
    chosen = [keeper.wants(failure(at=at), arrived=0.0) for at in times]
    assert chosen == [True] * 5 + [False] * 55 + [True] * 5 + [False] * 535
    assert keeper.wants(failure(at=0.0, host=None), arrived=0.0)


def test_the_choice_depends_on_nothing_but_the_failures() -> None:
    """Two keepers that see the same failures keep the same, whatever the arrival times."""
    seen = [failure(at=at * 0.7) for at in range(1_000)]
    one, two = EvidenceKeeper(), EvidenceKeeper()
    assert [one.wants(each, arrived=1.0) for each in seen] == [two.wants(each, arrived=2.0) for each in seen]


def test_a_million_hosts_cost_bounded_memory() -> None:
    """Beyond its bound the keeper forgets the oldest keys; a minute keeps 500 records whatever their names."""
    keeper = EvidenceKeeper(most_keys=1_000)
    chosen = [keeper.wants(failure(at=n // 1_000 * 60.0, host=f"h{n}.example"), arrived=0.0) for n in range(5_000)]
    assert chosen == ([True] * 500 + [False] * 500) * 5
    assert len(keeper._kept) <= 1_000


def test_a_storm_costs_a_look_up_each() -> None:
    """100,000 failures of one key in well under half a second of CPU."""
    keeper, one = EvidenceKeeper(), failure()
    started = time.process_time()
    assert sum(keeper.wants(one, 0.0) for _ in range(100_000)) == 5
    assert time.process_time() - started < 0.5
