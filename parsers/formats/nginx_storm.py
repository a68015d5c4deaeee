"""nginx error lines in a storm: nearly every line of a block fails, and few of their parts are new.

`read_line` would come to the same, one line after the other; a test holds that. Here a line is cut at three places that
nginx always writes (``*7 ``, ``, client: ``, the end), and each part that was met before is looked up: the head, the
message, and what follows ``, client: `` where that is short (clients come again). The screen sees each message once.
"""

from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from parsers.failure import Change, Failure
from parsers.formats import nginx
from parsers.lexicon.said import Said
from parsers.record import MalformedRecordError, Settings
from parsers.screen import Hit

_Part = TypeVar("_Part")

MEMO: Final = 16_384
"""Parts remembered of each kind; past it all of that kind are forgotten."""
LONGEST_TAIL: Final = 160
"""What follows ``, client: `` is remembered up to this length: longer ones hold a request, and hardly come again."""
ALONE: Final = 64
"""So many lines that nothing is known of may come before a storm is taken to be over."""


class Memo(msgspec.Struct):
    """What a reader keeps between blocks. Only speed depends on it."""

    times: dict[bytes, float] = {}
    heads: set[bytes] = set()
    """What stands between time and ``*``, proven to be nginx's."""
    messages: dict[bytes, nginx.Told | None] = {}
    """Messages that have a hit: what they tell, or None where that is no failed handshake."""
    tails: dict[bytes, tuple[str | None, str | None]] = {}
    """What follows ``, client: `` of a downstream failure -> (host, peer)."""
    clients: set[bytes] = set()
    """``, client: 192.0.2.7`` of upstream failures, proven to be an address's place."""
    upstreams: dict[bytes, tuple[str | None, str | None]] = {}
    """``, upstream: "https://198.51.100.7:443`` -> (host, peer)."""

    def learn(self, text: bytes, end: int, tail: bytes, failure: Failure) -> None:
        """A line was read: its time and its far end will be known when they come again. ``end``: of its message."""
        far = (failure.host, failure.peer)
        if failure.direction == "downstream":
            if len(tail) <= LONGEST_TAIL:
                _remember(self.tails, tail, far)
        else:
            client = text[end : text.find(b",", end + 10)]
            if len(self.clients) >= MEMO:
                self.clients.clear()
            self.clients.add(client)
            if tail and len(tail) <= LONGEST_TAIL:
                _remember(self.upstreams, tail, far)
        if failure.time is not None:
            _remember(self.times, text[:19], failure.time)


class Storm(msgspec.Struct):
    """What was read up to ``at``: the end, or where lines no longer fail alike."""

    at: int
    candidates: int = 0
    unrecognized: list[bytes] = []


def read_storm(
    block: bytes,
    at: int,
    limit: int,
    settings: Settings,
    memo: Memo,
    hits_of: Callable[[bytes], list[Hit]],
    meaning: Callable[[tuple[int, ...], bytes], Said],
    failures: list[Failure],
    changes: list[Change],
) -> Storm:
    """Reads lines of ``block[at:limit]`` into ``failures`` and ``changes``. About 1.1 us a known line.

    Lines of one second that are alike but for the client are one `Failure` with a ``count``.
    """
    storm = Storm(at)
    known, times, heads = memo.messages, memo.times, memo.heads
    tails, clients, upstreams = memo.tails, memo.clients, memo.upstreams
    find, find_in = block.find, bytes.find
    now: float | None = None
    alike: dict[tuple[bytes, str | None], Failure] = {}
    candidates = alone = lines = 0
    while at < limit:
        stop = find(b"\n", at, limit)
        if stop < 0:
            break
        text = block[at:stop]
        star = text.find(b" *", 20, 80)
        begin = text.find(b" ", star + 2)
        end = text.find(b", client: ", begin)
        if star < 0 or begin < 0 or end < 0 or text[-1] == _RETURN:
            break
        head = text[19:star]
        if (head not in heads and not _is_head(text, star, head, memo)) or not text[star + 2 : begin].isdigit():
            break
        message = text[begin + 1 : end]
        lines += 1
        told = known.get(message, _UNKNOWN)
        if told is _UNKNOWN:
            if b"certificate.lua:" in message:
                break  # ingress-nginx's own
            alone += 1
            if alone > ALONE and 4 * alone > lines:
                break
            hits = hits_of(text)
            if any(begin < place <= end for place, _ in hits):
                if len(known) >= MEMO:
                    known.clear()
                known[message] = nginx.told_by(message)
            elif hits:
                candidates += 1
                _read_alone(
                    text, meaning(tuple([number for _, number in hits]), text), settings, storm, failures, changes
                )
                at = stop + 1
                continue
            else:
                at = stop + 1
                continue
            told = known[message]
        candidates += 1
        at = stop + 1
        if told is None:
            continue
        direction = told.direction
        far = None
        if direction == "downstream":
            tail = text[end:]
            far = tails.get(tail)
        else:
            comma = find_in(text, b",", end + 10)
            begins = text.find(b', upstream: "', comma) if text[end:comma] in clients else -1
            tail = text[begins : text.find(b"/", begins + 21)] if begins >= 0 else b""
            far = upstreams.get(tail)
        time = times.get(text[:19])
        if far is not None and time is not None:
            host, peer = far
            if time != now:
                now = time
                alike.clear()
            like = alike.get((message, host))
            if like is None:
                like = Failure(
                    time, direction, told.reason, told.rejected_by, told.host or host, peer, None, None, None,
                    told.alert, told.code, told.message, text, nginx.NAME, 1.0, told.channel, 1, {},
                )  # fmt: skip
                failures.append(like)
                if not told.channel:  # a failure that its twin may tell again is admitted by itself
                    alike[message, host] = like
            else:
                like.count += 1
                if peer is not None:
                    others = like.other_peers
                    others[peer] = others.get(peer, 0) + 1  # type: ignore[index, union-attr]
            continue
        before = len(failures)
        _read_alone(text, _NOTHING_SAID, settings, storm, failures, changes)
        if len(failures) > before and told.host is None:
            memo.learn(text, end, tail, failures[-1])
    storm.at = at
    storm.candidates = candidates
    return storm


_RETURN: Final = ord("\r")
_UNKNOWN: Final = nginx.Told("downstream", b"", "other", "unknown")
_NOTHING_SAID: Final = Said(reason="other", rejected_by="unknown", rank=9)
"""nginx asks the lexicon for the message alone, so what the whole line said is not needed."""


def _remember(parts: dict[bytes, _Part], part: bytes, meaning: _Part) -> None:
    if len(parts) >= MEMO:
        parts.clear()
    parts[part] = meaning


def _is_head(text: bytes, star: int, head: bytes, memo: Memo) -> bool:
    """Whether time and head are nginx's; a head that is one is remembered."""
    found = nginx.head_of(text)
    if found is None or not text.startswith(b" *", star) or found.end() <= star or text[19:20] != b" ":
        return False
    if len(memo.heads) >= MEMO:
        memo.heads.clear()
    memo.heads.add(head)
    return True


def _read_alone(
    text: bytes, said: Said, settings: Settings, storm: Storm, failures: list[Failure], changes: list[Change]
) -> None:
    try:
        found = nginx.read_line(text, said, settings)
    except MalformedRecordError:
        storm.unrecognized.append(text)
        return
    if isinstance(found, Failure):
        failures.append(found)
    elif found is not None:
        changes.append(found)
