"""Which entries of the lexicon stand in a record, and why one of them won over the others."""

from collections.abc import Sequence
from typing import Any, Final

from parsers.lexicon.entry import MEANINGFUL, Entry
from parsers.lexicon.resolve import CHAINED
from parsers.lexicon.said import Said

MOST: Final = 20
"""Entries told; a record of a megabyte may hold thousands."""

RANKS: Final = {
    0: "the user's own text",
    1: "a certificate's fault by name",
    2: "a local decision with a named reason",
    3: "an alert received",
    4: "the connection ended inside the handshake",
    5: '"certificate verify failed" and no more',
    6: "says that it failed, not why",
    9: "only marks the line",
}


def matched(entries: Sequence[Entry], said: Said) -> list[dict[str, Any]]:
    """``{text, stack, reason, rank, source, won}`` of each entry once, by place; the winner is there."""
    ids = list(dict.fromkeys(said.ids))
    shown = ids[:MOST]
    if said.winner in ids and said.winner not in shown:
        shown[-1] = said.winner
    return [_told(entries[number], number == said.winner) for number in shown]


def why(entries: Sequence[Entry], said: Said, reason: str) -> str:
    """One sentence: why the winner won, and whether the format then read more than it says."""
    if said.winner < 0:
        return "no text of the lexicon decided; the format read it from its own fields"
    winner = entries[said.winner]
    if winner.kind == "trigger" or said.rank >= 9:
        return f'"{winner.text}" marks the record; the format read the reason from its own fields'
    others = [
        entries[number]
        for number in dict.fromkeys(said.ids)
        if number != said.winner and entries[number].kind in MEANINGFUL
    ]
    name = f"{winner.kind.replace('_', ' ')} {winner.text}" if winner.text.isdigit() else f'"{winner.text}"'
    told = f"{name} ({winner.stack}) decided: {_because(winner, others)}"
    if reason != said.reason:
        told += f"; {said.reason} means {reason} on this leg"
    return told


def _because(winner: Entry, others: list[Entry]) -> str:
    rank = f"{RANKS.get(winner.rank, 'a text')} (rank {winner.rank})"
    rivals = [other for other in others if other.text not in winner.text]
    if not rivals:
        return f"{rank}, and nothing else in the record says why"
    best = min(rivals, key=lambda other: other.rank)
    if best.rank > winner.rank:
        return f'{rank} says more than "{best.text}": {RANKS.get(best.rank, "a text")} (rank {best.rank})'
    if best.rank < winner.rank:
        return f'{rank}; "{best.text}" is part of a longer text, or is called a mere guess by the record itself'
    if best.reason == winner.reason:
        return f'{rank}; "{best.text}" says the same'
    if winner.stack in CHAINED:
        return f"{rank}, the last of equals: {winner.stack} prints a chain of errors, and the cause comes last"
    return f'{rank}, before "{best.text}": the first of equals, for an error queue begins with its cause'


def _told(entry: Entry, won: bool) -> dict[str, Any]:
    return {
        "text": entry.text,
        "stack": entry.stack,
        "reason": entry.reason or None,
        "rank": entry.rank,
        "source": entry.source,
        "won": won,
    }
