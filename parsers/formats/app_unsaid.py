"""Handshakes cut off by the socket: no TLS stack said a word, only the surroundings tell that one was under way.

A bare reset or end of file proves nothing, so each of these wants its proof on the same line or in the same trace.
"""

import re
from typing import Final

from parsers.vocabulary import Direction, RejectedBy

Told = tuple[str, RejectedBy, Direction | None]

_RESET: Final[Told] = ("reset", "peer", "upstream")
_CLOSED: Final[Told] = ("closed_by_peer", "peer", "upstream")

_ENDS: Final[tuple[tuple[re.Pattern[bytes], re.Pattern[bytes], Told], ...]] = tuple(
    (re.compile(end), re.compile(proof, re.DOTALL), told)
    for end, proof, told in (
        # aiohttp: connecting includes the handshake, and a refused TCP connect has its own words inside the brackets
        (
            rb"\[(?:\[Errno 104\] )?Connection reset by peer\]",
            rb"Cannot connect to host [^\s]{1,300} ssl:(?!None|False)",
            _RESET,
        ),
        (
            rb"[ >]\[None\]",
            rb"Cannot connect to host [^\s]{1,300} ssl:(?!None|False)",
            ("generic_failure", "unknown", "upstream"),
        ),
        # httpx: a ConnectError comes before the first byte of HTTP; urllib3: the same, or a lost idle connection
        (rb"ConnectError: \[Errno 104\] Connection reset by peer", rb"https://|start_tls", _RESET),
        (rb"'Connection aborted\.', ConnectionResetError\(104", rb"https://|HTTPSConnection", _RESET),
        (rb"\bConnectionResetError: \[Errno 104\]", rb"for incoming connection\n", ("reset", "peer", "downstream")),
        (rb"\bConnectionResetError: \[Errno 104\]", rb"do_handshake\(|start_tls", ("reset", "peer", None)),
        # Go: Transport.RoundTrip of an https URL, without a TLS or HTTP error of its own
        (rb'": (?:unexpected )?EOF\b', rb'"https://[^"\n]{1,2000}\Z', _CLOSED),
        (rb'": (?:read|write) tcp [^\n]{1,200}: connection reset by peer', rb'"https://[^"\n]{1,2000}\Z', _RESET),
    )
)
"""(how it ended, what must stand before it on that line or in that trace, what it was)"""

_TIMED_OUT: Final = b"timed out after "
_HELLO_SENT: Final = b"(OUT), TLS handshake, Client hello"
_ESTABLISHED: Final = (b"SSL connection using ", b"TLS handshake, Finished (20)")
_BEFORE_ON_LINE: Final = 2100
_BEFORE_IN_TRACE: Final = 16_000
_MOST_BYTES: Final = 65_536


def unsaid(text: bytes) -> Told | None:
    """Reason, who gave up and leg where only the socket's error stands in a handshake's surroundings."""
    text = text[:_MOST_BYTES]
    for end, proof, told in _ENDS:
        found = end.search(text)
        if found is None:
            continue
        reach = _BEFORE_IN_TRACE if b"\n" in text[: found.start()] else _BEFORE_ON_LINE
        if proof.search(text, max(0, found.start() - reach), found.start()):
            return told
    return _hello_without_answer(text)


def _hello_without_answer(text: bytes) -> Told | None:
    """``curl -v``: the hello went out, the time ran out, and nothing came that ends a handshake."""
    hello, end = text.find(_HELLO_SENT), text.rfind(_TIMED_OUT)
    if hello < 0 or end < hello or any(word in text[hello:end] for word in _ESTABLISHED):
        return None
    return "timeout", "local", "upstream"
