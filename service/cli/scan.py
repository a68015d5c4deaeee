"""``handspike scan``: reads files once, and prints the incidents."""

import sys
from pathlib import Path

import click

from service.cli import options


@click.command(short_help="Read logs once and print their incidents.")
@click.argument("files", nargs=-1, metavar="[[STREAM=]FILE]...")
@options.config("Take the streams' settings, and without FILEs their files too, from this configuration.")
@options.format_name("How the FILEs are written: nginx, haproxy, envoy ... [default: auto].")
@options.hop("Where FILEs stand whose stream isn't named like a hop [default: edge; with --format app: app].")
@click.option("--follows", multiple=True, metavar="APP=STREAM", help="APP calls STREAM. Repeatable.")
@click.option("--timezone", metavar="ZONE", help="For times without a zone, such as Europe/Berlin [default: UTC].")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a page.")
def scan(
    files: tuple[str, ...],
    config_path: Path | None,
    format_name: str | None,
    hop: str | None,
    follows: tuple[str, ...],
    timezone: str | None,
    as_json: bool,
) -> None:
    """Read logs once from the beginning, in event time, and print the incidents they hold.

    FILE may be plain, .gz or .zst, or - for standard input. STREAM=FILE names its stream; one that is named like a
    hop (edge, lb, ingress, mesh, app) is of that hop. Without a name the stream is the file's stem. Several FILEs of
    one STREAM are read as one log.

    \b
    handspike scan error.log
    handspike scan edge=nginx/error.log edge=nginx/error.log.1.gz lb=haproxy.log
    handspike scan edge=e.log lb=l.log app=orders.log --follows app=lb
    zcat *.gz | handspike scan lb=- --json | jq '.incidents[0].first'
    handspike scan -c streams.yaml
    """
    from service.cli.progress import progress
    from service.cli.scan_streams import detector_options, from_arguments, from_config, load_config

    config = load_config(config_path) if config_path is not None or not files else None
    if files:
        streams = from_arguments(
            files, format_name=format_name, hop=hop, timezone=timezone, follows=follows, config=config
        )
    elif format_name or hop or timezone or follows:
        raise click.UsageError("--format, --hop, --timezone and --follows go with FILEs")
    elif config is not None:
        streams = from_config(config)

    from service.scan import scan as run

    with progress() as advance:
        result = run(streams, detector_options(config) if config else None, advance)
    for name, found in result.streams.items():
        for error in found.errors:
            click.echo(f"{name}: {error}", err=True)
    if as_json:
        import orjson

        click.echo(orjson.dumps(result.to_json(), option=orjson.OPT_INDENT_2))
    else:
        from rich.console import Console

        from service.terminal import render

        # A page that goes to a file or a pipe has no width of its own; 80 columns would fold its picture.
        render(result, Console() if sys.stdout.isatty() else Console(width=120))
    if any(found.errors for found in result.streams.values()):
        click.get_current_context().exit(1)
