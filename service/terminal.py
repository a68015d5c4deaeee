"""A scan's result as a page in the terminal: incidents, order of onsets as a picture, verdict, what to type."""

from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from parsers.masking import mask
from service.scan import ScanResult
from service.tally import Key
from service.times import parse

LANE_COLUMNS: Final = 36
NARROW_LANE_COLUMNS: Final = 14
NARROW: Final = 100
"""Below this many columns lanes are drawn shorter, so that words keep their room."""
MOST_LANES: Final = 12
MOST_INCIDENTS: Final = 20
MOST_EVIDENCE: Final = 3
LONGEST_LINE: Final = 300


def render(result: ScanResult, console: Console) -> None:
    """Prints the page. Text from logs is shown as text: no markup, no control characters."""
    console.print(_head(result))
    shown = result.incidents[:MOST_INCIDENTS]
    for number, incident in enumerate(shown, 1):
        evidence = _evidence(incident, result)
        console.print(incident_panel(incident, number, len(result.incidents), evidence, width=console.width))
    if len(result.incidents) > len(shown):
        console.print(f"... and {len(result.incidents) - len(shown)} more incidents (--json lists all)")
    if not result.incidents:
        console.print(Text("No incident: no failure rose above its own normal.", style="green"))
    console.print(_streams(result))


def incident_panel(
    incident: dict[str, Any], number: int, total: int, evidence: list[tuple[str, str]], width: int = NARROW
) -> RenderableType:
    """One incident: headline, lanes, verdict, evidence, commands. ``evidence``: (stream, line) pairs, masked."""
    verdict = incident["verdict"]
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="bold", no_wrap=True)
    facts.add_column(overflow="fold")
    sure = f"{verdict['confidence']:.0%} sure" + (
        ", provisional: not all streams are read yet" * verdict["provisional"]
    )
    facts.add_row("leg", Text(verdict["leg"]))
    facts.add_row("fix at", Text(f"{verdict['fix_at'] or 'not decided'} ({sure})"))
    _list(facts, "because", [Text(reason) for reason in verdict["because"]])
    _list(facts, "cleared", [Text(f"{item['stream']}: {item['why']}") for item in verdict["cleared"]])
    _list(facts, "unseen", [Text(f"{item['stream']}: {item['why']}") for item in verdict["unseen"]])
    _list(facts, "evidence", [Text.assemble((f"{stream}  ", "cyan"), line) for stream, line in evidence])
    _list(facts, "type next", [_command(step) for step in verdict["steps"]])
    peers = f"{incident['peers']}{'+' if incident['peers_estimated'] else ''}"
    hosts = ", ".join(incident["hosts"][:5]) or "no host named"
    body = Group(
        Text(verdict["summary"], style="bold"),
        Text(f"{incident['failures']} failures, {peers} peers; {hosts}", style="dim"),
        Text(),
        lanes(incident, LANE_COLUMNS if width >= NARROW else NARROW_LANE_COLUMNS),
        Text(),
        facts,
    )
    open_ = incident["state"] == "open"
    title = f"incident {number} of {total}  {incident['id']}  {'STILL OPEN' if open_ else 'resolved'}"
    return Panel(body, title=Text(title), title_align="left", border_style="red" if open_ else "yellow", padding=(1, 2))


def lanes(incident: dict[str, Any], columns: int = LANE_COLUMNS) -> Table:
    """One lane a spike in the order of onsets: the first is marked, ties are shown as ties."""
    first = incident["first"]
    spikes = incident["spikes"][:MOST_LANES]
    start = min(parse(spike["onset"], 0.0) for spike in spikes)
    end = max(start + 1.0, *(parse(spike["ended_at"] or spike["last_failure_at"], 0.0) for spike in spikes))
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="dim")
    table.add_column("onset (UTC)", no_wrap=True)
    table.add_column("stream", no_wrap=True)
    table.add_column(f"{_clock(start)} .. {_clock(end)}", no_wrap=True, width=max(columns, 20))
    table.add_column("what", overflow="fold")
    table.add_column("failures", justify="right", no_wrap=True)
    for spike in spikes:
        is_first = spike["stream"] == first["stream"] and spike["onset"] == first["onset"]
        tied = spike["stream"] in first["tie_with"] and abs(parse(spike["onset"], 0.0) - start) < 60.0
        mark = " FIRST" if is_first else " tie" if tied else ""
        style = "bold red" if is_first else "yellow" if tied else ""
        host = f" {spike['host']}" if spike["host"] else ""
        table.add_row(
            Text(f"{_clock(parse(spike['onset'], 0.0))}{mark}", style=style),
            Text(spike["stream"], style=style),
            Text(_lane(spike, start, end, is_first, columns), style=style),
            Text(f"{spike['family']}/{spike['reason']} {spike['direction']}{host}"),
            str(spike["failures"]),
        )
    if len(incident["spikes"]) > len(spikes):
        table.add_row("", "", "", f"... and {len(incident['spikes']) - len(spikes)} more", "")
    return table


def _lane(spike: dict[str, Any], start: float, end: float, is_first: bool, columns: int) -> str:
    scale = (columns - 1) / (end - start)
    begin = int((parse(spike["onset"], 0.0) - start) * scale)
    until = columns - 1 if spike["ended_at"] is None else int((parse(spike["ended_at"], 0.0) - start) * scale)
    bar = "█" if is_first else "◆"
    return "·" * begin + bar + "━" * (until - begin) + "·" * (columns - 1 - until)


def _clock(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%H:%M:%S")


def _list(table: Table, name: str, lines: list[Text]) -> None:
    for index, line in enumerate(lines):
        table.add_row(name if index == 0 else "", line)


def _command(step: str) -> Text:
    command, _, meaning = step.partition("  # ")
    return Text.assemble((command, "green"), (f"\n# {meaning}" if meaning else "", "dim"))


def _evidence(incident: dict[str, Any], result: ScanResult) -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    for spike in incident["spikes"]:
        kept = result.streams[spike["stream"]].evidence.get(Key(spike["host"], spike["direction"], spike["reason"]), [])
        if kept and len(lines) < MOST_EVIDENCE:
            lines.append((spike["stream"], on_one_line(mask(kept[0].raw))))
    return lines


def on_one_line(raw: str) -> str:
    """A record for a table; a trace says what it was about in its first line and why in its last."""
    first, *rest = raw.strip().splitlines() or [""]
    return first[:LONGEST_LINE] + (f" ⏎ ... ⏎ {rest[-1][:LONGEST_LINE]}" if rest else "")


def _head(result: ScanResult) -> Text:
    lines = sum(found.counts.lines for found in result.streams.values())
    failures = sum(found.counts.failures for found in result.streams.values())
    found = f"{len(result.incidents)} incident{'' if len(result.incidents) == 1 else 's'}"
    return Text(
        f"{len(result.streams)} streams, {lines:,} lines, {failures:,} failed handshakes: {found}", style="bold"
    )


def _streams(result: ScanResult) -> Table:
    table = Table(box=None, padding=(0, 2), pad_edge=False, header_style="dim")
    for name, right in (("stream", False), ("hop", False), ("lines", True), ("failures", True), ("unrecognized", True)):
        table.add_column(name, justify="right" if right else "left")
    table.add_column("")
    for name, found in result.streams.items():
        counts = found.counts
        remarks = list(found.errors)
        if found.untimed:
            remarks.append(f"{found.untimed} failures without any time: counted, not used for detection")
        table.add_row(
            Text(name),
            result.hops[name],
            f"{counts.lines:,}",
            f"{counts.failures:,}",
            f"{counts.unrecognized:,}",
            Text("; ".join(remarks), style="yellow"),
        )
    return table
