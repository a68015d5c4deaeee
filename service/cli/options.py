"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from parsers.vocabulary import HOPS

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_CONFIG: Final = Path("streams.yaml")


def config(help_text: str) -> Callable[[F], F]:
    return click.option(
        "-c",
        "--config",
        "config_path",
        type=click.Path(path_type=Path),
        envvar="HANDSPIKE_CONFIG",
        metavar="FILE",
        help=help_text,
    )


def format_name(help_text: str) -> Callable[[F], F]:
    return click.option("--format", "format_name", metavar="FORMAT", callback=_known_format, help=help_text)


def hop(help_text: str) -> Callable[[F], F]:
    return click.option("--hop", type=click.Choice(HOPS), help=help_text)


def service_url() -> Callable[[F], F]:
    return click.option(
        "--url",
        "service_url",
        default="http://127.0.0.1:9844",
        show_default=True,
        envvar="HANDSPIKE_URL",
        help="The running service; its token is taken from HANDSPIKE_TOKEN.",
    )


def _known_format(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    from service.config.formats import LATER, known

    if value in known():
        return value
    if value in LATER:
        raise click.BadParameter(f"{value} comes in a later version; until then try auto", ctx, parameter)
    raise click.BadParameter(f'"{value[:60]}" is unknown; write one of {", ".join(known())}', ctx, parameter)
