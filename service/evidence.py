"""The few failure records that are kept word for word: chosen, decoded, masked, bounded."""

from math import isfinite
from typing import Any, Final

from parsers.failure import Failure, to_json
from parsers.masking import mask, visible
from service.store.commit import Evidence
from service.times import rfc3339

MESSAGE_LENGTH: Final = 500
"""Characters of a message that are kept, on one line."""
RAW_LENGTH: Final = 4_096
"""Characters of a raw record that are kept."""
_FIELD_LENGTH: Final = 255


class EvidenceKeeper:
    """Keeps the first ``per_minute`` failures of each (host, direction, reason) and minute of event time.

    At most ``most_per_minute`` of all keys together, so that random names don't turn a storm into as many records.
    Pure and deterministic in the order of its calls: the same failures give the same choice. One a stream.
    Cost of a failure in a storm: one tuple, one dict look-up. Memory: at most ``most_keys`` keys, then the
    oldest half is forgotten (which at worst keeps some failures more; the store bounds them again).
    """

    def __init__(self, per_minute: int = 5, most_per_minute: int = 500, most_keys: int = 20_000) -> None:
        self._per_minute = per_minute
        self._most_per_minute = most_per_minute
        self._most_keys = most_keys
        self._kept: dict[tuple[str | None, str, str, float], int] = {}
        self._minutes: dict[float, int] = {}

    def wants(self, failure: Failure, arrived: float) -> bool:
        """Whether this failure is one to keep; counts it as kept if so. ``arrived`` stands in for a missing time."""
        time = arrived if failure.time is None else failure.time
        minute = time // 60
        key = (failure.host, failure.direction, failure.reason, minute)
        kept = self._kept.get(key, 0)
        if kept >= self._per_minute:
            return False
        in_all = self._minutes.get(minute, 0)
        if in_all >= self._most_per_minute:
            return False
        if not kept:
            _forget_half(self._kept, self._most_keys)
        if not in_all:
            _forget_half(self._minutes, self._most_keys)
        self._kept[key] = kept + 1
        self._minutes[minute] = in_all + 1
        return True


def evidence(failure: Failure, *, stream: str, hop: str, arrived: float, raw: bool = True) -> Evidence:
    """``failure`` as it is stored; with ``raw`` False no raw text is kept at all (``evidence: {raw: off}``)."""
    return Evidence(
        time=arrived if failure.time is None or not isfinite(failure.time) else failure.time,
        stream=stream,
        host=failure.host,
        direction=failure.direction,
        reason=failure.reason,
        document=document(failure, stream=stream, hop=hop, raw=raw),
    )


def document(failure: Failure, *, stream: str, hop: str, raw: bool = True) -> dict[str, Any]:
    """The contract's Failure object of ``failure``: one-line message, raw or null, time as RFC 3339 or null."""
    shown = to_json(
        failure,
        stream=stream,
        hop=hop,
        time=None if failure.time is None else rfc3339(failure.time),
        message=bounded(" ".join(mask(failure.message).split()), MESSAGE_LENGTH),
        raw=bounded(mask(failure.raw), RAW_LENGTH) if raw else None,
    )
    for field in ("host", "peer", "protocol", "cipher", "code"):
        if shown[field] is not None:
            shown[field] = bounded(visible(shown[field]), _FIELD_LENGTH)
    return shown


def bounded(text: str, length: int) -> str:
    """``text``, cut to ``length`` characters, the last of which then is an ellipsis."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _forget_half(counts: dict[Any, int], most: int) -> None:
    """The half that was added first, once there are ``most``."""
    if len(counts) >= most:
        for old in list(counts)[: most // 2]:
            del counts[old]
