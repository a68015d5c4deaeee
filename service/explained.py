"""An explained record as a person reads it in a terminal."""

from typing import Any, Final

_WIDTH: Final = 10


def page(record: dict[str, Any]) -> str:
    """One failure: the verdict first, then what was read from the record, then what to type next."""
    verdict = record["verdict"]
    lines = [verdict["summary"], ""]
    sides = {"local": "the side that logged it", "peer": "the far end", "unknown": "not recorded"}
    facts = [
        ("what", f"{record['family']}/{record['reason']}"),
        ("leg", f"{verdict['leg']} ({record['direction']})"),
        ("gave up", sides[record["rejected_by"]]),
        ("fix at", f"{verdict['fix_at'] or 'not decided by this record'} ({verdict['confidence']:.0%} sure)"),
        ("host", record["host"]),
        ("peer", record["peer"]),
        ("time", record["time"]),
        ("protocol", record["protocol"]),
        ("cipher", record["cipher"]),
        ("alert", record["alert"]),
        ("code", record["code"]),
        ("message", record["message"]),
        ("read as", record["format"]),
    ]
    lines += [f"  {name:<{_WIDTH}}{value}" for name, value in facts if value not in (None, "")]
    lines += [f"  {'because' if not n else '':<{_WIDTH}}{reason}" for n, reason in enumerate(verdict["because"])]
    for number, step in enumerate(verdict["steps"]):
        command, hash_sign, meaning = step.partition("  # ")
        lines.append(f"  {'next' if not number else '':<{_WIDTH}}{command}")
        if hash_sign:
            lines.append(f"  {'':<{_WIDTH}}  # {meaning}")
    return "\n".join(lines)
