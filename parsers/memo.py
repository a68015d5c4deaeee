"""Answers remembered for short texts only: a cache bounded by entries alone would keep whatever a log makes it keep."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

Text = TypeVar("Text", bound=bytes | str)
Answer = TypeVar("Answer")

LONGEST = 2048
"""Texts longer than this are answered anew each time."""


def remembered(entries: int) -> Callable[[Callable[[Text], Answer]], Callable[[Text], Answer]]:
    """As ``lru_cache(entries)``, but its memory is bounded by ``entries * LONGEST`` too."""

    def around(function: Callable[[Text], Answer]) -> Callable[[Text], Answer]:
        known = lru_cache(maxsize=entries)(function)

        @wraps(function)
        def asked(text: Text) -> Answer:
            return known(text) if len(text) <= LONGEST else function(text)

        return asked

    return around
