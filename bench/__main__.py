"""``python -m bench``: prints a Markdown table, and names every floor that was missed.

A busy machine says little about speed, so a miss ends with 1 only where ``--strict`` asks for that; a program that is
missing, or a count that is wrong, always is a failure.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from bench import latency, logs, programs
from bench.machine import describe
from bench.measuring import Run, rounds
from bench.report import Row, table

MIXED_BYTES: Final = 450_000_000
FAILURES: Final = 600_000
RESULTS: Final = Path(__file__).with_name("results")
TIMES_MTAIL: Final = 10.0
TIMES_MTAIL_FAILURES: Final = 1.5
PEAK_MIB: Final = 250.0
P99_SECONDS: Final = 0.5


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help="five rounds, logs ten times as long, 500 marked lines")
    parser.add_argument("--write", action="store_true", help="also write bench/results/YYYY-MM-DD.md")
    parser.add_argument("--strict", action="store_true", help="end with 1 if a floor is missed")
    arguments = parser.parse_args()
    if absent := programs.missing():
        print("\n".join(absent), file=sys.stderr)
        return 2
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="handspike-bench-") as folder:
        rows = measure(Path(folder), full=arguments.full)
    page = "\n".join(
        [
            f"# {'Full' if arguments.full else 'Short'} benchmark, {datetime.now(UTC):%Y-%m-%d}",
            "",
            "Ratios of CPU seconds (user and system, of the whole process), medians of one run in turns.",
            "",
            table(rows),
            "",
            *describe(),
            "",
        ]
    )
    print(page)
    _tell(f"took {time.monotonic() - began:.0f} s")
    if arguments.write:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{datetime.now(UTC):%Y-%m-%d}.md").write_text(page)
    missed = [row.what for row in rows if not row.is_met]
    for what in missed:
        _tell(f"floor missed: {what}")
    return 1 if missed and arguments.strict else 0


def measure(folder: Path, *, full: bool) -> list[Row]:
    """All rows; ``folder`` is for logs of up to 6.5 GB (full) or 0.6 GB."""
    count = 5 if full else 2
    rows = _mixed(folder, count)
    rows += _failures(folder, count)
    if full:
        rows += _ten_times(folder)
    _tell("latency: a file that grows by 20,000 lines/s is followed")
    seen = latency.measure(folder / "latency", 500 if full else 120)
    detail = f"{seen.marks} marked lines while {seen.lines_per_second:,.0f} lines/s were written"
    rows.append(Row("written until in /metrics, p50", seen.p50_seconds, "s", None, False, detail))
    rows.append(Row("written until in /metrics, p99", seen.p99_seconds, "s", P99_SECONDS, False, detail))
    return rows


def _mixed(folder: Path, count: int) -> list[Row]:
    _tell(f"mixed log: {MIXED_BYTES / 1e6:.0f} MB, {logs.FAILURE_SHARE:.1%} failures, {count} rounds")
    log = logs.mixed(folder / "mixed.log", MIXED_BYTES)
    seen = rounds(
        {
            "nginx": partial(programs.handspike, log, "nginx"),
            "auto": partial(programs.handspike, log, None),
            "mtail": partial(programs.mtail, log, folder),
            "rg": partial(programs.ripgrep, log),
        },
        count,
    )
    log.path.unlink()
    what = f"{log.bytes / 1e6:.0f} MB nginx log"
    return [
        _ratio(f"{what}: speed against mtail", seen, "nginx", "mtail", TIMES_MTAIL),
        _ratio(f"{what}, format auto: speed against mtail", seen, "auto", "mtail", TIMES_MTAIL),
        _ratio(f"{what}: speed against ripgrep -c", seen, "nginx", "rg", None),
        Row(f"{what}: speed", log.bytes / 1e6 / seen["nginx"].cpu_seconds, "MB per CPU second", None),
        _peak(what, seen["nginx"], seen["auto"]),
    ]


def _failures(folder: Path, count: int) -> list[Row]:
    _tell(f"failures only: {FAILURES:,} lines, {count} rounds")
    log = logs.failures(folder / "failures.log", FAILURES)
    seen = rounds(
        {
            "nginx": partial(programs.handspike, log, "nginx"),
            "auto": partial(programs.handspike, log, None),
            "mtail": partial(programs.mtail, log, folder),
        },
        count,
    )
    log.path.unlink()
    what = f"{FAILURES:,} failures"
    return [
        _ratio(f"{what}: speed against mtail", seen, "nginx", "mtail", TIMES_MTAIL_FAILURES),
        _ratio(f"{what}, format auto: speed against mtail", seen, "auto", "mtail", TIMES_MTAIL_FAILURES),
        Row(f"{what}: speed", log.failures / seen["nginx"].cpu_seconds, "per CPU second", None, True, "all counted"),
        _peak(what, seen["nginx"], seen["auto"]),
    ]


def _ten_times(folder: Path) -> list[Row]:
    rows = []
    long: tuple[tuple[str, Callable[[Path], logs.Log]], ...] = (
        ("4.5 GB nginx log", lambda path: logs.mixed(path, 10 * MIXED_BYTES)),
        ("6,000,000 failures", lambda path: logs.failures(path, 10 * FAILURES)),
    )
    for what, make in long:
        _tell(f"ten times as long: {what}")
        log = make(folder / "long.log")
        rows.append(_peak(what, programs.handspike(log, "nginx")))
        log.path.unlink()
    return rows


def _ratio(what: str, seen: dict[str, Run], ours: str, theirs: str, floor: float | None) -> Row:
    mine, other = seen[ours].cpu_seconds, seen[theirs].cpu_seconds
    return Row(what, other / mine, "x", floor, True, f"{mine:.2f} s against {theirs}'s {other:.2f} s of CPU")


def _peak(what: str, *runs: Run) -> Row:
    return Row(f"{what}: peak memory", max(run.peak_mib for run in runs), "MiB", PEAK_MIB, False, "the worst round")


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
