"""Counters in place of lines: what a ``scrape`` source renders, and CloudWatch metric streams.

Shapes: ``{"handspike_counter": NAME, "labels": {...}, "increase": N, "time": SECONDS, "seconds": SINCE}`` by
``service/sources/scrape.py``; AWS, "CloudWatch metric stream output in JSON" (a row for each period, its ``sum`` the
errors of it, its time the period's start). A record stands for as many failures as it counts.
Invisible: peers, server names (unless a label holds one), and reasons that the server has no counter for.
"""

import re
from functools import lru_cache
from typing import Any, Final

from parsers import names
from parsers.counters import counter
from parsers.failure import Failure
from parsers.formats import cloud_json
from parsers.lexicon.said import Said
from parsers.record import MalformedRecordError, Record, Settings

NAME: Final = "counters"
SEVERAL_LINES: Final = False

MOST: Final = 1_000_000_000
"""One record counts no more than this: a damaged number is none."""
PERIOD_SECONDS: Final = 60.0
"""Of a CloudWatch metric stream."""
MESSAGE_BYTES: Final = 300

_CLOUDWATCH: Final = b'{"metric_stream_name":'
_HEADS: Final = (b'{"handspike_counter":', b'{"handspike_scrape":', _CLOUDWATCH)
_HOST_LABELS: Final = ("server_name", "sni", "host", "hostname", "authority", "server_zone")
_ISTIO_CLUSTER: Final = re.compile(r"(?:out|in)bound\|\d{0,5}\|[^|]{0,64}\|(.{1,253})\Z")
_ENVOY_LISTENER: Final = re.compile(r"(.{1,64})_(\d{1,5})\Z")


def claims(text: bytes) -> bool:
    """One of ours, or a row of a metric stream."""
    return text.startswith(_HEADS)


def read(record: Record, said: Said) -> Failure | None:
    """The failures that one counter's increase stands for; None for 0 and for counters of other things.

    Raises:
        MalformedRecordError: the record is cut off, or its number is none.
    """
    if not claims(record.text):
        return None
    document = record.json()
    if document is None:
        raise MalformedRecordError("counters: no JSON object")
    if record.text.startswith(_CLOUDWATCH):
        return _cloudwatch(document, record)
    if "handspike_counter" not in document:
        return None
    time: Any = document.get("time")
    resolution: Any = document.get("seconds")
    if not _is_number(time) or not _is_number(resolution):
        raise MalformedRecordError("counters: no time")
    labels = _labels(document.get("labels"))
    metric = cloud_json.text(document, "handspike_counter")
    return _failure(metric, labels, document.get("increase"), float(time), max(float(resolution), 0.001), record)


def _cloudwatch(document: dict[str, Any], record: Record) -> Failure | None:
    value = cloud_json.inner(document, "value")
    time, _ = cloud_json.time(document, "timestamp")
    metric = cloud_json.text(document, "metric_name")
    return _failure(metric, _labels(document.get("dimensions")), value.get("sum"), time, PERIOD_SECONDS, record)


def _failure(
    metric: str, labels: dict[str, str], count: Any, time: float | None, resolution: float, record: Record
) -> Failure | None:
    known = counter(metric, labels)
    if known is None:
        return None
    if not _is_number(count) or not 0 <= count <= MOST:
        raise MalformedRecordError("counters: no number of failures")
    if count < 1:
        return None
    shown = ", ".join(f'{name}="{value}"' for name, value in labels.items())
    return Failure(
        time=time,
        direction=known.direction,
        reason=known.reason,
        rejected_by=known.rejected_by,
        host=_host(labels, record.settings),
        message=f"{metric} rose by {int(count)} {{{shown}}}".encode()[:MESSAGE_BYTES],
        raw=record.text,
        format=NAME,
        resolution=resolution,
        count=int(count),
    )


def _host(labels: dict[str, str], settings: Settings) -> str | None:
    """A name that a label holds, Istio's cluster names included; else what ``hosts`` says of the listener."""
    for key in _HOST_LABELS:
        if key in labels and (found := _name(labels[key])) is not None:
            return found
    cluster = _ISTIO_CLUSTER.match(labels.get("envoy_cluster_name", ""))
    if cluster is not None and (found := _name(cluster[1])) is not None:
        return found
    hosts = settings.hosts
    for key in ("envoy_listener_address", "proxy", "LoadBalancer"):
        listener = labels.get(key)
        if listener is None or not hosts:
            continue
        split = _ENVOY_LISTENER.match(listener)
        address = f"{split[1]}:{split[2]}" if split is not None else listener
        if (given := hosts.get(listener, hosts.get(address))) is not None:
            return names.host(given)
    return None


@lru_cache(maxsize=4096)
def _name(text: str) -> str | None:
    """A server's full name; a word without a dot is some object's name rather than a host's."""
    found = names.host(text)
    return found if found is not None and "." in found else None


def _labels(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {str(key)[:64]: str(text)[:256] for key, text in list(value.items())[:32]}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
