"""``handspike demo``: an incident, found before your eyes."""

import click


@click.command(short_help="Replay a recorded incident and watch it being found.")
@click.option("--live", is_flag=True, help="Break real handshakes on loopback (needs nginx and HAProxy installed).")
def demo(live: bool) -> None:
    """Replay a recorded real incident and show it being found.

    \b
    handspike demo            nginx, HAProxy and their clients were recorded while one of them broke
    handspike demo --live     does it again, now, with the nginx and HAProxy of this machine
    """
    from service.demo import run

    run(live)
