"""Kafka brokers and clients, RabbitMQ and other Erlang servers.

Texts: Apache Kafka 0.10 to 4.x, ``clients/src/main/java/org/apache/kafka/common/network/Selector.java``,
``NetworkClient.java``; Erlang/OTP ``lib/ssl/src/ssl_alert.erl``, RabbitMQ ``rabbit_reader.erl``. A broker names the
cause of a failed handshake at DEBUG only; what failed as SASL is no TLS.
"""

import re
from typing import Final

from parsers import names
from parsers.formats.app_heard import NOT_MINE, Answer, Heard
from parsers.formats.app_view import View
from parsers.lexicon.said import Said
from parsers.vocabulary import Direction

_BROKER: Final = re.compile(
    rb"Failed authentication with (?:(?P<name>[\w.-]{0,253})/)?(?P<ip>[0-9a-fA-F.:]{2,45}) "
    rb"(?:\(channelId=(?P<channel>[^)\s]{1,120})\) )?\((?P<why>[^\n]{0,600}?)\)(?: \(org\.apache\.|\s*$|\n)"
)
_CHANNEL: Final = re.compile(
    rb"-(?P<ip>\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F:]{3,45}):(?P<port>\d{1,5})-\d{1,9}(?:-\d{1,9})?\Z"
)
_CLIENT: Final = re.compile(
    rb"Connection to node -?\d{1,10} \((?P<name>[\w.-]{0,253})/(?P<ip>[0-9a-fA-F.:]{0,45}):(?P<port>\d{1,5})\) "
    rb"failed authentication due to: (?P<why>[^\n]{0,300})"
)
_OF_TLS: Final = re.compile(rb"(?i)\b(?:ssl|tls)\b|handshake|certificat|PKIX")
_OF_SASL: Final = re.compile(rb"(?i)\bsasl\b|credentials|Authentication failed|mechanism|token")

_ALERT: Final = re.compile(
    rb"TLS :?(?P<side>server|client): In state :?\w{1,60} (?:at [^\n]{1,200} )?(?P<what>(?:generated|received) "
    rb"(?:SERVER|CLIENT) ALERT: Fatal - [^\n]{1,300})"
)
_UPGRADE: Final = re.compile(
    rb"(?:accepting AMQP connection|Error on AMQP connection) [^\n]{0,100}?"
    rb"(?P<ip>\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:]{2,45}\]):(?P<port>\d{1,5})"
    rb" -> "
)


_DETAIL: Final = re.compile(rb"(?P<process><\d{1,9}\.\d{1,9}\.\d{1,9}>)  - [{\w]")
_PROCESS: Final = re.compile(rb"<\d{1,9}\.\d{1,9}\.\d{1,9}>")


def opens(line: bytes) -> bool:
    """RabbitMQ puts its head on every line, so what an alert was about is a record of its own."""
    return _ALERT.search(line) is not None and _PROCESS.search(line) is not None


def joins(lines: list[bytes], line: bytes) -> bool:
    """The detail of the same Erlang process."""
    detail, process = _DETAIL.search(line), _PROCESS.search(lines[0])
    return detail is not None and process is not None and detail["process"] == process[0]


def complete(lines: list[bytes]) -> bool:
    """An alert that was received has no detail; one that was sent has one at most."""
    return len(lines) > 1 or b" received " in lines[0] or b"{" in lines[0].rpartition(b"Fatal - ")[2]


def hear(seen: View, said: Said) -> Answer:
    """The failure in one record of a broker, or of its client."""
    text = seen.text
    if b"Failed authentication with " in text and (broker := _BROKER.search(text)) is not None:
        why = broker["why"]
        if _OF_SASL.search(why) and not re.search(rb"(?i)ssl|tls", why):
            return None
        if not _OF_TLS.search(why):
            return None
        if re.search(rb"(?i)\bsasl\b", why):
            return None
        channel = _CHANNEL.search(broker["channel"] or b"")
        # A channel is LOCAL:PORT-REMOTE:PORT-index.
        return Heard("downstream", why, names.peer(broker["ip"], channel["port"] if channel else None))
    if b"failed authentication due to: " in text and (client := _CLIENT.search(text)) is not None:
        if not _OF_TLS.search(client["why"]) or re.search(rb"(?i)\bsasl\b", client["why"]):
            return None
        host = names.host(client["name"])
        peer = names.peer(client["ip"], client["port"]) if client["ip"] else None
        return Heard("upstream", client["why"], peer, host)
    alert = _ALERT.search(text)
    if alert is not None:
        leg: Direction = "downstream" if alert["side"] == b"server" else "upstream"
        if b"unsupported_record_type" in text:
            return Heard(leg, alert["what"], _upgraded(text), None, "not_tls", "local")
        return Heard(leg, alert["what"], _upgraded(text))
    if _DETAIL.search(text) is not None:
        return None
    return NOT_MINE


def _upgraded(text: bytes) -> str | None:
    """RabbitMQ names the connection (``CLIENT:PORT -> SERVER:PORT``) only on records of its own reader."""
    found = _UPGRADE.search(text)
    return names.peer(found["ip"], found["port"]) if found else None
