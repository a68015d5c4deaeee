"""Whatever the record looks like: the first format that claims its shape reads it, else ``app`` does.

The formats are asked in a fixed order for every record. The one that claimed the last record is not asked
first: shapes overlap, and what a record is must not depend on the records before it.
"""

from functools import cache
from threading import Lock
from typing import Final

from parsers import registry
from parsers.failure import Change, Failure
from parsers.lexicon.said import Said
from parsers.record import Format, Record

NAME: Final = "auto"
SEVERAL_LINES: Final = True


def claims(text: bytes) -> bool:
    """Every shape: ``auto`` takes all."""
    return True


def read(record: Record, said: Said) -> Failure | Change | None:
    """What the format that claims the record makes of it."""
    return format_of(record.text).read(record, said)


def format_of(text: bytes) -> Format:
    """The format whose record begins with ``text``, envelope peeled."""
    for candidate in _asked:
        if candidate.claims(text):
            return candidate
    with _importing:
        while len(_asked) < len(registry.CLAIM_ORDER):
            candidate = registry.get(registry.CLAIM_ORDER[len(_asked)])
            _asked.append(candidate)
            if candidate.claims(text):
                return candidate
    return _fallback()


_asked: list[Format] = []
"""Those of `registry.CLAIM_ORDER` that were needed so far: a log of nginx never waits for the import of the others."""
_importing = Lock()


@cache
def _fallback() -> Format:
    return registry.get("app")
