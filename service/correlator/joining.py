"""Whether two spikes belong to one incident: a fixed relation of the two, whatever the order they were found in."""

from typing import Final

from parsers.vocabulary import FAMILY_OF
from service.correlator.blame import Blame
from service.detector.spike import Spike
from service.verdict.rules import is_named

TOGETHER_SECONDS: Final = 120.0
"""Onsets of one cause on several hops: streams' clocks and lateness differ by 5 to 30 s in the field."""
SAME_PLACE_SECONDS: Final = 600.0
"""A repair that goes wrong (a renewed certificate without its chain) follows within minutes at the same place."""
SAME_SECOND: Final = 30.0


Leg = tuple[str, str]
"""(client side, server side), as `service.correlator.blame.leg_of` tells it."""


def belong_together(one: Spike, its: Blame, other: Spike, others: Blame, legs: tuple[Leg, Leg]) -> bool:
    """One incident: one culprit, or two ends of one leg, or one certificate shared by many hosts, or a cascade.

    Two unrelated outages at the same time stay two: other hosts and another culprit, or another named reason.
    """
    apart = abs(one.onset - other.onset)
    if apart > SAME_PLACE_SECONDS:
        return False
    if (one.stream, one.direction, one.reason) == (other.stream, other.direction, other.reason):
        return apart <= SAME_SECOND or _hosts_agree(one, other)
    if its.place is not None and its.place == others.place and _same_kind(one, other):
        return _hosts_agree(one, other) or (one.reason == other.reason and apart <= SAME_SECOND)
    if apart > TOGETHER_SECONDS or not _hosts_agree(one, other):
        return False
    if one.stream == other.stream and one.direction == other.direction:
        return not (is_named(one.reason) and is_named(other.reason)) or _same_kind(one, other)
    if _follows_from(one, legs[0], other) or _follows_from(other, legs[1], one):
        return True
    return legs[0] == legs[1] and (_same_kind(one, other) or not (is_named(one.reason) and is_named(other.reason)))


def _follows_from(one: Spike, leg: Leg, other: Spike) -> bool:
    """A cascade: a hop whose calls to the other's stream fail without a named cause suffers what that stream tells."""
    return one.direction == "upstream" and leg[1] == other.stream and not is_named(one.reason)


def _same_kind(one: Spike, other: Spike) -> bool:
    return one.reason == other.reason or _kind(one.reason) == _kind(other.reason)


def _kind(reason: str) -> str:
    family = FAMILY_OF[reason]
    if family == "client_certificate":
        return "client_certificate"
    if family == "cipher" or reason in ("version_mismatch", "alpn_mismatch", "inappropriate_fallback"):
        return "policy"
    return family if family != "handshake" else reason


def _hosts_agree(one: Spike, other: Spike) -> bool:
    return one.host is None or other.host is None or one.host == other.host
