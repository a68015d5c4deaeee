"""One row of the lexicon, and how the TSV files are read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import msgspec

from parsers.vocabulary import Direction, RejectedBy

Kind = Literal["text", "code", "packed", "hint", "leg", "trigger", "quiet", "weak", "alert", "exit_code"]

SEARCHED: Final[frozenset[str]] = frozenset({"text", "code", "packed", "hint", "leg", "trigger", "quiet"})
"""Kinds that the screen looks for; the others are consulted by number, or on records already picked."""
MEANINGFUL: Final[frozenset[str]] = frozenset({"text", "code", "packed", "hint", "weak", "alert", "exit_code"})
"""Kinds that say why a handshake failed."""

_COLUMNS: Final = ("text", "kind", "reason", "rejected_by", "rank", "leg", "versions", "source", "alert")


class Entry(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What one text, code or number means; columns as in ``parsers/lexicon/README.md``."""

    id: int
    """Place in `Lexicon.entries`; the screen reports it."""
    stack: str
    """Name of the file it stands in: ``openssl``, ``go``, ``nginx`` ..."""
    kind: Kind
    text: str
    reason: str
    """Empty for kinds that carry none (``leg``, ``trigger``, ``quiet``)."""
    rejected_by: RejectedBy
    rank: int
    leg: Direction | None
    versions: str
    source: str
    alert: int | None = None
    """The TLS alert number it stands for, sent or received."""


def files(folder: Path) -> list[tuple[str, bytes]]:
    """(stack, content) of every TSV file of the folder, in the order of their names."""
    return [(path.stem, path.read_bytes()) for path in sorted(folder.glob("*.tsv"))]


def parse(tables: list[tuple[str, bytes]]) -> Iterator[Entry]:
    """Every entry of the tables, numbered in their order.

    Raises:
        ValueError: a row has too few columns, or a word that is none; names file and line.
    """
    number = 0
    for stack, content in tables:
        for line, row in enumerate(content.decode("utf-8").split("\n"), 1):
            if not row or row.startswith(("text\tkind\t", "# ")):
                continue
            cells = row.split("\t")
            if len(cells) == len(_COLUMNS):
                text, kind, reason, rejected_by, rank, leg, versions, source, alert = cells
            elif len(cells) == len(_COLUMNS) - 1:
                text, kind, reason, rejected_by, rank, leg, versions, source = cells
                alert = "-"
            else:
                raise ValueError(f"{stack}.tsv:{line}: {len(cells)} columns, expected {', '.join(_COLUMNS)}")
            yield Entry(
                number,
                stack,
                kind,  # type: ignore[arg-type]  # a test holds every cell of every file to its words
                text.replace("\\t", "\t"),
                "" if reason == "-" else reason,
                "unknown" if rejected_by == "-" else rejected_by,  # type: ignore[arg-type]
                int(rank),
                None if leg == "-" else leg,  # type: ignore[arg-type]
                versions,
                source,
                None if alert == "-" else int(alert),
            )
            number += 1
