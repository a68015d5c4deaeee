"""The formats' names: those that this version reads, and those that the documentation already names."""

from typing import Final

LATER: Final = (
    "traefik",
    "caddy",
    "linkerd",
    "f5",
    "a10",
    "netscaler",
    "zeek",
    "suricata",
)


def known() -> tuple[str, ...]:
    """Names that ``format`` may have now."""
    from parsers.registry import NAMES

    return NAMES
