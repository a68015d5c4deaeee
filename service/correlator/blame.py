"""Which stream a spike's own records blame, once its far end is looked up in the topology."""

from typing import NamedTuple

from service.correlator.topology import Topology
from service.detector.spike import Spike
from service.verdict.rules import Rule, rule_for


class Blame(NamedTuple):
    """The broken side as one spike tells it."""

    fix_at: str | None
    """A stream's name, ``client``, ``beyond`` (past the last hop seen) or None."""
    near: str
    """The stream that tells; ``client`` and ``beyond`` are seen from it."""
    rule: Rule

    @property
    def place(self) -> tuple[str, str] | None:
        """Comparable place: two spikes of one place have one culprit. None: nobody is blamed."""
        if self.fix_at is None:
            return None
        return (self.fix_at, self.near if self.fix_at in ("client", "beyond") else "")


def blame_of(spike: Spike, topology: Topology) -> Blame:
    """Looks up the rule for the spike, and who stands at the blamed end of the leg."""
    rule = rule_for(spike.direction, spike.who_rejected, spike.reason)
    if rule.side == "here":
        return Blame(spike.stream, spike.stream, rule)
    if rule.side == "server":
        servers = topology.calls(spike.stream)
        return Blame(servers[0] if servers else "beyond", spike.stream, rule)
    if rule.side == "client":
        # apps are clients among others: a hop on the path is named only if it is the one caller
        callers = [name for name in topology.called_by(spike.stream) if topology.hop(name) != "app"]
        return Blame(callers[0] if len(callers) == 1 else "client", spike.stream, rule)
    return Blame(None, spike.stream, rule)


def leg_of(spike: Spike, topology: Topology) -> tuple[str, str]:
    """(client side, server side) of the leg that failed."""
    if spike.direction == "upstream":
        servers = topology.calls(spike.stream)
        return (spike.stream, servers[0] if servers else "beyond")
    callers = [name for name in topology.called_by(spike.stream) if topology.hop(name) != "app"]
    return (callers[0] if len(callers) == 1 else "client", spike.stream)
