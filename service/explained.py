"""An explained record as a person reads it in a terminal."""

from typing import Any, Final

_WIDTH: Final = 10


def page(record: dict[str, Any]) -> str:
    """One record that says something: the verdict first, then what was read, then what to type next."""
    verdict = record["verdict"]
    lines = [verdict["summary"], ""]
    sides = {"local": "the side that logged it", "peer": "the far end", "unknown": "not recorded", None: None}
    sure = f"{verdict['confidence']:.0%} sure"
    facts = [
        ("means", record["meaning"] if (record["meaning"] or "") not in verdict["summary"] else None),
        ("what", record["reason"] and f"{record['family']}/{record['reason']}"),
        ("leg", verdict["leg"] and f"{verdict['leg']}{_in_brackets(record['direction'])}"),
        ("gave up", sides[record["rejected_by"]]),
        ("fix at", f"{verdict['fix_at'] or 'not decided by this record'} ({sure})" if record["reason"] else None),
        ("host", record["host"]),
        ("peer", record["peer"]),
        ("time", record["time"]),
        ("times", f"{record['count']:,}: others alike but for their clients" if record["count"] > 1 else None),
        ("protocol", record["protocol"]),
        ("cipher", record["cipher"]),
        ("alert", record["alert"]),
        ("code", record["code"]),
        ("message", record["message"]),
        ("read as", " in ".join([record["format"], *reversed(record["envelopes"])])),
        ("decided", record["matched_why"]),
    ]
    lines += [f"  {name:<{_WIDTH}}{value}" for name, value in facts if value not in (None, "")]
    lines += [f"  {'because' if not n else '':<{_WIDTH}}{reason}" for n, reason in enumerate(verdict["because"])]
    for number, step in enumerate(verdict["steps"]):
        command, hash_sign, meaning = step.partition("  # ")
        lines.append(f"  {'next' if not number else '':<{_WIDTH}}{command}")
        if hash_sign:
            lines.append(f"  {'':<{_WIDTH}}  # {meaning}")
    return "\n".join(lines)


def _in_brackets(direction: str | None) -> str:
    return f" ({direction})" if direction else ""
