"""``handspike report``: an incident as Markdown, to paste into a ticket."""

import click

from service.cli import options


@click.command(short_help="An incident of a running service as Markdown.")
@click.argument("incident_id", metavar="ID")
@options.service_url()
def report(incident_id: str, service_url: str) -> None:
    """Write an incident of a running service as Markdown: what broke, in which order, why, and what to do.

    \b
    handspike report 01JD3K8Q > incident.md
    """
    from urllib.parse import quote

    from service.cli.remote import Remote
    from service.report import markdown

    incident = Remote(service_url).get(f"/api/v1/incidents/{quote(incident_id, safe='')}")
    click.echo(markdown(incident), nl=False)
