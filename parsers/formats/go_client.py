"""A Go proxy's own calls that failed in the handshake: what Caddy and Traefik log of an upstream.

Only the error decides; the request that stands beside it holds the client's words. Errors are Go's (``crypto/tls``,
``crypto/x509``, ``net/http``); that they were about a server that was called is for the format to know.
"""

import re
from typing import Final, NamedTuple

from parsers import names
from parsers.formats.app_target import target
from parsers.formats.app_view import View
from parsers.lexicon import Said, judge
from parsers.lexicon import load as load_lexicon
from parsers.lexicon.resolve import TRIGGER_RANK
from parsers.screen import load as load_screen
from parsers.vocabulary import RejectedBy

_SAID_BY_THE_CA: Final = re.compile(rb"acme:error:|acme: error|validation failed|authorizations for these identifiers")
"""What a certificate authority says of its own calls to us."""
_MOST_BYTES: Final = 4_000


class Called(NamedTuple):
    """What an error tells of the server that was called."""

    reason: str
    rejected_by: RejectedBy
    host: str | None
    peer: str | None
    said: Said


def failed_call(error: bytes) -> Called | None:
    """What ``error`` tells; None if it is about something else than a handshake."""
    error = error[:_MOST_BYTES]
    if _SAID_BY_THE_CA.search(error):
        return None
    said = load_lexicon().said(tuple(number for _, number in load_screen().hits(error)), error)
    if not said.is_failure or said.rank == TRIGGER_RANK:
        return None
    reason, rejected_by = judge(said, "upstream")
    host, peer, _ = target(View(error, error))
    return Called(reason, rejected_by, host, peer, said)


def dialed(address: str | None) -> tuple[str | None, str | None]:
    """(host, peer) of ``10.0.0.4:8443``, ``https://api.example:8443`` or ``api.example:8443``."""
    if not address:
        return None, None
    bare = address.partition("://")[2] or address
    bare = bare.partition("/")[0]
    return names.host(bare), names.peer(bare)
