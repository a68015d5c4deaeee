"""Envoy's access log as JSON: Istio's and Contour's keys, and objects whose keys a user chose.

Keys are free (``json_format``), values are not: an operator's value is known by its shape where the key says nothing.
"No value" is ``null``, ``"-"`` or an absent key.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from parsers import names, timestamps
from parsers.failure import Failure
from parsers.formats.envoy_reason import TLS_REASON, cut_short, in_details, judged
from parsers.lexicon.said import Said
from parsers.record import Record
from parsers.vocabulary import Direction

_KNOWN_KEYS: Final = re.compile(
    rb'"(?:upstream_transport_failure_reason|downstream_transport_failure_reason|response_code_details|response_flags'
    rb'|connection_termination_details)"\s?:'
)
_MOST_VALUES: Final = 200
_CLIENT_SAYS: Final = (
    "agent",
    "forwarded",
    "path",
    "authority",
    "host_header",
    "request_id",
    "method",
    "referer",
    "uri",
    "url",
)
"""Parts of key names whose values are the client's own words, so never a reason."""
_DETAILS: Final = re.compile(r"[a-z_]{3,60}(?:\{.{0,4000}\})?\Z", re.DOTALL)
_FLAGS: Final = re.compile(r"[A-Z][A-Za-z]{1,7}(?:,[A-Z][A-Za-z]{1,7})*\Z")
_KNOWN_FLAGS: Final = frozenset(
    {"UF", "UC", "UH", "UT", "URX", "NR", "DC", "LR", "UO", "DPE", "UAEX", "RL", "LH", "NC", "DT"}
)
_UPSTREAM_FLAGS: Final = frozenset({"UF", "URX", "UC", "UH", "UT"})
_ADDRESS: Final = re.compile(r"(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:.]{2,45}\]):\d{1,5}\Z")
_ISO_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_TIME_KEYS: Final = ("start_time", "@timestamp", "timestamp", "time", "ts")


def claims(text: bytes) -> bool:
    return text[:1] == b"{" and (
        _KNOWN_KEYS.search(text, 0, 16_384) is not None or b":OPENSSL_internal:" in text[:16_384]
    )


def read(record: Record, said: Said) -> Failure | None:
    document = record.json()
    if document is None:
        return None
    values = list(_values(document))
    reason, reason_key = _reason(values)
    flags = _flags(values)
    details = _keyed(values, "details") or _shaped_details(values)
    no_request = _keyed(values, "method") is None and _keyed(values, "path") is None
    direction = _direction(reason_key, flags, no_request)
    time = _time(values, record)
    if direction == "downstream":
        host, sni_sent = _requested_name(values)
        peer = _peer(values, ("downstream_remote", "downstream_direct_remote", "remote", "client", "peer", "source"))
    else:
        # The names in the record were asked of us, on the downstream leg; the upstream SNI is not logged.
        host, sni_sent = names.host(_keyed(values, "upstream_requested_server_name", "upstream_sni") or ""), None
        peer = _peer(values, ("upstream_host", "upstream_remote", "upstream_addr", "backend", "upstream"))
    failure: Failure | None = None
    if reason is not None:
        failure = judged(said, direction, time=time, host=host, peer=peer, message=reason.encode())
    elif (
        no_request
        and "NR" in flags
        and (details == "filter_chain_not_found" or (details is None and _nothing_flowed(values)))
    ):
        failure = Failure(
            time=time,
            direction="downstream",
            reason="unrecognized_name" if host else "sni_missing",
            rejected_by="local",
            host=host,
            peer=peer,
            message=b"NR filter_chain_not_found",
        )
    elif direction == "upstream" and "UF" in flags and details and (cut := cut_short(details.encode())) is not None:
        failure = Failure(
            time=time, direction="upstream", reason=cut[0], rejected_by=cut[1], peer=peer, message=details.encode()
        )
    if failure is not None:
        failure.sni_sent = sni_sent
        failure.resolution = 0.001
        failure.channel = "access"
    return failure


Values = list[tuple[str, str]]


def _values(document: dict[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """(lower-case key path, text) of every value that is one, at most 200 and three levels deep."""
    for key, value in list(document.items())[:_MOST_VALUES]:
        path = f"{prefix}{key}".lower().replace("-", "_")
        if isinstance(value, dict) and depth < 2:
            yield from _values(value, f"{path}.", depth + 1)
        elif isinstance(value, str | int | float) and not isinstance(value, bool) and value not in ("-", ""):
            yield path, str(value)[:8000]


def _keyed(values: Values, *parts: str) -> str | None:
    for part in parts:
        for key, value in values:
            if part in key:
                return value
    return None


def _reason(values: Values) -> tuple[str | None, str]:
    """The TLS failure reason and the key it stood under; only values that begin with one count."""
    for key, value in values:
        telling = (
            TLS_REASON.search(value.encode()) if "failure_reason" in key else TLS_REASON.match(value[:64].encode())
        )
        if telling and not any(part in key for part in _CLIENT_SAYS):
            return value, key
    for key, value in values:
        if _DETAILS.match(value) and (inside := in_details(value.encode())) is not None:
            return inside.decode(), key
    return None, ""


def _flags(values: Values) -> frozenset[str]:
    said = _keyed(values, "flags")
    if said is None:
        said = next((value for _, value in values if _FLAGS.match(value) and set(value.split(",")) <= _KNOWN_FLAGS), "")
    return frozenset(said.split(","))


def _shaped_details(values: Values) -> str | None:
    for _, value in values:
        if value == "filter_chain_not_found" or value.startswith("upstream_reset_"):
            return value
    return None


def _direction(reason_key: str, flags: frozenset[str], no_request: bool) -> Direction:
    """The column tells the leg; a column of unknown name does by whether there was a request at all."""
    if "downstream" in reason_key:
        return "downstream"
    if "upstream" in reason_key or flags & _UPSTREAM_FLAGS:
        return "upstream"
    return "downstream" if no_request else "upstream"


def _requested_name(values: Values) -> tuple[str | None, bool | None]:
    name = _keyed(values, "requested_server_name", "server_name", "sni")
    host = names.host(name) if name else None
    return host, True if host else None


def _peer(values: Values, keys: tuple[str, ...]) -> str | None:
    for part in keys:
        for key, value in values:
            if part in key and "local" not in key and _ADDRESS.match(value):
                return names.peer(value)
    lone = {value for key, value in values if "local" not in key and _ADDRESS.match(value)}
    return names.peer(lone.pop()) if len(lone) == 1 else None


def _nothing_flowed(values: Values) -> bool:
    return all(value == "0" for key, value in values if "bytes" in key)


def _time(values: Values, record: Record) -> float | None:
    for wanted in _TIME_KEYS:
        for key, value in values:
            if key.rpartition(".")[2] != wanted:
                continue
            try:
                return timestamps.iso(value.encode(), record.settings.zone)
            except ValueError:
                continue
    for _, value in values:
        if _ISO_TIME.match(value):
            try:
                return timestamps.iso(value.encode(), record.settings.zone)
            except ValueError:
                continue
    return record.time
