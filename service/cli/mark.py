"""``handspike mark``: tells a running service that something was changed."""

import click

from service.cli import options


@click.command(short_help="Put a change marker on a running service's timelines.")
@click.argument("what")
@click.option(
    "--kind", default="deployment", show_default=True, help="deployment, certificate, policy, or your own word."
)
@click.option("--at", default="now", show_default=True, help="When: 2026-11-20T23:42:00Z, now, -5m.")
@click.option("--stream", help="The stream it concerns.")
@click.option("--host", help="The host it concerns.")
@click.option("--link", help="Where to read more: a pull request, a ticket.")
@options.service_url()
def mark(
    what: str, kind: str, at: str, stream: str | None, host: str | None, link: str | None, service_url: str
) -> None:
    """Put a change marker on the timelines: a deployment, a new certificate, a changed policy.

    \b
    handspike mark "edge: new certificate for shop.example" --kind certificate --stream edge
    handspike mark "haproxy 3.0" --stream lb --at -10m --link https://git.example/ops/pull/7
    """
    import time

    from service.cli.remote import Remote
    from service.times import parse, rfc3339

    if not what.strip():
        raise click.BadParameter("say what was changed", param_hint="WHAT")
    try:
        moment = parse(at, time.time())
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--at") from None
    told = {"at": rfc3339(moment), "kind": kind, "what": what, "stream": stream, "host": host, "url": link}
    Remote(service_url).post("/api/v1/changes", {key: value for key, value in told.items() if value is not None})
    click.echo(f"marked at {told['at']}: {kind}: {what}")
