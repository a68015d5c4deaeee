"""``handspike``: the commands, and how each of them ends (exit codes, one clear line on standard error)."""

import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from service.cli.check import check
from service.cli.demo import demo
from service.cli.explain import explain
from service.cli.mark import mark
from service.cli.report import report
from service.cli.scan import scan
from service.cli.serve import serve
from service.errors import ConfigError, HandspikeError

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


class _Root(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # "handspike scan ... | head": the reader has what it wanted. Without this, Python complains at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise click.exceptions.Exit(DONE) from None
        except KeyboardInterrupt:
            complain("handspike: interrupted")
            raise click.exceptions.Exit(INTERRUPTED) from None
        return result

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # in the order in which people need them


@click.group(
    cls=_Root,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Exit codes: 0 done, 1 it ran and failed, 2 bad usage or configuration.",
)
@click.version_option(
    None, "--version", package_name="handspike", prog_name="handspike", message="%(prog)s %(version)s"
)
def handspike() -> None:
    """Which hop broke TLS first, for which host, why, and where the fix belongs.

    \b
    See it work            handspike demo
    Logs of an outage      handspike scan edge=nginx.log lb=haproxy.log app=orders.log --follows app=lb
    A line that puzzles    handspike explain 'SSL_do_handshake() failed (SSL: error:0A000418...'
    Live                   handspike check && handspike serve
    """


for _command in (demo, scan, explain, check, serve, mark, report):
    handspike.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command and exits."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; its exit code."""
    try:
        code = handspike.main(arguments, prog_name="handspike", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return USAGE
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        place = context.command_path if context else "handspike"
        hint = f" (see {place} --help)" if isinstance(error, click.UsageError) else ""
        complain(f"{place}: {error.format_message().rstrip('.')}{hint}")
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except ConfigError as error:
        complain(str(error))
        return USAGE
    except HandspikeError as error:
        complain(f"handspike: {error}")
        return FAILED
    return code if isinstance(code, int) else DONE


def complain(text: str) -> None:
    click.echo(text, err=True)
