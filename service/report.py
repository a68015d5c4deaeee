"""An incident as Markdown, for a ticket or a post-mortem.

Host names, error texts and raw records come from outside, maybe from an attacker: in prose they are
escaped so that they can't become links, images, HTML or headings; in fences they can't end the fence.
"""

import re
from typing import Any, Final

_SPECIAL: Final = re.compile(r"([\\`*\[\]<#|~&@]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:(?=//)|(?<=[wW]{3})\.)")
"""What Markdown (CommonMark, GitHub's) could take for its own inside a line; no text begins a line here."""
_LONGEST_TEXT: Final = 500
_MOST_EVIDENCE: Final = 10


def markdown(incident: dict[str, Any]) -> str:
    """The contract's incident object (with or without ``evidence``) as one Markdown document."""
    verdict = _dict(incident.get("verdict"))
    first = _dict(incident.get("first"))
    parts = [
        f"# TLS incident {text(incident.get('id'))}",
        f"**{text(verdict.get('summary') or 'No verdict yet')}**",
        _facts(incident, first, verdict),
        _order(_list(incident.get("spikes"))),
        _bullets("Why we think so", verdict.get("because")),
        _steps(_list(verdict.get("steps"))),
        _streams("Cleared: had traffic and no change, do not restart these", verdict.get("cleared")),
        _streams("Not seen: silent, late, or logging too little", verdict.get("unseen")),
        _evidence(_list(incident.get("evidence"))),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def text(value: object) -> str:
    """A value as prose: one line, bounded, and nothing in it that Markdown would take for its own.

    >>> text("[x](http://evil.example)<img src=x>"), text(None), text("lb.shop.example")
    ('\\\\[x\\\\](http\\\\://evil.example)\\\\<img src=x>', '-', 'lb.shop.example')
    """
    if value is None or value == "":
        return "-"
    line = "".join(c if c.isprintable() else " " for c in " ".join(str(value)[: 4 * _LONGEST_TEXT].split()))
    if len(line) > _LONGEST_TEXT:
        line = line[: _LONGEST_TEXT - 3] + "..."
    return _SPECIAL.sub(r"\\\1", line)


def _facts(incident: dict[str, Any], first: dict[str, Any], verdict: dict[str, Any]) -> str:
    between = [text(at) if at else "before the records begin" for at in _list(first.get("onset_between"))]
    failures = text(incident.get("failures"))
    peers = f"{'about ' if incident.get('peers_estimated') else ''}{text(incident.get('peers'))}"
    tie = ", ".join(text(name) for name in _list(first.get("tie_with")))
    rows = [
        ("State", f"{text(incident.get('state'))}, revision {text(incident.get('revision'))}"),
        (
            "First to fail",
            f"{text(first.get('stream'))} (hop {text(first.get('hop'))}), host {text(first.get('host'))}",
        ),
        ("Onset", text(first.get("onset")) + (f" (between {' and '.join(between)})" if between else "")),
        ("In a tie with", tie),
        ("Detected", text(incident.get("detected_at"))),
        ("Resolved", text(incident.get("resolved_at")) if incident.get("resolved_at") else "not yet"),
        ("Hosts", ", ".join(text(host) for host in _list(incident.get("hosts"))) or "-"),
        ("Failures", f"{failures} from {peers} peers"),
        ("Broken leg", text(verdict.get("leg"))),
        ("Fix at", text(verdict.get("fix_at"))),
        ("Sure", f"{_percent(verdict.get('confidence'))}{', provisional' if verdict.get('provisional') else ''}"),
        ("Merged into", text(incident.get("merged_into")) if incident.get("merged_into") else ""),
    ]
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {said} |" for name, said in rows if said)])


def _order(spikes: list[Any]) -> str:
    if not spikes:
        return ""
    rows = ["## Order of onsets", "", "| onset | stream | host | leg | reason | failures | peak/s | ended |"]
    rows.append("| --- | --- | --- | --- | --- | ---: | ---: | --- |")
    for spike in sorted(map(_dict, spikes), key=lambda one: str(one.get("onset") or "")):
        reason = f"{text(spike.get('family'))}/{text(spike.get('reason'))}"
        cells = [spike.get(name) for name in ("onset", "stream", "host", "direction")]
        tail = [
            text(spike.get("failures")),
            text(spike.get("peak_per_second")),
            text(spike.get("ended_at") or "still on"),
        ]
        rows.append("| " + " | ".join([*map(text, cells), reason, *tail]) + " |")
    return "\n".join(rows)


def _bullets(title: str, items: object) -> str:
    lines = [f"- {text(item)}" for item in _list(items)]
    return "\n".join([f"## {title}", "", *lines]) if lines else ""


def _steps(steps: list[Any]) -> str:
    """Numbered; a step is prose, or a command after a colon: it is fenced so that it copies as it stands."""
    if not steps:
        return ""
    return "\n".join(["## What to do next", "", *(f"{number}. {code(step)}" for number, step in enumerate(steps, 1))])


def code(value: object) -> str:
    """Inline code, with a fence longer than any run of backticks inside (CommonMark 6.1)."""
    line = "".join(c if c.isprintable() else " " for c in " ".join(str(value)[: 4 * _LONGEST_TEXT].split()))
    ticks = "`" * (max((len(run) for run in re.findall(r"`+", line)), default=0) + 1)
    return f"{ticks} {line} {ticks}" if "`" in line else f"`{line}`"


def _streams(title: str, items: object) -> str:
    lines = [f"- {text(one.get('stream'))}: {text(one.get('why'))}" for one in map(_dict, _list(items))]
    return "\n".join([f"## {title}", "", *lines]) if lines else ""


def _evidence(records: list[Any]) -> str:
    lines = []
    for record in map(_dict, records[:_MOST_EVIDENCE]):
        said = record.get("raw") or record.get("message") or ""
        shown = "".join(c if c.isprintable() or c == "\n" else " " for c in str(said)[: 4 * _LONGEST_TEXT])
        lines.append(f"# {record.get('time') or 'no time'} {record.get('stream') or ''}".replace("\n", " "))
        lines.append(shown.rstrip())
    if not lines:
        return ""
    body = "\n".join(lines)
    fence = "`" * max(3, max((len(run) for run in re.findall(r"`+", body)), default=0) + 1)
    return f"## Evidence\n\n{fence}text\n{body}\n{fence}"


def _percent(value: object) -> str:
    return f"{value:.0%}" if isinstance(value, int | float) and 0 <= value <= 1 else "-"


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
