"""A progress bar on standard error, for people only: not where standard error is a file or a pipe."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_EVERY_BYTES: Final = 4 * 1024 * 1024


@contextmanager
def progress() -> Iterator[Callable[[int, int], None] | None]:
    """Gives a function that is told (bytes done, bytes in all); None where nobody would see a bar."""
    if not sys.stderr.isatty():
        yield None
        return

    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(binary_units=True), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("scan", total=None)
        told = 0

        def advance(done: int, total: int) -> None:
            nonlocal told
            if done - told >= _EVERY_BYTES or done >= total:
                told = done
                bar.update(task, completed=done, total=total or None)

        yield advance
