"""The formats' names: those that this version reads, and those that the documentation already names."""

from typing import Final

LATER: Final[tuple[str, ...]] = ()


def known() -> tuple[str, ...]:
    """Names that ``format`` may have now."""
    from parsers.registry import NAMES

    return NAMES
