"""The programs that are compared, each told to do the same: count the failed handshakes of one file."""

import json
import shutil
import sys
from pathlib import Path
from typing import Final

from bench.logs import MTAIL_PROGRAM, RIPGREP_LITERALS, Log
from bench.measuring import Run, run

HANDSPIKE: Final = str(Path(sys.executable).with_name("handspike"))
"""The console script of the environment that runs the benchmark."""


def missing() -> list[str]:
    """What must be installed first, each with the way to get it."""
    wanted = {"mtail": "apt-get install mtail", "rg": "apt-get install ripgrep"}
    gone = [f"{name} not found: {advice}" for name, advice in wanted.items() if shutil.which(name) is None]
    if not Path(HANDSPIKE).exists():
        gone.append(f"{HANDSPIKE} not found: pip install -e . in the environment that runs this")
    return gone


def handspike(log: Log, format_name: str | None) -> Run:
    """``handspike scan``; the stream's format named, or found out (None)."""
    options = [] if format_name is None else ["--format", format_name]
    done = run([HANDSPIKE, "scan", f"edge={log.path}", "--json", *options])
    check("handspike", json.loads(done.output)["streams"]["edge"]["failures"], log)
    return done


def mtail(log: Log, folder: Path) -> Run:
    """``mtail -one_shot`` with a program of two patterns."""
    programs = folder / "mtail"
    programs.mkdir(exist_ok=True)
    (programs / "tls.mtail").write_text(MTAIL_PROGRAM)
    done = run(["mtail", "-one_shot", "-progs", str(programs), "-logs", str(log.path), "-logtostderr=false"])
    metrics = json.loads(done.output[done.output.index(b"{") :])
    counted = sum(metric["LabelValues"][0]["Value"]["Value"] for each in metrics.values() for metric in each)
    check("mtail", counted, log)
    return done


def ripgrep(log: Log) -> Run:
    """``rg -c`` with six literals."""
    patterns = [argument for literal in RIPGREP_LITERALS for argument in ("-e", literal)]
    done = run(["rg", "--no-config", "-c", "-F", *patterns, str(log.path)])
    check("rg", int(done.output), log)
    return done


def check(program: str, counted: int, log: Log) -> None:
    """A program that counts wrong is not compared."""
    if counted != log.failures:
        raise RuntimeError(f"{program} counted {counted} failures in {log.path.name}, there are {log.failures}")
