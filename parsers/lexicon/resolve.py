"""Which of several texts in one record tells why: the most specific, and among equals the one nearest the cause."""

import re
from collections.abc import Sequence
from typing import Final

from parsers.lexicon import codes
from parsers.lexicon.entry import MEANINGFUL, Entry
from parsers.lexicon.said import Said
from parsers.vocabulary import Direction

CHAINED: Final = frozenset(
    {
        "java", "netty", "bouncy_castle", "okhttp", "kafka", "dotnet", "rustls", "python", "node", "go", "gonet_server",
        "grpc", "postgresql", "haskell", "chromium", "app_wrappers",
    }
)  # fmt: skip
"""Runtimes that print an error chain: the last text is the deepest cause. An OpenSSL queue prints its cause first."""

TRIGGER_RANK: Final = 9
_VETO_RANK: Final = 5
"""From which rank on a ``quiet`` text silences others, unless it states a rank of its own."""
_NUMBER: Final = re.compile(r"-?(?:0x)?[0-9A-Fa-f]{4,9}\Z")
"""A code as a library writes it; rows such as ``SSL alert number 40`` are codes, too, but no library's own."""
_VAGUE: Final = frozenset({"certificate_unknown", "generic_failure", "other", ""})


def resolve(entries: Sequence[Entry], ids: tuple[int, ...], code: str | None) -> Said:
    """The meaning of the matched entries, in the order of their place; ``code`` is the packed code in the record."""
    found = [entries[number] for number in ids]
    leg = _leg(found)
    quiet = [entry for entry in found if entry.kind == "quiet"]
    meanings = _without_contained(_up_to_hint([entry for entry in found if entry.kind in MEANINGFUL]), quiet)
    if quiet:
        silenced_from = min(entry.rank if entry.rank < TRIGGER_RANK else _VETO_RANK for entry in quiet)
        meanings = [entry for entry in meanings if entry.rank < silenced_from]
    if not meanings:
        triggers = [entry for entry in found if entry.kind == "trigger"]
        deciding = quiet or triggers or found
        return Said(
            reason="generic_failure",
            rejected_by="unknown",
            rank=TRIGGER_RANK,
            leg=leg,
            ids=ids,
            winner=deciding[0].id if deciding else -1,
            is_failure=bool(triggers) and not quiet,
        )
    winner = _winner(meanings)
    reason, rejected_by, alert, rank = winner.reason, winner.rejected_by, winner.alert, winner.rank
    if code is not None and winner.kind == "packed":
        decoded = codes.decode(code)
        if decoded is not None:
            reason, rejected_by, alert, rank = decoded.reason, decoded.rejected_by, decoded.alert, decoded.rank
    if reason == "not_tls" and any(entry.alert == 70 for entry in meanings):
        reason = "version_mismatch"  # "wrong version number" together with a protocol_version alert
    if alert is None:
        alert = next((entry.alert for entry in meanings if entry.alert is not None), None)
    if code is None:
        code = next((entry.text for entry in meanings if entry.kind == "code" and _NUMBER.match(entry.text)), None)
    return Said(
        reason=reason,
        rejected_by=rejected_by,
        rank=rank,
        alert=alert,
        code=code,
        leg=winner.leg or leg,
        ids=ids,
        winner=winner.id,
    )


def _leg(found: list[Entry]) -> Direction | None:
    """The leg that a word made for it tells (``SSL_accept``), else the first text that implies one."""
    for wanted in ({"leg"}, MEANINGFUL | {"trigger", "quiet"}):
        for entry in found:
            if entry.leg is not None and entry.kind in wanted:
                return entry.leg
    return None


def _up_to_hint(meanings: list[Entry]) -> list[Entry]:
    """What follows a hint (Go's ``possibly because of "..."``) is a guess; what stands before it is the error."""
    hints = [index for index, entry in enumerate(meanings) if entry.kind == "hint"]
    return meanings[: hints[-1] + 1] if hints else meanings


def _without_contained(meanings: list[Entry], quiet: list[Entry]) -> list[Entry]:
    """Without texts that are part of a longer one that matched too, for that one says more."""
    if len(meanings) + len(quiet) < 2:
        return meanings
    containers = {entry.text for entry in (*meanings, *quiet) if entry.kind != "code"}
    contained = {
        text
        for text in {entry.text for entry in meanings}
        if any(len(other) > len(text) and text in other for other in containers)
    }
    return [entry for entry in meanings if entry.text not in contained]


def _winner(meanings: list[Entry]) -> Entry:
    best = min(entry.rank for entry in meanings)
    tied = [entry for entry in meanings if entry.rank == best]
    for better in (_is_text, _is_specific, _names_a_side):
        preferred = [entry for entry in tied if better(entry)]
        tied = preferred or tied
    return tied[-1] if any(entry.stack in CHAINED for entry in tied) else tied[0]


def _is_text(entry: Entry) -> bool:
    """A text says more than its code: the same number stands for several texts over the years."""
    return entry.kind not in ("code", "packed")


def _is_specific(entry: Entry) -> bool:
    return entry.rank < _VETO_RANK or entry.reason not in _VAGUE


def _names_a_side(entry: Entry) -> bool:
    return entry.rank < _VETO_RANK or entry.rejected_by != "unknown"
