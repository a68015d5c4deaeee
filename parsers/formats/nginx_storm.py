"""nginx error lines in a storm: nearly every line of a block fails, and few of their parts are new.

`read_line` would come to the same, one line after the other; a test holds that. Here a line is cut at three places that
nginx always writes (``*7 ``, ``, client: ``, the end), and each part that was met before is looked up: the head, the
message, and what follows ``, client: `` where that is short (clients come again). The screen sees each message once.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from parsers import timestamps
from parsers.failure import Change, Failure
from parsers.formats import nginx
from parsers.lexicon.said import Said
from parsers.record import MalformedRecordError, Settings
from parsers.screen import Hit

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
    """Reads lines of ``block[at:limit]`` into ``failures`` and ``changes``. About 1.3 us a known line."""
    storm = Storm(at)
    known, tails, times, heads = memo.messages, memo.tails, memo.times, memo.heads
    find, local, zone = block.find, timestamps.local, settings.zone
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
        tail = text[end:] if told.direction == "downstream" and stop - at - end < LONGEST_TAIL else b""
        far = tails.get(tail)
        written = text[:19]
        time = times.get(written)
        if far is None or time is None:
            count = len(failures)
            _read_alone(text, _NOTHING_SAID, settings, storm, failures, changes)
            if tail and len(failures) > count:
                if len(tails) >= MEMO:
                    tails.clear()
                tails[tail] = (failures[-1].host, failures[-1].peer)
                if len(times) >= MEMO:
                    times.clear()
                times[written] = local(written, zone)
            continue
        failures.append(
            Failure(
                time, "downstream", told.reason, told.rejected_by, told.host or far[0], far[1], None, None, None,
                told.alert, told.code, told.message, text, nginx.NAME, 1.0, told.channel,
            )
        )  # fmt: skip
    storm.at = at
    storm.candidates = candidates
    return storm


_RETURN: Final = ord("\r")
_UNKNOWN: Final = nginx.Told("downstream", b"", "other", "unknown")
_NOTHING_SAID: Final = Said(reason="other", rejected_by="unknown", rank=9)
"""nginx asks the lexicon for the message alone, so what the whole line said is not needed."""


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
