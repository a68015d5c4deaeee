"""Which stream calls which: the hops in path order, or as ``follows`` says."""

import msgspec

from parsers.vocabulary import HOPS


class StreamInfo(msgspec.Struct, frozen=True):
    name: str
    hop: str
    follows: tuple[str, ...] = ()
    """Streams that this one's own connections go to; empty: the next hop on the path (nothing for ``app``)."""


class Topology:
    """Answers who is at the other end of a stream's upstream or downstream leg.

    The path is edge, lb, ingress, mesh, as far as streams for them exist. An ``app`` stream is a client: it calls what
    it ``follows``, and without that nobody knows what it calls.
    """

    def __init__(self, streams: list[StreamInfo]) -> None:
        self.streams = {stream.name: stream for stream in streams}
        path = [hop for hop in HOPS if hop != "app"]
        present = [hop for hop in path if any(s.hop == hop for s in streams)]
        self._calls: dict[str, tuple[str, ...]] = {}
        for stream in streams:
            if stream.follows:
                self._calls[stream.name] = tuple(name for name in stream.follows if name in self.streams)
            elif stream.hop in present[:-1]:
                following = present[present.index(stream.hop) + 1]
                self._calls[stream.name] = tuple(s.name for s in streams if s.hop == following)
            else:
                self._calls[stream.name] = ()

    def hop(self, stream: str) -> str:
        return self.streams[stream].hop

    def calls(self, stream: str) -> tuple[str, ...]:
        """Streams at the far end of ``stream``'s upstream leg; empty: beyond the last hop seen, or not known."""
        return self._calls.get(stream, ())

    def called_by(self, stream: str) -> tuple[str, ...]:
        """Streams whose upstream leg ends at ``stream``; empty: its clients are not seen."""
        return tuple(name for name, called in self._calls.items() if stream in called)

    def depth(self, stream: str) -> int:
        """Place on the path, clients first; orders lanes and settles what nothing else settles."""
        hop = self.streams[stream].hop if stream in self.streams else "app"
        return -1 if hop == "app" else HOPS.index(hop)
