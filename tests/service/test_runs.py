"""Failures of one moment and key are handled together, and nothing of what they tell is lost by that."""

from parsers.failure import Failure
from parsers.reader import Reader
from parsers.record import Settings
from service.runs import runs

STORM = (
    "2026/11/20 10:00:00 [info] 7#7: *{} SSL_do_handshake() failed (SSL: error:0A000418:SSL routines::tlsv1 alert unknown"
    " ca:SSL alert number 48) while SSL handshaking, client: 192.0.2.{}, server: 0.0.0.0:443\n"
)


def failure(time: float | None, peer: str | None, count: int = 1, others: dict[str, int] | None = None) -> Failure:
    return Failure(time, "downstream", "expired", "peer", "a.example", peer, count=count, other_peers=others)


def test_each_peer_keeps_its_own_count() -> None:
    """Ports are left off; what one Failure tells of others is added; failures without a peer are counted all the same."""
    (run,) = runs(
        [
            failure(5.0, "192.0.2.1:1000"),
            failure(5.0, "192.0.2.1:1001"),
            failure(5.0, "192.0.2.2", count=4, others={"192.0.2.1:7": 1, "192.0.2.3": 2}),
            failure(5.0, None),
        ]
    )
    assert run.failures == 7
    assert run.by_peer == {"192.0.2.1": 3, "192.0.2.2": 1, "192.0.2.3": 2}
    assert run.peers == {"192.0.2.1", "192.0.2.2", "192.0.2.3"}


def test_another_time_is_another_run_and_no_time_is_none() -> None:
    assert [
        (run.time, run.failures) for run in runs([failure(1.0, None), failure(None, None), failure(2.0, None)])
    ] == [
        (1.0, 1),
        (2.0, 1),
    ]


def test_a_storm_that_is_read_in_one_go_counts_each_client_exactly() -> None:
    log = "".join(STORM.format(number, number % 3) for number in range(2000)).encode()
    (run,) = runs(Reader("nginx", Settings()).read(log, final=True).failures)
    assert run.by_peer == {"192.0.2.0": 667, "192.0.2.1": 667, "192.0.2.2": 666}
