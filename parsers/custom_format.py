"""A format that a user wrote down in ``streams.yaml`` instead of in code: what it may say, and what is wrong in it.

Pure values: `service.config` reads them, `parsers.formats.custom` runs them.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final

import msgspec

from parsers.vocabulary import FAMILY_OF, Direction, RejectedBy

FIELDS: Final = (
    *("time", "host", "peer", "peer_port", "message", "direction", "rejected_by"),
    *("protocol", "cipher", "alert", "code"),
)
"""What a record may tell: names of groups in a pattern, or of keys under ``json``."""
LONGEST_PATTERN: Final = 4_096
LONGEST_TEXT: Final = 200
SHORTEST_TEXT: Final = 4
"""A shorter text would make every other line a candidate."""
MOST_TEXTS: Final = 500


class OwnText(msgspec.Struct, frozen=True):
    """A text of the program's own, and what it means."""

    text: str
    reason: str
    rejected_by: RejectedBy = "unknown"
    direction: Direction | None = None


class CustomFormat(msgspec.Struct, frozen=True):
    """One entry of ``formats:``. Exactly one of ``pattern`` and ``json`` is there."""

    name: str
    pattern: str | None = None
    """A regular expression with named groups of `FIELDS`; over several lines, it is a verbose one."""
    json: Mapping[str, str] | None = None
    """Field -> dotted key of the record's JSON object."""
    direction: Direction | None = None
    """The leg, where neither the record nor a text tells it."""
    texts: tuple[OwnText, ...] = ()


class PatternError(ValueError):
    """Not a pattern that can be run; the text says what to change."""


def check_pattern(pattern: str) -> None:
    """Raises `PatternError` unless ``pattern`` compiles and its groups are named as `FIELDS`."""
    import regex

    if len(pattern) > LONGEST_PATTERN:
        raise PatternError(f"has {len(pattern):,} characters; at most {LONGEST_PATTERN:,}")
    try:
        compiled = regex.compile(pattern.encode(), flags_of(pattern))
    except regex.error as error:
        raise PatternError(f"is no regular expression: {error}") from None
    except (RecursionError, OverflowError, MemoryError, ValueError) as error:
        raise PatternError(f"can't be compiled: {str(error)[:100] or type(error).__name__}") from None
    if not compiled.groupindex:
        raise PatternError(f"names no group; write one such as (?P<peer>...). Groups are {', '.join(FIELDS)}")
    for group in compiled.groupindex:
        if group not in FIELDS:
            raise PatternError(f'"{group[:40]}" is no group of mine{_nearest(group)}; groups are {", ".join(FIELDS)}')


def flags_of(pattern: str) -> int:
    """A pattern of several lines is written verbosely: blanks and ``# comments`` in it mean nothing."""
    import regex

    return int(regex.VERBOSE) if "\n" in pattern.strip() else 0


def check_reason(reason: str) -> None:
    """Raises `PatternError` where the vocabulary has no such reason. ``family/reason`` is understood too."""
    family, slash, plain = reason.rpartition("/")
    if plain not in FAMILY_OF or (slash and FAMILY_OF[plain] != family):
        close = get_close_matches(plain, FAMILY_OF, 1, 0.6)
        hint = f'; did you mean "{FAMILY_OF[close[0]]}/{close[0]}"?' if close else ""
        raise PatternError(f'"{reason[:60]}" is no reason{hint or "; such as expired, unknown_issuer, timeout"}')


def _nearest(group: str) -> str:
    close = get_close_matches(group, FIELDS, 1, 0.6)
    return f' (did you mean "{close[0]}"?)' if close else ""
