"""The verdict on one record alone, as ``explain`` gives it: no order, no other hops, only what it says."""

from typing import Any

from service.verdict.rules import rule_for
from service.verdict.steps import steps
from service.verdict.words import happened, place


def judge_record(
    reason: str,
    direction: str,
    rejected_by: str,
    hop: str | None,
    host: str | None = None,
    peer: str | None = None,
) -> dict[str, Any]:
    """Summary, leg, confidence, because, steps, and ``fix_at``: the hop itself, ``client``, ``beyond`` or None.

    None also stands for "the hop that logged it" where nobody said which that is; the summary says so.
    """
    rule = rule_for(direction, rejected_by, reason)
    here = hop or "this hop"
    leg = f"client -> {here}" if direction == "downstream" else f"{here} -> server"
    fix_at = {"here": hop, "client": "client", "server": "beyond", "unknown": None}[rule.side]
    where = place(rule.repair, fix_at, hop if rule.side == "here" else None)
    if rule.side == "here" and hop is None:
        where = f"the {_THINGS.get(rule.repair, rule.repair)} of the hop that logged this"
    return {
        "summary": f"{here}: {happened(direction, rejected_by, reason)}. Fix: {where}.",
        "leg": leg,
        "fix_at": fix_at,
        "confidence": rule.confidence,
        "because": [f"{direction}, rejected by {rejected_by}, {reason}: {rule.source}"],
        "steps": steps(rule.repair, reason, host, peer if direction == "upstream" else None),
    }


_THINGS = {
    "chain": "certificate chain",
    "client_certificate": "client certificate",
    "policy": "TLS policy (versions, ciphers, ALPN)",
    "names": "server names",
}
