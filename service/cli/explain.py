"""``handspike explain``: what a record is, why, whose fault, and where the fix belongs."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import Any, cast

import click

from service.cli import options
from service.errors import HandspikeError


@click.command(short_help="What a record is, whose fault, where the fix belongs.")
@click.argument("what", metavar="[TEXT or FILE]", required=False)
@options.format_name("How it is written [default: auto].")
@options.hop("The hop that wrote it; it names the sides of the broken leg.")
@click.option(
    "--jsonl", "jsonl", is_flag=True, help='Input is one {"line", "hop", "format"} a line; the last two optional.'
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a record, each on its own line.")
def explain(what: str | None, format_name: str | None, hop: str | None, jsonl: bool, as_json: bool) -> None:
    """Say what each record is, why the handshake failed, whose fault it is and where the fix belongs.

    An argument that is no file is text: one record, however many lines. Without an argument standard input is read.
    A pasted curl -v, openssl s_client or a bare alert or error code will do as well.

    \b
    handspike explain 'SSL_do_handshake() failed (SSL: error:0A000418:SSL routines::tlsv1 alert unknown ca)'
    handspike explain error.log --hop ingress
    handspike explain 'alert 48'
    curl -v https://shop.example 2>&1 | handspike explain
    handspike explain records.jsonl --jsonl --json
    """
    if jsonl:
        _jsonl(what, format_name, hop, as_json)
        return

    from service.explain import explain as run
    from service.explain import explain_file

    path = _as_file(what)
    if what is not None and path is None:
        _write(run(what, hop, format_name), as_json)
        return
    if path is None and sys.stdin.isatty():
        click.echo("paste a log line, curl -v, or a code; end with Ctrl-D", err=True)
    with _opened(path) as file:
        _write(explain_file(file, hop, format_name), as_json)


def _write(records: Iterable[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        import orjson

        for record in records:
            sys.stdout.buffer.write(orjson.dumps(record) + b"\n")
            sys.stdout.buffer.flush()  # whoever asks line by line waits for this answer
        return

    from service.explained import page

    shown = silent = 0
    for record in records:
        if record["meaning"] is None:
            silent += 1
            continue
        click.echo(("\n" if shown else "") + page(record))
        shown += 1
    if not shown:
        click.echo("no failed TLS handshake in it" if silent else "nothing to explain: it is empty")


def _jsonl(what: str | None, format_name: str | None, hop: str | None, as_json: bool) -> None:
    from service.explain import explain_jsonl

    path = _as_file(what)
    if what is not None and path is None:
        raise click.UsageError("--jsonl reads a FILE or standard input", click.get_current_context())
    with _opened(path) as file:
        _write(explain_jsonl(file, hop, format_name), as_json)


@contextmanager
def _opened(path: Path | None) -> Iterator[BufferedIOBase]:
    """The file; standard input where none is named."""
    if path is None:
        yield cast("BufferedIOBase", sys.stdin.buffer)
        return
    try:
        with path.open("rb") as file:
            yield file
    except BrokenPipeError:  # of standard output, while the file is open
        raise
    except OSError as error:
        raise HandspikeError(f"{path}: can't be read: {error.strerror or error}") from None


def _as_file(what: str | None) -> Path | None:
    """The file that ``what`` names; None if it is text. Only a plain, short, one-line text can name a file."""
    if what is None or len(what) > 4096 or "\n" in what or "\0" in what:
        return None
    try:
        path = Path(what)
        if path.is_dir():
            raise click.UsageError(f"{what}: is a folder; name a file in it", click.get_current_context())
        return path if path.exists() else None
    except OSError:
        return None
