"""The formats' names: those that this version reads, and those that the documentation already names."""

from typing import Final

LATER: Final = (
    "traefik",
    "caddy",
    "linkerd",
    "aws_alb",
    "aws_alb_connection",
    "aws_nlb",
    "aws_clb",
    "cloudfront",
    "cloudflare",
    "f5",
    "a10",
    "netscaler",
    "gcp_lb",
    "azure_appgw",
    "zeek",
    "suricata",
    "stunnel",
)


def known() -> tuple[str, ...]:
    """Names that ``format`` may have now."""
    from parsers.registry import NAMES

    return NAMES
