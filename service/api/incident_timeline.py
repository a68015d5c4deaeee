"""What happened in an incident, in order: built from its document and the changes around it. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from service.times import parse, rfc3339

CHANGE_MARGIN_SECONDS: Final = 1800.0
"""A change this long before the start, or after the end, is still shown."""

_ORDER: Final = {"change": 0, "onset": 1, "peak": 2, "recovery": 3}


def events(
    incident: Mapping[str, Any],
    marks: Iterable[Mapping[str, Any]],
    peaks: Mapping[int, tuple[float, int, int]],
    hops: Mapping[str, str],
) -> list[dict[str, Any]]:
    """``peaks``: index of a spike -> (epoch seconds, failures, seconds counted together); ``hops``: stream -> hop.

    At one moment a change comes first (it may be the cause), then onsets, peaks, recoveries.
    """
    told: list[dict[str, Any]] = []
    for index, spike in enumerate(incident["spikes"]):
        told.append(_event(spike["onset"], "onset", spike, _onset_text(spike)))
        if index in peaks:
            at, failures, seconds = peaks[index]
            told.append(_event(rfc3339(at), "peak", spike, f"at its worst: {_what(spike)}, {_rate(failures, seconds)}"))
        if spike["ended_at"] is not None:
            told.append(_event(spike["ended_at"], "recovery", spike, _recovery_text(spike)))
    told.extend(_change(mark, hops) for mark in marks)
    return sorted(told, key=lambda event: (event["at"], _ORDER[event["kind"]]))


def span_of(incident: Mapping[str, Any], now: float) -> tuple[float, float]:
    """Epoch seconds of its begin and end; one that goes on ends now."""
    begin = parse(incident["started_at"], now)
    end = now if incident["resolved_at"] is None else parse(incident["resolved_at"], now)
    return begin, max(begin, end)


def _event(at: str, kind: str, spike: Mapping[str, Any], text: str) -> dict[str, Any]:
    return {
        "at": at,
        "kind": kind,
        "stream": spike["stream"],
        "hop": spike["hop"],
        "host": spike["host"],
        "reason": spike["reason"],
        "text": text,
    }


def _change(mark: Mapping[str, Any], hops: Mapping[str, str]) -> dict[str, Any]:
    return {
        "at": rfc3339(mark["at"]),
        "kind": "change",
        "stream": mark["stream"],
        "hop": hops.get(mark["stream"] or ""),
        "host": mark["host"],
        "reason": None,
        "text": f"{mark['kind']}: {mark['what']}" + (f" ({mark['url']})" if mark["url"] else ""),
    }


def _onset_text(spike: Mapping[str, Any]) -> str:
    peak, normal = spike["peak_per_second"], spike["baseline_per_second"]
    return f"begins: {_what(spike)}, up to {peak:.3g}/s where {normal:.2g}/s is normal"


def _recovery_text(spike: Mapping[str, Any]) -> str:
    end = "has become the normal" if spike.get("became_normal") else "back to normal"
    return f"{end}: {_what(spike)}, after {spike['failures']} failures"


def _what(spike: Mapping[str, Any]) -> str:
    if not spike["reason"]:
        return str(spike["family"] or "failures of any kind")
    return f"{spike['family']}/{spike['reason']}" + (f" {spike['direction']}" if spike["direction"] else "")


def _rate(failures: int, seconds: int) -> str:
    return f"{failures} in one second" if seconds == 1 else f"{failures} in {seconds} seconds"
