"""One program run once: CPU seconds and peak memory of that child alone, and what it printed."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from statistics import median
from typing import Final

import msgspec

_KIB_PER_RSS: Final = 1 / 1024 if sys.platform == "darwin" else 1.0
"""``ru_maxrss`` is in bytes on macOS, in KiB elsewhere."""


class Run(msgspec.Struct):
    cpu_seconds: float
    """User and system time of the child and of its own children that it waited for."""
    peak_mib: float
    """At most this: Linux begins a child's peak with what its parent held when it started it, some 45 MiB here."""
    output: bytes


def run(command: Sequence[str]) -> Run:
    """Runs it to its end.

    Raises:
        RuntimeError: it failed; with its last words.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, env=_environment())
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode != 0:
            said = errors.read()[-500:].decode("utf-8", "replace").strip()
            raise RuntimeError(f"{command[0]} ended with {process.returncode}: {said}")
        return Run(used.ru_utime + used.ru_stime, used.ru_maxrss * _KIB_PER_RSS / 1024, output.read())


def _environment() -> dict[str, str]:
    """As a user's shell has it: an installed Python program keeps its byte code."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def rounds(programs: dict[str, Callable[[], Run]], count: int) -> dict[str, Run]:
    """Each program ``count`` times, in turns so that all see the same machine; medians, and the last output.

    One round goes before and is not counted: byte code, compiled database and page cache are there, for all alike.
    """
    for program in programs.values():
        program()
    seen: dict[str, list[Run]] = {name: [] for name in programs}
    for _ in range(count):
        for name, program in programs.items():
            seen[name].append(program())
    return {
        name: Run(median(one.cpu_seconds for one in runs), max(one.peak_mib for one in runs), runs[-1].output)
        for name, runs in seen.items()
    }
