"""The detector raises a spike when a key leaves its own normal, says when that began, and ends it by a stated rule."""

import random

import pytest

from parsers.failure import Failure
from service.detector import Detector, DetectorOptions, Spike
from service.runs import runs

OPTIONS = DetectorOptions()


def failure(time: float, reason: str = "expired", host: str | None = "a.example", leg: str = "upstream") -> Failure:
    return Failure(time, leg, reason, "local", host, "192.0.2.1:443", resolution=0.001)  # type: ignore[arg-type]


def every(gap: float, start: float, end: float, **key: str) -> list[Failure]:
    return [failure(start + index * gap, **key) for index in range(int((end - start) / gap))]  # type: ignore[arg-type]


def run(failures: list[Failure], until: float, start: float = 0.0) -> list[Spike]:
    """Every spike, raised or ended, in the order it was told; the stream has been quiet since ``start``."""
    detector = Detector("edge", OPTIONS)
    told = list(detector.advance(start))
    told += detector.observe(runs(sorted(failures, key=lambda f: f.time or 0.0)))
    told += detector.flush()
    told += detector.advance(until)
    return told


def distinct(spikes: list[Spike]) -> list[Spike]:
    return list({spike.id: spike for spike in spikes}.values())


def test_failures_of_a_quiet_key_are_a_spike_from_their_first_one_on() -> None:
    """Two a second on a key that held none for an hour: raised at the fifth, onset at the first."""
    (raised, ended) = run(every(0.5, 3600, 3700), until=4000)
    assert raised is ended
    assert (raised.onset, raised.detected_at, raised.failures) == (3600, 3602, 200)
    assert (raised.ended_at, raised.over_at) == (3699.5, 3759.0)
    assert raised.onset_earliest is not None
    assert raised.onset_earliest < 3600 < raised.onset_latest


def test_fewer_than_the_least_failures_are_nobodys_spike() -> None:
    assert run(every(0.1, 3600, 3600.4), until=4000) == []


def test_a_steady_level_of_probes_raises_nothing() -> None:
    """A TCP probe every five seconds from the first second on, for two hours."""
    assert run(every(5.0, 0, 7200, reason="closed_by_peer", leg="downstream"), until=7300) == []


def test_probes_as_a_poisson_process_raise_nothing_in_a_day() -> None:
    rng = random.Random(7)
    time, failures = 0.0, []
    while (time := time + rng.expovariate(0.3)) < 86_400:
        failures.append(failure(time, "closed_by_peer", None, "downstream"))
    assert run(failures, until=86_400) == []


def test_an_outage_hidden_under_steady_probes_is_found_within_seconds() -> None:
    """Ten times the probes' rate in the same key."""
    probes = every(5.0, 0, 4000, reason="closed_by_peer", leg="downstream")
    outage = every(0.5, 3000.1, 3100, reason="closed_by_peer", leg="downstream")
    (spike,) = distinct(run(probes + outage, until=4000))
    assert 2995 <= spike.onset <= 3001
    assert spike.detected_at - 3000 < 15


def test_an_outage_under_way_at_first_sight_has_an_open_beginning() -> None:
    (spike,) = distinct(run(every(0.5, 0, 30), until=30))
    assert spike.onset_earliest is None
    assert spike.ended_at is None


def test_noise_at_first_sight_is_taken_for_the_normal_of_its_key() -> None:
    """Health checks of ten balancers, five closes a second from the first second on."""
    assert run(every(0.2, 0, 600, reason="closed_by_peer", leg="downstream"), until=600) == []


def test_a_second_outage_of_the_same_key_is_a_new_spike() -> None:
    spikes = distinct(run(every(0.5, 3600, 3660) + every(0.5, 4200, 4260), until=5000))
    assert [spike.onset for spike in spikes] == [3600, 4200]
    assert all(spike.ended_at is not None for spike in spikes)


def test_a_level_that_holds_for_a_day_becomes_the_normal_and_ends_as_such() -> None:
    spikes = distinct(run(every(2.0, 3600, 3600 + 100_000), until=110_000))
    assert [(spike.onset, spike.became_normal) for spike in spikes] == [(3600, True)]


def test_a_failure_spread_thinly_over_many_hosts_is_one_coarse_spike() -> None:
    thin = [failure(3600 + index * 0.2, host=f"h{index}.example") for index in range(60)]
    (spike,) = distinct(run(thin, until=4000))
    assert (spike.host, spike.onset, spike.failures) == (None, 3600, 60)


def test_a_coarse_spike_is_withdrawn_when_a_fine_one_comes_to_explain_it() -> None:
    thin = [failure(3600 + index * 0.2, host=f"h{index}.example") for index in range(6)]
    one = every(0.1, 3602, 3606, host="busy.example")
    spikes = distinct(run(thin + one, until=4000))
    assert [(spike.host, spike.withdrawn) for spike in spikes if not spike.withdrawn] == [("busy.example", False)]


def test_two_legs_of_one_hop_are_two_spikes() -> None:
    """The leg belongs into the key: downstream is this hop's certificate, upstream the backend's."""
    both = every(0.5, 3600, 3630) + every(0.5, 3600.2, 3630, leg="downstream")
    assert {spike.direction for spike in distinct(run(both, until=4000))} == {"upstream", "downstream"}


def test_cutting_the_log_anywhere_changes_nothing() -> None:
    """The same failures in one call, or in many with a clock tick after each, give the same spikes."""
    rng = random.Random(3)
    failures = sorted(
        (
            failure(
                round(rng.uniform(100, 900)), rng.choice(["expired", "reset"]), rng.choice(["a.example", "b.example"])
            )
            for _ in range(400)
        ),
        key=lambda f: f.time or 0.0,
    )
    whole = [_told(spike) for spike in distinct(run(failures, until=2000))]
    detector = Detector("edge", OPTIONS)
    told = list(detector.advance(0.0))
    for one in failures:
        told += detector.observe(runs([one]))
        told += detector.advance(one.time or 0.0)
    told += detector.flush()
    told += detector.advance(2000)
    assert [_told(spike) for spike in distinct(told)] == whole
    assert whole


@pytest.mark.parametrize("seed", range(8))
def test_cutting_a_log_of_many_clients_anywhere_changes_nothing(seed: int) -> None:
    """As above with many peers, retries, several hosts, one-second times and late records on a downstream leg."""
    rng = random.Random(seed)
    failures: list[Failure] = []
    for _ in range(1500):
        at = round(rng.choice((rng.uniform(100, 9000), rng.gauss(5000, 20), rng.gauss(7000, 60))))
        host = rng.choice(("a.example", "b.example", "c.example", "d.example", None))
        one = Failure(float(at), "downstream", rng.choice(("expired", "reset")), "local", host, resolution=1.0)
        one.peer = f"198.51.100.{int(abs(rng.gauss(0, 30)))}:443"
        failures.append(one)
    failures.sort(key=lambda one: (one.time or 0.0) + rng.choice((0.0, 0.0, 2.0)))
    whole = sorted(_told(spike) for spike in distinct(_fed(failures, 1_000_000)))
    for size in (1, 2, 7):
        assert sorted(_told(spike) for spike in distinct(_fed(failures, size))) == whole
    assert whole


def _fed(failures: list[Failure], size: int) -> list[Spike]:
    detector = Detector("edge", OPTIONS)
    told = list(detector.advance(0.0))
    for index in range(0, len(failures), size):
        told += detector.observe(runs(failures[index : index + size]))
    told += detector.flush()
    told += detector.advance(20_000.0)
    return told


def test_state_written_and_read_back_goes_on_as_if_nothing_had_happened() -> None:
    """A restart after every failure gives the spikes of an uninterrupted run."""
    failures = every(5.0, 0, 300, reason="closed_by_peer", leg="downstream") + every(0.5, 300, 330)
    failures.sort(key=lambda f: f.time or 0.0)
    whole = [_told(spike) for spike in distinct(run(failures, until=600))]
    stored: dict[str, bytes] = {}
    told: list[Spike] = []
    detector = Detector("edge", OPTIONS)
    told += detector.advance(0.0)
    for one in failures:
        told += detector.observe(runs([one]))
        stored.update({key: blob for key, blob in detector.dump().items() if blob is not None})
        detector = Detector("edge", OPTIONS)
        detector.load(stored)
    told += detector.flush()
    told += detector.advance(600)
    assert [_told(spike) for spike in distinct(told)] == whole


def _told(spike: Spike) -> tuple[object, ...]:
    return (*spike.id, spike.detected_at, spike.ended_at, spike.over_at, spike.failures, spike.peak_per_second)


def test_a_million_names_seen_once_neither_fill_the_memory_nor_hide_an_outage() -> None:
    options = DetectorOptions(most_keys=100)
    detector = Detector("edge", options)
    told = list(detector.advance(0.0))
    told += detector.observe(
        runs(failure(10 + i * 0.001, "unrecognized_name", f"x{i}.example", "downstream") for i in range(5000))
    )
    assert len(detector.watches) <= 102
    told += detector.observe(runs(every(0.5, 3600, 3610, host="real.example")))
    told += detector.flush()
    assert [spike.reason for spike in told if spike.reason == "expired"] != []


def clients(start: float, end: float, gap: float, **key: str) -> list[Failure]:
    """Failures of a leg with many clients: each of another address."""
    found = every(gap, start, end, leg="downstream", **key)
    for index, one in enumerate(found):
        one.peer = f"198.51.{index // 250}.{index % 250}:5000"
    return found


def from_one(start: float, end: float, gap: float, **key: str) -> list[Failure]:
    found = every(gap, start, end, leg="downstream", **key)
    for one in found:
        one.peer = "203.0.113.9:4444"
    return found


def test_a_scanner_on_a_leg_with_many_clients_raises_nothing() -> None:
    """Ten minutes at ten a second, of one address, with a reason that nobody else shows."""
    noise = clients(0, 7200, 30.0, reason="closed_by_peer")
    assert run(noise + from_one(3600, 4200, 0.1, reason="no_shared_cipher"), until=8000) == []


def test_an_outage_during_a_scan_is_found_at_full_speed() -> None:
    """The scanner's failures do not count; the clients' do, from the fifth on."""
    noise = clients(0, 7200, 30.0, reason="closed_by_peer")
    scan = from_one(3500, 3800, 0.1)
    (spike,) = distinct(run(noise + scan + clients(3600.05, 3660, 0.5), until=8000))
    assert 3599 <= spike.onset <= 3601
    assert spike.detected_at - 3600 < 4


def test_behind_one_address_all_clients_share_the_one_address_is_the_outage() -> None:
    """SNAT, a balancer, a CDN: a leg that never showed another peer."""
    noise = from_one(0, 7200, 60.0, reason="closed_by_peer")
    (spike,) = distinct(run(noise + from_one(3600, 3660, 0.5), until=8000))
    assert (spike.onset, spike.detected_at, spike.reason) == (3600, 3602, "expired")


def test_one_backend_is_the_outage_even_on_a_stream_with_many_clients() -> None:
    noise = clients(0, 7200, 30.0, reason="closed_by_peer")
    (spike,) = distinct(run(noise + every(0.5, 3600, 3660), until=8000))
    assert (spike.direction, spike.onset) == ("upstream", 3600)


def test_a_leg_that_fails_in_bursts_is_known_for_it_and_its_bursts_raise_nothing() -> None:
    """Six failures within a second every ten minutes: after the first hours they are the key's normal."""
    bursts = [one for start in range(300, 86_400, 600) for one in every(0.15, start, start + 0.9, reason="timeout")]
    spikes = distinct(run(bursts, until=90_000))
    assert len([spike for spike in spikes if spike.onset > 7200]) == 0
    assert len(spikes) <= 3


def test_an_outage_of_a_key_that_fails_in_bursts_is_still_found() -> None:
    bursts = [one for start in range(300, 43_200, 600) for one in every(0.15, start, start + 0.9, reason="timeout")]
    outage = every(0.5, 43_300, 43_400, reason="timeout")
    found = [spike for spike in distinct(run(bursts + outage, until=50_000)) if spike.onset > 43_000]
    assert [spike.onset for spike in found] == [43_300]
    assert found[0].detected_at - 43_300 < 40


def test_strays_before_an_outage_do_not_move_its_onset() -> None:
    """Two lone failures in the minute before belong to the excursion, not to the outage."""
    strays = [failure(3560.0), failure(3585.0)]
    (spike,) = distinct(run(strays + every(0.2, 3600, 3660), until=4000))
    assert spike.onset == 3600


def test_a_rise_that_comes_to_nothing_in_half_an_hour_is_the_normal() -> None:
    """One in 45 s upstream, with a reason that names no cause: too weak to be an outage, and learnt."""
    assert run(every(45.0, 1000, 30_000, reason="timeout"), until=31_000) == []


def test_one_hosts_burst_raises_no_coarse_spike_beside_its_own_watch() -> None:
    """The coarse watch counts a host's first failures only: it is there for what is spread over many."""
    noise = [one for host in "abc" for one in every(60.0, ord(host), 7200, host=f"{host}.example", reason="timeout")]
    spikes = distinct(run(noise + every(0.2, 3600, 3630, host="a.example", reason="timeout"), until=8000))
    assert [(spike.host, spike.onset) for spike in spikes] == [("a.example", 3600)]


def test_what_a_leg_has_learnt_survives_a_restart() -> None:
    """Many clients and bursts are stored with the keys, so a restart does not believe a scanner."""
    detector = Detector("edge", OPTIONS)
    told = list(detector.advance(0.0))
    told += detector.observe(runs(clients(0, 3600, 30.0, reason="closed_by_peer")))
    stored = {key: blob for key, blob in detector.dump().items() if blob is not None}
    again = Detector("edge", OPTIONS)
    again.load(stored)
    told += again.observe(runs(from_one(3600, 3700, 0.1, reason="no_shared_cipher")))
    told += again.flush()
    assert told == []


@pytest.mark.parametrize("time", [-1e9, 0.0, 4e9])
def test_a_wild_time_raises_nothing_and_breaks_nothing(time: float) -> None:
    detector = Detector("edge", OPTIONS)
    list(detector.advance(1000.0))
    assert list(detector.observe(runs([failure(time)]))) == []
    assert [spike.onset for spike in detector.observe(runs(every(0.5, 5000, 5010)))] in ([5000.0], [])
