"""Envoy's application log: its own ``[time][thread][level][component]`` layout, and istio-proxy's tab-separated one.

One failed handshake leaves up to four lines here, all of one thread within a millisecond or two: the validator's
``verify cert failed`` with the cause, the socket's ``remote address:...`` with the peer, and on an upstream leg what
pool and router make of it. They are joined; each alone tells of the failure, too.
"""

import re
from typing import Final

from parsers import names
from parsers.failure import Failure
from parsers.formats.envoy_reason import judged, server_rejects, when
from parsers.lexicon.said import Said
from parsers.record import MalformedRecordError, Record
from parsers.vocabulary import Direction

JOIN_SECONDS: Final = 0.5

_HEAD: Final = re.compile(
    rb"""
    (?:
        \[\d{4}-\d\d-\d\d[ ]\d\d:\d\d:\d\d\.\d{3}\]
        \[(?P<thread>\d{1,12})\]\[\w{1,12}\]\[(?P<component>\w{1,40})\][ ]
        (?:\[[^\]\s]{1,200}\][ ])?
      | \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,9}Z\t\w{1,12}\tenvoy[ ](?P<istio_component>\w{1,40})\t
        (?:[^\s\[]{1,200}:\d{1,6}\t)?
    )
    (?:\[Tags:[ ][^\]\n]{0,200}\][ ]|(?:\[C\d{1,20}\])?(?:\[S\d{1,20}\])?[ ]?)
    (?P<message>[^\n]{0,8000})
    """,
    re.VERBOSE,
)
_THREAD: Final = re.compile(rb"\tthread=(\d{1,12})\s{0,2}\Z")
_REMOTE: Final = re.compile(rb"remote address:(?P<peer>[0-9a-fA-F.:\[\]]{2,60}),")
_TLS_REASON: Final = re.compile(rb"(?:TLS|SSL)[ _]error[:|]")
_LOST: Final = b"handshake error: 5"
"""``SSL_ERROR_SYSCALL``: the connection ended; 2 and 3 are progress, 1 has the reason on a line of its own."""
_VALIDATOR: Final = b"verify cert failed"
_UPSTREAM_COMPONENTS: Final = frozenset({b"pool", b"router", b"http", b"http2", b"upstream", b"hc", b"health_checker"})
_EPHEMERAL: Final = 32_768
"""First port a client's end of a connection gets (Linux ``ip_local_port_range``); services listen below it."""


def claims(text: bytes) -> bool:
    return _HEAD.match(text) is not None


def read(record: Record, said: Said) -> Failure | None:
    lines = [head for head in map(_HEAD.match, record.text.split(b"\n")) if head is not None]
    if not lines:
        raise MalformedRecordError("no Envoy application log head")
    telling = [head for head in lines if _tells(head["message"])]
    if not telling:
        return None
    remote = next((found for head in telling if (found := _REMOTE.search(head["message"]))), None)
    peer = names.peer(remote["peer"]) if remote else None
    upstream_words = any(_component(head) in _UPSTREAM_COMPONENTS for head in telling)
    direction = _direction(said, b"\n".join(head["message"] for head in telling), peer, upstream_words)
    time, resolution = when(record)
    failure = judged(said, direction, time=time, peer=peer, message=_message(telling))
    failure.resolution = resolution
    failure.channel = "error"
    return failure


def joins(lines: list[bytes], line: bytes) -> bool:
    """A validator's line goes on with its socket's line, that with what pool and router say of it; one thread only."""
    previous, following = _HEAD.match(lines[-1]), _HEAD.match(line)
    if previous is None or following is None or _thread(previous) != _thread(following):
        return False
    if not _tells(previous["message"]) or _TLS_REASON.search(following["message"]) is None:
        return False
    if _REMOTE.search(following["message"]):
        return previous["message"].startswith(_VALIDATOR)
    return _component(following) in _UPSTREAM_COMPONENTS


def complete(lines: list[bytes]) -> bool:
    """Whether nothing more belongs to it: only a validator's line, or one that looks upstream, waits for another."""
    last = _HEAD.match(lines[-1])
    if last is None or not _tells(last["message"]) or len(lines) >= 4:
        return True
    if last["message"].startswith(_VALIDATOR):
        return False
    remote = _REMOTE.search(last["message"])
    return remote is not None and _looks_downstream(names.peer(remote["peer"]))


def _tells(message: bytes) -> bool:
    return message.startswith((_VALIDATOR, _LOST)) or _TLS_REASON.search(message) is not None


def _component(head: re.Match[bytes]) -> bytes:
    return head["component"] or head["istio_component"] or b""


def _thread(head: re.Match[bytes]) -> bytes:
    if head["thread"]:
        return head["thread"]
    tail = _THREAD.search(head["message"])
    return tail[1] if tail else b""


def _direction(said: Said, message: bytes, peer: str | None, upstream_words: bool) -> Direction:
    """Both legs are logged alike, so the surroundings tell: the writer, what only a server says, the peer's port."""
    if upstream_words:
        return "upstream"
    server = server_rejects(said, message)
    if server is not None:
        return "downstream" if server == "local" else "upstream"
    if peer is not None and peer.rpartition(":")[2].isdigit() and (":" in peer):
        return "downstream" if _looks_downstream(peer) else "upstream"
    return "upstream" if said.rejected_by == "local" else "downstream"


def _looks_downstream(peer: str | None) -> bool:
    port = peer.rpartition(":")[2] if peer else ""
    return port.isdigit() and int(port) >= _EPHEMERAL


def _message(telling: list[re.Match[bytes]]) -> bytes:
    """What the validator says (the cause) or, without one, the socket's text."""
    message: bytes = telling[0]["message"]
    remote = _REMOTE.match(message)
    if remote:
        message = message[remote.end() :]
    return _THREAD.sub(b"", message)[:2000]
