"""``handspike check``: will this configuration work, here and now?"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.cli import options

if TYPE_CHECKING:
    from service.config import Config


@click.command(short_help="Will the configuration work; what can't each stream show?")
@options.config("The configuration [default: streams.yaml].")
@click.pass_context
def check(ctx: click.Context, config_path: Path | None) -> None:
    """Say whether the configuration will work, stream by stream, and what each stream can't show.

    A log that is not there yet is no problem: it is waited for. Exit code 1: a log or the data directory can't be
    used as things are; 2: the configuration has mistakes, all of them listed.

    \b
    handspike check
    handspike check -c /etc/handspike/streams.yaml
    """
    from service.blindspots import blindspots
    from service.config import load
    from service.preflight import data_dir_problem, look

    config = load(config_path or options.DEFAULT_CONFIG)
    count = len(config.streams)
    click.echo(f"{config.path}: valid, {count} stream{'s' if count != 1 else ''}")
    click.echo(f"listens on {config.service.listen}{_how_guarded(config)}")
    problems = 0
    if problem := data_dir_problem(config.service.data_dir):
        problems += 1
        click.echo(f"PROBLEM  {problem}")
    else:
        click.echo(f"keeps its data in {config.service.data_dir}")
    for name, stream in config.streams.items():
        sight = look(stream)
        problems += len(sight.problems)
        follows = f", follows {', '.join(stream.follows)}" if stream.follows else ""
        click.echo(f"\n{name}  (hop {stream.hop}, format {stream.format}{follows})")
        click.echo(f"  {sight.text}")
        for problem in sight.problems:
            click.echo(f"  PROBLEM  {problem}")
        for why, way_out in sight.lessons:
            click.echo(f"  NOT SEEN in this log: {why}")
            click.echo(f"    turn on: {way_out}")
        for spot in blindspots(sight.format):
            if spot.way_out in sight.shown or any(spot.way_out == way_out for _, way_out in sight.lessons):
                continue  # it is on, or told already
            click.echo(f"  can't show {spot.missing}")
            if spot.way_out:
                click.echo(f"    turn on: {spot.way_out}")
    if problems:
        click.echo(f"\n{problems} problem{'s' if problems > 1 else ''}; see PROBLEM above")
        ctx.exit(1)
    click.echo("\neverything is ready: handspike serve")


def _how_guarded(config: "Config") -> str:
    service = config.service
    if service.token is not None:
        return ", with a token"
    return "" if service.listen.is_loopback else ", WITHOUT a token (insecure: true)"
