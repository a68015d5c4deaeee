"""The benchmark of who was first: its records are real, its two modes agree, and its scorer counts what it says."""

import random
from itertools import pairwise
from pathlib import Path

import pytest

from bench.whofirst.noise import Load, Periodic, Steady
from bench.whofirst.ours import Found, Told, find
from bench.whofirst.rivals import Alarm, bound, prometheus_rule, z_score
from bench.whofirst.score import score_alarms, score_found
from bench.whofirst.timeline import timeline
from bench.whofirst.truth import Event, TrueIncident, TrueSpike
from bench.whofirst.voices import HOPS, VOICES, Hop, Voice, record
from bench.whofirst.world import World, draw_world
from bench.whofirst.written import write_logs
from parsers.reader import Reader
from parsers.record import Settings
from service.correlator.order import First
from service.detector import Spike
from service.scan import scan
from service.tally import Key
from service.times import parse


@pytest.mark.parametrize(
    ("hop", "voice"),
    [(hop, voice) for hop in HOPS for voice in VOICES[hop.name]],
    ids=lambda value: value.name if isinstance(value, Hop) else f"{value.direction}-{value.reason}",
)
def test_every_simulated_record_is_read_back_as_what_it_stands_for(hop: Hop, voice: Voice) -> None:
    host = "shop.example" if voice.names_host else None
    line = record(hop.name, voice, 1_795_200_000.123, host, "198.51.100.7", "192.0.2.101:443")
    settings = Settings(hop=hop.name, zone="UTC", hosts={"192.0.2.101:443": "shop.example"})  # type: ignore[arg-type]
    (failure,) = Reader(hop.format, settings).read((line + "\n").encode(), final=True).failures
    told = (failure.direction, failure.reason, failure.rejected_by, failure.host, failure.resolution)
    assert told == (voice.direction, voice.reason, voice.rejected_by, host, hop.resolution)
    assert failure.time == pytest.approx(1_795_200_000.123 // hop.resolution * hop.resolution)


@pytest.mark.parametrize(("seed", "rotated"), [(501, None), (502, "edge")])
def test_written_logs_scanned_tell_the_incidents_of_the_fast_mode(
    seed: int, rotated: str | None, tmp_path: Path
) -> None:
    """The same spikes, to the millisecond, whether failures are handed over or read from five programs' logs."""
    world = draw_world(seed, hours=3.0, incidents_per_hour=1.0)
    events = timeline(world)
    result = scan(write_logs(world, events, tmp_path, rotated))
    counts = {name: (found.counts.failures, found.counts.unrecognized) for name, found in result.streams.items()}
    assert counts == {name: (len(failures), 0) for name, failures in events.items()}
    scanned = sorted(
        (
            spike["stream"],
            spike["host"] or "",
            spike["reason"],
            parse(spike["onset"], 0.0),
            parse(spike["detected_at"], 0.0),
        )
        for incident in result.incidents
        for spike in incident["spikes"]
    )
    fast = sorted(
        (spike.stream, spike.host or "", spike.reason, round(spike.onset, 3), round(spike.detected_at, 3))
        for told in find(world, events).told
        for spike in told.spikes
    )
    assert [one[:3] for one in scanned] == [one[:3] for one in fast]
    assert [time for one in scanned for time in one[3:]] == pytest.approx(
        [time for one in fast for time in one[3:]], abs=1e-3
    )
    assert fast


def test_a_seed_is_a_world() -> None:
    one, again, other = (draw_world(seed, hours=2.0) for seed in (7, 7, 8))
    assert timeline(one) == timeline(again)
    assert timeline(one) != timeline(other)


def test_a_short_run_finds_every_incident_and_stays_quiet() -> None:
    """A guard against turning the detector for the worse: three installations of 12 hours."""
    found = incidents = false = right = judged = 0
    for seed in (503, 504, 505):
        world = draw_world(seed, hours=12.0)
        score = score_found("handspike", find(world, timeline(world)), world.incidents, world.hours)
        found, incidents, false = found + score.found, incidents + score.incidents, false + score.false
        right, judged = right + score.first_right, judged + score.judged
    assert found == incidents >= 12
    assert false <= 4
    assert right >= judged - 1


def test_the_rule_fires_at_its_next_evaluation_once_the_last_minute_holds_six() -> None:
    world = _world(3600.0)
    events = _events([600.0 + second for second in range(20)])
    alarms = prometheus_rule(world, events)
    assert {(alarm.at, alarm.stream, alarm.reason) for alarm in alarms} == {(world.start + 615.0, "edge", "expired")}
    assert {alarm.host for alarm in alarms} == {"a.example", "*"}


def test_the_z_score_needs_history_and_then_fires_on_a_jump() -> None:
    events = _events([*range(0, 1800, 60), *(1800.0 + second for second in range(30))])
    assert {alarm.at for alarm in z_score(_world(3600.0), events)} == {_world(1.0).start + 1815.0}


def test_the_bound_alarms_as_soon_as_both_rates_allow_and_no_sooner_than_its_least_failures() -> None:
    """From one a minute to one a second: ln(61) a failure less a second's drift, so the second one passes 7."""
    events = _events([600.0 + second for second in range(20)])
    start = _world(1.0).start
    spike = _spike("edge", start + 600.0, start + 620.0)
    assert bound(events, [spike])[0].at == start + 601.0
    assert bound(events, [spike], least_failures=5)[0].at == start + 604.0


def test_an_alarm_outside_every_incident_is_false_and_close_ones_count_once() -> None:
    incident = TrueIncident("one", (_spike("edge", 1000.0, 1100.0),))
    alarms = [Alarm(at, "edge", "*", "expired") for at in (500.0, 520.0, 1010.0, 5000.0)]
    score = score_alarms("rule", alarms, [incident], hours=30.0)
    assert (score.found, score.delays, score.false) == (1, [10.0], 2)


def test_a_tie_is_right_only_if_the_true_onsets_are_closer_than_it_states() -> None:
    """Named edge, though lb was first by 4 s: right with an interval of 5 s, wrong with one of 3 s."""
    incident = TrueIncident("two", (_spike("lb", 1000.0, 1100.0), _spike("edge", 1004.0, 1100.0)))
    for width, right in ((5.0, 1), (3.0, 0)):
        score = score_found("handspike", _found("edge", 1004.0, width, tie=["lb"]), [incident], hours=30.0)
        assert (score.found, score.judged, score.first_right, score.strictly_first) == (1, 1, right, 0)
    score = score_found("handspike", _found("edge", 1004.0, 5.0, tie=[]), [incident], hours=30.0)
    assert score.first_right == 0


def test_an_incident_that_nobody_told_is_missed_and_a_told_one_that_never_was_is_false() -> None:
    incident = TrueIncident("one", (_spike("lb", 9000.0, 9100.0),))
    score = score_found("handspike", _found("edge", 1004.0, 5.0, tie=[]), [incident], hours=30.0)
    assert (score.found, score.false, len(score.missed)) == (0, 1, 1)


def test_noise_keeps_its_rate_and_its_period() -> None:
    rng = random.Random(1)
    steady = list(Steady(0.5).times(rng, 0.0, 20_000.0, Load()))
    assert len(steady) == pytest.approx(10_000, rel=0.05)
    periodic = [at for at, _ in Periodic(5.0).times(rng, 0.0, 1000.0, Load())]
    assert all(4.7 < later - at < 5.3 for at, later in pairwise(periodic))


def _world(seconds: float) -> World:
    start = draw_world(1, hours=1.0).start
    offsets = {hop.name: 0.0 for hop in HOPS}
    return World(1, start, start + seconds, ("a.example",), Load(), offsets, False, ("edge", 0.0, 0.0))


def _events(offsets: list[float]) -> dict[str, list[Event]]:
    start = _world(1.0).start
    key = Key("a.example", "downstream", "expired")
    return {"edge": [Event(start + at, start + at, start + at, key, "peer", None) for at in offsets]}


def _spike(stream: str, onset: float, end: float) -> TrueSpike:
    return TrueSpike(stream, ("a.example",), "downstream", "expired", "peer", onset, end, rate=1.0, normal=0.0)


def _found(stream: str, onset: float, width: float, tie: list[str]) -> Found:
    spike = Spike(stream, "a.example", "downstream", "expired", onset, onset - width, onset, onset + 2.0)
    return Found([Told([spike], First(spike, 0.5, tie))], [spike], {spike.id: onset + 2.0})
