"""Spikes of all streams become incidents: who was first, what belongs together, whose fault it is."""

import itertools
from typing import Any

import pytest

from parsers.vocabulary import FAMILY_OF
from service.analysis import Analysis
from service.correlator import Correlator, StreamInfo, Topology
from service.detector import DetectorOptions, Spike
from service.verdict.incident import document
from service.verdict.rules import rule_for
from service.verdict.sight import Sight
from service.verdict.steps import steps

PATH = [
    StreamInfo("edge", "edge"),
    StreamInfo("lb", "lb"),
    StreamInfo("ingress", "ingress"),
    StreamInfo("mesh", "mesh"),
    StreamInfo("orders", "app", ("lb",)),
]


def spike(
    stream: str, leg: str, reason: str, by: str, onset: float, host: str | None = None, width: float = 1.0, **more: Any
) -> Spike:
    return Spike(
        stream=stream,
        host=host,
        direction=leg,
        reason=reason,
        onset=onset,
        onset_earliest=onset - width,
        onset_latest=onset + width,
        detected_at=onset + 3.0,
        failures=10,
        last_at=onset + 60.0,
        rejected_by={by: 10},
        who_rejected=by,
        **more,
    )


def documents(*spikes: Spike, sights: dict[str, Sight] | None = None) -> list[dict[str, Any]]:
    correlator = Correlator(Topology(PATH))
    for one in spikes:
        correlator.update(one)
    return [document(correlator, incident, sights or {}) for incident in correlator.current()]


EXPIRED_AT_LB = (
    spike("edge", "upstream", "expired", "local", 100.0),
    spike("orders", "upstream", "expired", "local", 100.2),
    spike("lb", "downstream", "expired", "peer", 100.4, "api.shop.example"),
)


def test_three_witnesses_of_one_certificate_are_one_incident() -> None:
    (incident,) = documents(*EXPIRED_AT_LB)
    assert incident["verdict"]["fix_at"] == "lb"
    assert incident["verdict"]["leg"] == "orders, edge -> lb"
    assert "the load balancer's listener certificate" in incident["verdict"]["summary"]
    assert incident["hosts"] == ["api.shop.example"]


def test_in_a_tie_the_side_that_the_records_blame_comes_first() -> None:
    (incident,) = documents(*EXPIRED_AT_LB)
    assert incident["first"]["stream"] == "lb"
    assert incident["first"]["tie_with"] == ["edge", "orders"]


def test_without_a_tie_the_earliest_onset_is_first_though_another_hop_is_at_fault() -> None:
    (incident,) = documents(
        spike("edge", "upstream", "expired", "local", 100.0),
        spike("lb", "downstream", "expired", "peer", 130.0, "api.shop.example"),
    )
    assert incident["first"]["stream"] == "edge"
    assert incident["first"]["confidence"] > 0.9
    assert incident["verdict"]["fix_at"] == "lb"
    assert "lb" in incident["verdict"]["summary"]
    assert incident["verdict"]["summary"].startswith("edge broke first")


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_order_in_which_streams_are_read_does_not_matter(order: tuple[int, ...]) -> None:
    (incident,) = documents(*(EXPIRED_AT_LB[index] for index in order))
    (other,) = documents(*EXPIRED_AT_LB)
    for shown in (incident, other):
        del shown["id"]
        del shown["revision"]
    assert incident == other


def test_two_unrelated_outages_at_the_same_time_stay_two() -> None:
    incidents = documents(
        *EXPIRED_AT_LB,
        spike("mesh", "downstream", "rejected", "local", 100.1, "api.shop.example"),
        spike("ingress", "upstream", "rejected", "peer", 100.3),
        spike("edge", "downstream", "no_shared_cipher", "local", 101.0, "pay.shop.example"),
    )
    assert sorted(incident["verdict"]["fix_at"] for incident in incidents) == ["edge", "ingress", "lb"]


def test_a_client_certificate_that_the_mesh_refuses_is_the_ingresss_fault() -> None:
    (incident,) = documents(
        spike("mesh", "downstream", "rejected", "local", 200.0, "api.shop.example", width=0.01),
        spike("ingress", "upstream", "rejected", "peer", 200.0),
    )
    assert incident["first"]["stream"] == "ingress"
    assert incident["verdict"]["fix_at"] == "ingress"
    assert incident["verdict"]["leg"] == "ingress -> mesh"


def test_a_repair_that_goes_wrong_is_a_later_step_of_the_same_incident() -> None:
    """The renewed certificate came without its intermediate, at the same hop, minutes later."""
    (incident,) = documents(
        *EXPIRED_AT_LB,
        spike("edge", "upstream", "unknown_issuer", "local", 240.0),
        spike("lb", "downstream", "unknown_issuer", "peer", 241.0, "api.shop.example"),
    )
    assert "Then, from 00:04:00: a certificate whose chain leads to no trusted issuer" in incident["verdict"]["summary"]
    assert incident["first"]["stream"] == "lb"


def test_a_certificate_shared_by_many_hosts_is_one_incident() -> None:
    (incident,) = documents(
        *(spike("lb", "downstream", "expired", "peer", 100.0 + n, f"h{n}.shop.example") for n in range(6))
    )
    assert incident["hosts"] == [f"h{n}.shop.example" for n in range(6)]


def test_a_spike_that_links_two_incidents_merges_the_younger_into_the_older() -> None:
    correlator = Correlator(Topology(PATH))
    correlator.update(spike("lb", "downstream", "expired", "peer", 100.0, "a.example"))
    correlator.update(spike("lb", "downstream", "expired", "peer", 190.0, "b.example"))
    older, younger = correlator.current()
    correlator.update(spike("edge", "upstream", "expired", "local", 150.0))
    assert [incident.id for incident in correlator.current()] == [older.id]
    assert younger.merged_into == older.id
    assert younger.id in correlator.changed


def test_an_incident_is_resolved_when_its_last_spike_is_over() -> None:
    first, second = EXPIRED_AT_LB[0], EXPIRED_AT_LB[2]
    assert documents(first, second)[0]["state"] == "open"
    ended = [
        spike("edge", "upstream", "expired", "local", 100.0, ended_at=160.0, over_at=220.0),
        spike("lb", "downstream", "expired", "peer", 100.4, "api.shop.example", ended_at=170.0, over_at=230.0),
    ]
    (incident,) = documents(*ended)
    assert (incident["state"], incident["resolved_at"]) == ("resolved", "1970-01-01T00:03:50.000Z")


def test_hops_that_went_on_quietly_are_cleared_and_silent_ones_unseen() -> None:
    sights = {
        "edge": Sight(lines=10, first_at=0.0, watermark=500.0),
        "lb": Sight(lines=10, first_at=0.0, watermark=500.0),
        "ingress": Sight(lines=10, first_at=0.0, watermark=500.0),
        "mesh": Sight(),
        "orders": Sight(lines=3, first_at=0.0, watermark=100.5),
    }
    (incident,) = documents(EXPIRED_AT_LB[0], EXPIRED_AT_LB[2], sights=sights)
    verdict = incident["verdict"]
    assert [item["stream"] for item in verdict["cleared"]] == ["ingress"]
    assert [item["stream"] for item in verdict["unseen"]] == ["mesh"]
    assert verdict["provisional"] is True


def test_every_combination_of_the_vocabulary_has_a_rule() -> None:
    for leg, by, reason in itertools.product(("downstream", "upstream"), ("local", "peer", "unknown"), FAMILY_OF):
        assert rule_for(leg, by, reason).source != "no rule", (leg, by, reason)


@pytest.mark.parametrize(
    "host", ["$(reboot)", "a;b", "a b", "'", "x`y`", "-oProxyCommand=x", "a\nb", "\u202eexample", ""]
)
def test_a_hostile_name_never_enters_a_command(host: str) -> None:
    for repair in ("certificate", "chain", "policy", "names", "port", "reach"):
        assert steps(repair, "expired", host) == steps(repair, "expired", None)  # type: ignore[arg-type]


def test_state_written_and_read_back_keeps_ids_and_goes_on() -> None:
    correlator = Correlator(Topology(PATH))
    for one in EXPIRED_AT_LB[:2]:
        correlator.update(one)
    restored = Correlator(Topology(PATH))
    restored.load(correlator.dump(), active=[])
    restored.update(EXPIRED_AT_LB[2])
    correlator.update(EXPIRED_AT_LB[2])
    assert [incident.id for incident in restored.current()] == [incident.id for incident in correlator.current()]
    (one,), (other,) = restored.current(), correlator.current()
    assert document(restored, one, {}) == document(correlator, other, {})


def test_an_incident_whose_only_spike_is_withdrawn_is_over() -> None:
    """A coarse spike that finer ones elsewhere came to explain leaves no open incident behind."""
    analysis = Analysis(PATH, DetectorOptions())
    coarse = spike("edge", "upstream", "expired", "local", 100.0)
    analysis.correlator.update(coarse)
    assert [shown["state"] for _, shown in analysis.changed()] == ["open"]
    coarse.withdrawn = True
    analysis.correlator.update(coarse)
    assert [shown["state"] for _, shown in analysis.changed()] == ["resolved"]
    assert list(analysis.correlator.current()) == []


def test_incidents_that_merge_after_a_restart_still_say_what_they_were() -> None:
    before = Analysis(PATH, DetectorOptions())
    before.correlator.update(spike("lb", "downstream", "expired", "peer", 100.0, "a.example"))
    before.correlator.update(spike("lb", "downstream", "expired", "peer", 190.0, "b.example"))
    told = {incident.id: shown for incident, shown in before.changed()}
    after = Analysis(PATH, DetectorOptions())
    after.load({"correlator": {"": before.correlator.dump()}})
    after.correlator.update(spike("edge", "upstream", "expired", "local", 150.0))
    merged = [shown for incident, shown in after.changed() if incident.merged_into is not None]
    assert [shown["started_at"] for shown in merged] == [told[merged[0]["id"]]["started_at"]]


def test_a_hop_whose_calls_fail_without_a_cause_joins_what_the_called_hop_tells() -> None:
    """The mesh refuses certificates; the ingress only sees its calls fail, and so does the balancer: one incident."""
    (incident,) = documents(
        spike("mesh", "downstream", "rejected", "local", 100.0, "api.shop.example", width=0.1),
        spike("ingress", "upstream", "generic_failure", "peer", 102.0),
        spike("lb", "upstream", "reset", "peer", 105.0),
    )
    assert incident["first"]["stream"] == "mesh"
