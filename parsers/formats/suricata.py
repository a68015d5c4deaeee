"""Suricata: TLS that its decoder found broken, as alerts of ``tls-events.rules`` or as anomalies.

Shape: ``eve.json`` (6 to 8) and ``fast.log``; texts: ``OISF/suricata`` ``rules/tls-events.rules``, whose events
``src/app-layer-ssl.c`` raises. The events of one flow are one failure. A sensor beside the wire: the leg is told as the
server would, and who gave up is not known.
Invisible: every handshake that is well-formed and fails. ``event_type`` ``tls`` is a handshake seen, not one failed.
"""

import re
from contextlib import suppress
from typing import Any, Final

import orjson

from parsers import names, timestamps
from parsers.failure import Failure
from parsers.lexicon import Said, judge
from parsers.lexicon.resolve import TRIGGER_RANK
from parsers.memo import remembered
from parsers.record import Record

NAME: Final = "suricata"
SEVERAL_LINES: Final = False

JOIN_SECONDS: Final = 1.0
"""The events of one broken hello come with its first packets."""

_EVE: Final = re.compile(rb'\{"timestamp": ?"\d{4}-\d\d-\d\dT[^"]{10,24}", ?"flow_id": ?(?P<flow>\d{1,20}),')
_FAST: Final = re.compile(
    rb"(?P<month>\d\d)/(?P<day>\d\d)/(?P<year>\d{4})-(?P<clock>\d\d:\d\d:\d\d(?:\.\d{1,6})?) {1,4}\[\*\*\] "
    rb"\[\d{1,10}:\d{1,10}:\d{1,10}\] (?P<signature>[^\[\n]{1,200}?) \[\*\*\][^\n]{0,400}? "
    rb"(?P<near>\[?[0-9A-Fa-f.:]{2,45}\]?:\d{1,5}) -> (?P<far>\[?[0-9A-Fa-f.:]{2,45}\]?:\d{1,5})"
)
_SIGNATURE: Final = "SURICATA TLS "


def claims(text: bytes) -> bool:
    """An eve object with its flow, or a line of ``fast.log``."""
    if text[:1] == b"{":
        return _EVE.match(text) is not None and b'"event_type":' in text[:400]
    return _FAST.match(text) is not None


def joins(lines: list[bytes], line: bytes) -> bool:
    """Whether ``line`` is another event of the same flow."""
    flow = _flow(line)
    return flow is not None and flow == _flow(lines[-1])


def complete(lines: list[bytes]) -> bool:
    """Never told; but lines without a flow have nothing to wait for."""
    return _flow(lines[-1]) is None


def read(record: Record, said: Said) -> Failure | None:
    """The failure that the events of one flow tell of; None for what is no broken handshake."""
    if said.rank == TRIGGER_RANK:
        return None
    first, _, _ = record.text.partition(b"\n")
    if first[:1] != b"{":
        return _from_fast(record, said)
    events = [event for line in record.text.split(b"\n")[:64] if (event := _event(line))]
    if not events:
        return None
    client, port, server = _ends(events[0])
    tls = next((tls for event in events if isinstance(tls := event.get("tls"), dict)), {})
    sni = _text(tls.get("sni"))
    host = names.host(sni) if sni else None
    given = record.settings.hosts.get(server)
    failure = _failure(record, said, events[0]["name"])
    failure.time, failure.resolution = timestamps.leading(first, record.settings) or (record.time, 1.0)
    failure.host = host or (names.host(given) if given else None)
    failure.peer = names.peer(client, port)
    failure.sni_sent = True if host else None
    failure.protocol = _text(tls.get("version")) or None
    return failure


def _failure(record: Record, said: Said, message: str) -> Failure:
    reason, rejected_by = judge(said, "downstream")
    return Failure(
        time=record.time,
        direction="downstream",
        reason=reason,
        rejected_by=rejected_by,
        alert=said.alert,
        message=message.encode("utf-8", "replace")[:300],
        raw=record.text,
        format=NAME,
    )


def _event(line: bytes) -> dict[str, Any] | None:
    """An alert of the TLS decoder's rules or an anomaly of its; ``name`` is what it is called."""
    try:
        event = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(event, dict):
        return None
    kind = event.get("event_type")
    details = event.get(kind) if kind in ("alert", "anomaly") else None
    if not isinstance(details, dict):
        return None
    name = _text(details.get("signature" if kind == "alert" else "event"))
    if kind == "alert" and not name.startswith(_SIGNATURE):
        return None
    if kind == "anomaly" and event.get("app_proto") != "tls":
        return None
    return {**event, "name": name} if name else None


def _ends(event: dict[str, Any]) -> tuple[str, str, str]:
    """Client, its port, and ``server:port``: the flow's own ends, else the packet's by its direction."""
    flow = event.get("flow")
    if isinstance(flow, dict) and "src_ip" in flow:
        ends = (flow.get("src_ip"), flow.get("src_port"), flow.get("dest_ip"), flow.get("dest_port"))
    elif event.get("direction") == "to_client":
        ends = (event.get("dest_ip"), event.get("dest_port"), event.get("src_ip"), event.get("src_port"))
    else:
        ends = (event.get("src_ip"), event.get("src_port"), event.get("dest_ip"), event.get("dest_port"))
    client, port, server, listener = map(_text, ends)
    return client, port, f"{server}:{listener}"


def _from_fast(record: Record, said: Said) -> Failure | None:
    line = _FAST.match(record.text)
    if line is None or not line["signature"].startswith(_SIGNATURE.encode()):
        return None
    failure = _failure(record, said, line["signature"].decode("utf-8", "replace"))
    when = b"%b-%b-%b %b" % (line["year"], line["month"], line["day"], line["clock"])
    with suppress(ValueError):
        failure.time, failure.resolution = timestamps.iso(when, record.settings.zone), timestamps.resolution_of(when)
    failure.peer = names.peer(line["near"])
    return failure


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value[:400]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


@remembered(1024)
def _flow(line: bytes) -> bytes | None:
    found = _EVE.match(line)
    return found["flow"] if found else None
