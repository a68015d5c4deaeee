"""TLS alerts in a packet capture's text: tshark's summary, its -V and JSON output, tcpdump -X."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import msgspec

from parsers import names
from parsers.failure import Failure
from parsers.lexicon import load as load_lexicon
from parsers.lexicon.said import Said
from parsers.vocabulary import Direction, RejectedBy

MOST_ALERTS: Final = 50

_ADDRESS: Final = r"[0-9A-Fa-f.:]{3,45}"
_SUMMARY: Final = re.compile(
    rf"^\s{{0,9}}\d{{1,9}}\s+[\d.:-]{{1,30}}\s+(?P<src>{_ADDRESS})\s+(?:→|->)\s+(?P<dst>{_ADDRESS})\s+"
    r"(?:TLSv[\d.]{1,4}|SSLv[23]|SSL|TLS|DTLSv[\d.]{1,4})\s[^\n]{0,200}?(?P<what>Client Hello|Alert \(Level: \w{1,10}, "
    r"Description: (?P<name>[A-Za-z ]{1,40})\))(?:[^\n]{0,80}?SNI=(?P<sni>[\w.-]{1,253}))?",
    re.MULTILINE,
)
_FRAME: Final = re.compile(r"^(?:Frame \d{1,9}: |[ ]{0,8}\"_source\": \{)", re.MULTILINE)
_FIELDS: Final[dict[str, re.Pattern[str]]] = {
    name: re.compile(shape)
    for name, shape in {
        "src": rf"(?:Internet Protocol[^\n]{{0,40}}, Src: |\"ipv?6?\.src\": \")(?P<v>{_ADDRESS})",
        "dst": rf"(?:Internet Protocol[^\n]{{0,80}}, Dst: |\"ipv?6?\.dst\": \")(?P<v>{_ADDRESS})",
        "sport": r"(?:Transmission Control Protocol, Src Port: |\"tcp\.srcport\": \")(?P<v>\d{1,5})",
        "dport": r"(?:Transmission Control Protocol[^\n]{0,40}, Dst Port: |\"tcp\.dstport\": \")(?P<v>\d{1,5})",
        "time": r"(?:Epoch Time: |Epoch Arrival Time: |\"frame\.time_epoch\": \")(?P<v>\d{10}\.\d{1,9})",
        "alert": r"(?:Description: [A-Za-z ]{1,40}\(|\"tls\.alert_message\.desc\": \")(?P<v>\d{1,3})",
        "sni": r"(?:Server Name: |\"tls\.handshake\.extensions_server_name\": \")(?P<v>[\w.-]{1,253})",
    }.items()
}
_TCPDUMP: Final = re.compile(
    rf"^[\d:.\- ]{{0,30}}IP6? (?P<src>{_ADDRESS})\.(?P<sport>\d{{1,5}}) > "
    rf"(?P<dst>{_ADDRESS})\.(?P<dport>\d{{1,5}}): [^\n]*"
    r"(?P<hex>(?:\n[ \t]{1,16}0x[0-9a-f]{4}:  ?[0-9a-f ]{4,45}[^\n]*)+)",
    re.MULTILINE,
)
_HEX: Final = re.compile(r"0x[0-9a-f]{4}:  ?((?:[0-9a-f]{2,4} ){1,8})")
_ALERT_RECORD: Final = re.compile(rb"\x15\x03[\x00-\x04]\x00\x02[\x01\x02](?P<alert>.)\Z", re.DOTALL)
_EPHEMERAL: Final = 32_768
_FROM_SERVERS: Final = frozenset({40, 70, 71, 86, 109, 112, 116, 120})
_FROM_CLIENTS: Final = frozenset({42, 43, 44, 45, 46, 48, 113})


class _Packet(msgspec.Struct):
    """One packet with a fatal alert, or a Client Hello (``alert`` None)."""

    src: str
    dst: str
    sport: int | None
    dport: int | None
    alert: int | None
    time: float | None = None
    sni: str | None = None


def alerts_in_capture(text: str, hop: str | None) -> list[tuple[Failure, Said]]:
    """A failure for each TLS alert in a capture's text, each kind once; empty where it is no capture.

    It is told as the server saw it, or, for an ``app``, as the client did.
    """
    packets = [*_summaries(text), *_frames(text), *_dumps(text)]
    servers = {(packet.dst, packet.dport) for packet in packets if packet.alert is None}
    clients = {(packet.src, packet.sport) for packet in packets if packet.alert is None}
    name = next((packet.sni for packet in packets if packet.sni), None)
    found: dict[tuple[int, str, str], tuple[Failure, Said]] = {}
    for packet in packets:
        entry = None if not packet.alert else load_lexicon().alert(packet.alert)
        if entry is None or packet.alert is None:
            continue
        from_server = _is_from_server(packet, servers, clients)
        direction: Direction = "upstream" if hop == "app" else "downstream"
        here_is_server = direction == "downstream"
        by: RejectedBy = "unknown"
        if from_server is not None:
            by = "local" if from_server == here_is_server else "peer"
        far = _far_end(packet, from_server, here_is_server)
        said = Said(entry.reason, "peer", entry.rank, packet.alert, None, None, (entry.id,), entry.id)
        reason, _ = load_lexicon().judge(said, direction) if by == "peer" else (_sent(said, direction), by)
        message = f"TLS alert {entry.source.rpartition(': ')[2]} ({packet.alert}), {packet.src} to {packet.dst}"
        found.setdefault(
            (packet.alert, packet.src, packet.dst),
            (
                Failure(
                    packet.time,
                    direction,
                    reason,
                    by,
                    host=names.host(name) if name else None,
                    peer=far,
                    alert=packet.alert,
                    message=message.encode(),
                    raw=message.encode(),
                    format="app",
                ),
                said,
            ),
        )
        if len(found) >= MOST_ALERTS:
            break
    return list(found.values())


def _sent(said: Said, direction: Direction) -> str:
    """The reason where the side that tells it sent the alert: one about a certificate is about the far end's."""
    about_certificates = said.alert in _FROM_CLIENTS or said.alert == 49
    return "rejected" if direction == "downstream" and about_certificates else said.reason


def _summaries(text: str) -> Iterator[_Packet]:
    for line in _SUMMARY.finditer(text):
        entry = _alert_called(line["name"]) if line["name"] else None
        if line["name"] is None or entry is not None:
            yield _Packet(line["src"], line["dst"], None, None, entry, None, line["sni"])


def _frames(text: str) -> Iterator[_Packet]:
    starts = [match.start() for match in _FRAME.finditer(text)]
    for start, stop in pairwise([*starts, len(text)]):
        frame = text[start : min(stop, start + 64_000)]
        got = {name: match["v"] for name, shape in _FIELDS.items() if (match := shape.search(frame))}
        if "src" not in got or "dst" not in got or not ("alert" in got or "sni" in got):
            continue
        yield _Packet(
            got["src"],
            got["dst"],
            int(got["sport"]) if "sport" in got else None,
            int(got["dport"]) if "dport" in got else None,
            int(got["alert"]) if "alert" in got else None,
            float(got["time"]) if "time" in got else None,
            got.get("sni"),
        )


def _dumps(text: str) -> Iterator[_Packet]:
    for packet in _TCPDUMP.finditer(text):
        digits = "".join(words.replace(" ", "") for words in _HEX.findall(packet["hex"].replace("\n", " \n") + " "))
        record = _ALERT_RECORD.search(bytes.fromhex(digits[: len(digits) // 2 * 2]))
        if record is not None:
            yield _Packet(packet["src"], packet["dst"], int(packet["sport"]), int(packet["dport"]), record["alert"][0])


def _is_from_server(
    packet: _Packet, servers: set[tuple[str, int | None]], clients: set[tuple[str, int | None]]
) -> bool | None:
    """By who said hello, else by who has the passing port, else by what only one side says; None: can't tell."""
    here = (packet.src, packet.sport)
    if here in servers and here not in clients:
        return True
    if here in clients and here not in servers:
        return False
    if packet.sport is not None and packet.dport is not None:
        passing = (packet.sport >= _EPHEMERAL, packet.dport >= _EPHEMERAL)
        if passing[0] != passing[1]:
            return passing[1]
    if packet.alert in _FROM_SERVERS:
        return True
    return False if packet.alert in _FROM_CLIENTS else None


def _far_end(packet: _Packet, from_server: bool | None, here_is_server: bool) -> str | None:
    if from_server is None:
        return None
    source_is_far = from_server != here_is_server
    address, port = (packet.src, packet.sport) if source_is_far else (packet.dst, packet.dport)
    return names.peer(address, str(port) if port else None)


def _alert_called(name: str) -> int | None:
    wanted = name.strip().lower()
    for entry in load_lexicon().entries:
        if entry.kind == "alert" and entry.source.rpartition(": ")[2].replace("_", " ") == wanted:
            return int(entry.text)
    return None
