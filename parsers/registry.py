"""Every format by its name in ``streams.yaml``; a module is imported when it is first asked for.

A new format is its module in ``parsers/formats`` and its name here.
"""

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Final, cast

from parsers.record import Format

NAMES: Final = (
    *("nginx", "ingress_nginx", "haproxy", "envoy", "apache", "gonet"),
    *("aws_alb", "aws_alb_connection", "aws_nlb", "aws_clb", "cloudfront", "cloudflare", "gcp_lb", "azure_appgw"),
    *("stunnel", "caddy", "traefik", "linkerd", "zeek", "suricata"),
    *("f5", "a10", "netscaler"),
    *("counters", "app", "auto"),
)

CLAIM_ORDER: Final = (
    *("ingress_nginx", "nginx", "haproxy"),
    *("aws_alb", "aws_alb_connection", "aws_nlb", "aws_clb", "cloudfront", "cloudflare", "gcp_lb", "azure_appgw"),
    *("stunnel", "caddy", "traefik", "linkerd", "zeek", "suricata"),
    *("f5", "netscaler", "a10"),
    "counters",
    *("envoy", "apache", "gonet"),
)
"""Whom ``auto`` asks, the narrower shape first (an ingress line is an nginx line and more); nobody: ``app``."""


class Formats(Mapping[str, Format]):
    """Name -> format, in the order of `NAMES`."""

    def __getitem__(self, name: str) -> Format:
        if name not in NAMES:
            raise KeyError(name)
        return cast(Format, import_module(f"parsers.formats.{name}"))

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)

    def __contains__(self, name: object) -> bool:
        return name in NAMES


FORMATS: Final = Formats()


_own: dict[str, Callable[[], Format]] = {}


def install(own: Mapping[str, Callable[[], Format]]) -> None:
    """Makes a configuration's own formats known, in place of those of the one before; each `get` makes a new one."""
    _own.clear()
    _own.update(own)


def knows(name: str) -> bool:
    """Whether `get` would find it."""
    return name in NAMES or name in _own


def get(name: str) -> Format:
    """The format called ``name``.

    Raises:
        ValueError: there is none; the message lists those there are.
    """
    if name in _own:
        return _own[name]()
    if name not in NAMES:
        raise ValueError(f"{name!r} is no format; formats are: {', '.join(NAMES)}")
    return FORMATS[name]
