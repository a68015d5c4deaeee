"""What a key's normal is before it has a history: how noisy its reason is in healthy systems.

Measured on real logs: load balancer probes, scanners, old clients and cancelled connects make the reasons in
``NOISY`` part of every healthy downstream leg; nobody sees "certificate expired" there, or anything at all upstream.
"""

from functools import cache
from typing import Final, NamedTuple

NOISY: Final = frozenset(
    {
        "alpn_mismatch",
        "closed_by_peer",
        "decode_error",
        "generic_failure",
        "inappropriate_fallback",
        "no_shared_cipher",
        "no_shared_group",
        "not_tls",
        "other",
        "reset",
        "sni_missing",
        "timeout",
        "unrecognized_name",
        "version_mismatch",
    }
)


class Prior(NamedTuple):
    rate: float
    """Failures per second expected before anything is known."""
    weight: float
    """How many seconds of observation the prior is worth."""
    dispersion: float
    """Variance over mean of counts: noise comes in bursts, so each failure of it proves less."""
    least_rate: float
    """A rate below this is nobody's outage, however quiet the key was before."""


_NOISE: Final = Prior(rate=0.3, weight=60.0, dispersion=3.0, least_rate=0.2)
_DOWNSTREAM: Final = Prior(rate=0.002, weight=300.0, dispersion=1.0, least_rate=0.05)
_UPSTREAM: Final = Prior(rate=0.001, weight=300.0, dispersion=1.0, least_rate=1 / 60)
_UPSTREAM_NOISE: Final = Prior(rate=0.003, weight=300.0, dispersion=3.0, least_rate=1 / 30)
WEAK_RATE: Final = 0.1
SETTLING_SECONDS: Final = 1200.0
"""Fewer noisy failures a second than `WEAK_RATE` that begin so soon after the first record are the normal, met late."""
BROKEN_OFF: Final = frozenset({"closed_by_peer", "generic_failure", "reset", "timeout"})


@cache
def prior_of(direction: str, reason: str) -> Prior:
    """The prior of a leg and a reason. Upstream there is one peer, the backend: no scanner, no old browser."""
    noisy = is_noisy(direction, reason)
    if direction == "upstream":
        return _UPSTREAM_NOISE if noisy else _UPSTREAM
    return _NOISE if noisy else _DOWNSTREAM


@cache
def is_noisy(direction: str, reason: str) -> bool:
    """Whether healthy legs show it now and then, and in bursts; the others name a cause that health does not have."""
    return reason in (BROKEN_OFF if direction == "upstream" else NOISY)


def is_noise_at_first_sight(direction: str, reason: str, rate: float, after: float, window: float) -> bool:
    """Whether a level of ``rate``, found ``after`` seconds of a stream that was never seen before, is its normal."""
    if not is_noisy(direction, reason):
        return False
    return (rate < WEAK_RATE and after < SETTLING_SECONDS) or (direction == "downstream" and after < window)
