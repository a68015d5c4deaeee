"""``handspike serve``: the service."""

from pathlib import Path

import click

from service.cli import options


@click.command(short_help="Follow the streams: metrics, API, web page.")
@options.config("The configuration [default: streams.yaml].")
@click.option("--stdin", "stdin_stream", metavar="STREAM", help="Read STREAM from standard input, not from its source.")
def serve(config_path: Path | None, stdin_stream: str | None) -> None:
    """Follow the streams of streams.yaml, find spikes, and tell.

    Web page, API and metrics are at the address that the configuration's service.listen names; Ctrl-C or
    SIGTERM stops it without losing anything.

    \b
    handspike serve
    handspike serve -c /etc/handspike/streams.yaml
    kubectl logs -f deploy/orders | handspike serve --stdin app
    """
    from service.config import load

    config = load(config_path or options.DEFAULT_CONFIG)
    if stdin_stream is not None:
        others = [
            name
            for name, stream in config.streams.items()
            if name != stdin_stream and stream.source.__struct_config__.tag == "stdin"
        ]
        if stdin_stream not in config.streams:
            known = ", ".join(config.streams)
            raise click.BadParameter(
                f'"{stdin_stream}" is no stream of {config.path}; it has {known}', param_hint="--stdin"
            )
        if others:
            raise click.BadParameter(f"{others[0]} reads standard input already", param_hint="--stdin")

    from service.engine.serve import serve as run

    run(config, stdin_stream=stdin_stream)
