"""A number somebody was told to ask about: ``alert 48``, ``0A000418``, ``268435581``, ``curl: (60)``."""

import re
from typing import Final

from parsers.failure import Failure
from parsers.lexicon import codes
from parsers.lexicon import load as load_lexicon
from parsers.vocabulary import FAMILY_OF, Direction, RejectedBy

_LONGEST: Final = 80
_ALERT: Final = re.compile(
    r"(?:(?:ssl|tls)[ /]*)?(?:fatal[ ]*)?(?:alert(?:[ ]*(?:number|code|no\.?|\#))?[ :=\#]*)?\(?(\d{1,3})\)?\Z",
    re.IGNORECASE | re.VERBOSE,
)
_EXIT: Final = re.compile(
    r"(?:(curl|wget)[ :]*)?(?:(?:failed|exited)[ ]with[ ])?(?:(?:exit|error|return)[ ]*)?(?:(?:code|status)[ :=]*)?"
    r"\(?(\d{1,3})\)?\Z",
    re.IGNORECASE | re.VERBOSE,
)
_PACKED: Final = re.compile(r"(?:error:|0x)?([0-9A-Fa-f]{8,9})(?:L)?\Z")


def failure_of_code(data: bytes, hop: str | None) -> Failure | None:
    """What a text says that is nothing but a code; None if it is more, or no code anybody knows."""
    if not 0 < len(data) <= _LONGEST:
        return None
    text = data.decode("ascii", "replace").strip().strip("\"'`.")
    direction: Direction = "upstream" if hop == "app" else "downstream"
    if (match := _PACKED.match(text)) and (code := codes.decode(match[1])) is not None:
        failure = _failure(code.reason, code.rejected_by, direction, data, code.alert)
        if failure is not None:
            failure.code = match[1]
        return failure
    if match := _ALERT.match(text):
        entry = load_lexicon().alert(int(match[1]))
        if entry is not None:
            return _failure(entry.reason, entry.rejected_by, direction, data, alert=int(match[1]))
    if match := _EXIT.match(text):
        entry = load_lexicon().exit_code(int(match[2]), (match[1] or "curl").lower())
        if entry is not None:
            return _failure(entry.reason, entry.rejected_by, "upstream", data)
    return None


def _failure(
    reason: str, rejected_by: RejectedBy, direction: Direction, data: bytes, alert: int | None = None
) -> Failure | None:
    if reason not in FAMILY_OF:
        return None
    return Failure(None, direction, reason, rejected_by, alert=alert, message=data, raw=data, format="app")
