"""The words of an alert: labels, annotations, a chat message. Hosts and texts come from logs: all is bounded."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

ALERTNAME: Final = "TLSHandshakeSpike"
LONGEST_TEXT: Final = 2_000
"""Characters of one annotation, or of one text anywhere in a webhook's body; longer ones are cut."""
LONGEST_LABEL: Final = 255
_MOST_ITEMS: Final = 200
_LONGEST_CHAT: Final = 3_000


class Links(msgspec.Struct, frozen=True):
    """Where people find more. Without a slash at the end."""

    page: str
    """Under which people open this service."""
    runbooks: str
    """Where ``docs/runbooks`` is to be found."""


def labels(document: Mapping[str, Any]) -> dict[str, str]:
    """The alert's identity. ``warning`` if the clients are at fault, else ``critical``: so is what nobody knows yet,
    for the first verdict counts here and may be a guess."""
    first = _map(document.get("first"))
    spikes = [_map(spike) for spike in _list(document.get("spikes"))]
    same = [spike for spike in spikes if (spike.get("stream"), spike.get("onset")) == _opening(first)]
    family = next((spike.get("family") for spike in [*same, *spikes]), None)
    fix_at = _map(document.get("verdict")).get("fix_at")
    named = {
        "alertname": ALERTNAME,
        "severity": "warning" if fix_at == "client" else "critical",
        "stream": first.get("stream"),
        "hop": first.get("hop"),
        "family": family,
        "incident": document["id"],
    }
    return {name: cut(value, LONGEST_LABEL) or "unknown" for name, value in named.items()}


def annotations(document: Mapping[str, Any], links: Links, note: str = "") -> dict[str, str]:
    """What may change from one send to the next. ``note`` goes in front of the summary."""
    verdict, first = _map(document.get("verdict")), _map(document.get("first"))
    told = {
        "summary": f"{note}{summary(document)}",
        "description": description(document),
        "fix_at": verdict.get("fix_at"),
        "host": first.get("host") or next(iter(_list(document.get("hosts"))), None),
        "first": first.get("stream"),
        "leg": verdict.get("leg"),
        "started_at": document.get("started_at"),
        "failures": document.get("failures"),
        "page_url": f"{links.page}/#{document['id']}",
        "runbook_url": f"{links.runbooks}/{ALERTNAME}.md",
    }
    return {name: cut(value) for name, value in told.items() if value not in (None, "")}


def summary(document: Mapping[str, Any]) -> str:
    """One sentence; of a merged incident, where its story goes on."""
    if other := document.get("merged_into"):
        return f"Turned out to be part of incident {other}."
    return str(_map(document.get("verdict")).get("summary") or "TLS handshakes fail")


def description(document: Mapping[str, Any]) -> str:
    """Several lines: how sure, why, what to do, what to leave alone."""
    verdict, first = _map(document.get("verdict")), _map(document.get("first"))
    lines = []
    if (fix_at := verdict.get("fix_at")) is not None:
        confidence = verdict.get("confidence")
        sure = f" ({confidence:.0%} sure)" if isinstance(confidence, int | float) else ""
        lines.append(f"Fix at {fix_at}{sure}{', provisional' if verdict.get('provisional') else ''}.")
    tie = ", ".join(map(str, _list(first.get("tie_with"))))
    lines.append(
        f"First: {first.get('stream')} (hop {first.get('hop')}) at {first.get('onset')}"
        f"{', in the same moment as ' + tie if tie else ''}. Broken leg: {verdict.get('leg')}."
    )
    lines += [f"- {line}" for line in _texts(verdict.get("because"))]
    lines += [f"{number}. {line}" for number, line in enumerate(_texts(verdict.get("steps")), 1)]
    for title, name in (("Leave alone", "cleared"), ("Not seen", "unseen")):
        if streams := [str(_map(one).get("stream")) for one in _list(verdict.get(name))]:
            lines.append(f"{title}: {', '.join(streams)}.")
    if ended := document.get("resolved_at"):
        lines.append(f"Over since {ended}.")
    return "\n".join(cut(line, 400) for line in lines)


def chat(document: Mapping[str, Any], kind: str, severity: str, links: Links) -> str:
    """Slack's mrkdwn, which Mattermost and others read too. What comes from logs can't become a link or a mention."""
    lines = [f"*TLS incident {kind}* ({severity}): {_plain(cut(summary(document), 800))}"]
    if kind in ("opened", "changed", "reopened"):
        lines += [f"> {_plain(cut(line, 400))}" for line in description(document).split("\n")[:8]]
    elif ended := document.get("resolved_at"):
        lines.append(f"> Over since {_plain(str(ended))}.")
    text = "\n".join(lines)[:_LONGEST_CHAT]
    return f"{text}\n<{links.page}/#{document['id']}|{document['id']}>"


def blamed(document: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """(stream that was first, where the fix belongs): when this changes, people want to know."""
    return _map(document.get("first")).get("stream"), _map(document.get("verdict")).get("fix_at")


def is_provisional(document: Mapping[str, Any]) -> bool:
    return bool(_map(document.get("verdict")).get("provisional"))


def cut(value: object, longest: int = LONGEST_TEXT) -> str:
    """A value as text that any receiver takes: bounded, no control characters but the newline, valid UTF-8.

    >>> cut("a" * 9, 6), cut("a\\x00b\\ud800"), cut(None)
    ('aaa...', 'a b?', '')
    """
    if value is None:
        return ""
    text = str(value)
    if len(text) > longest:
        text = text[: longest - 3] + "..."
    text = "".join(c if c.isprintable() or c == "\n" or "\ud800" <= c <= "\udfff" else " " for c in text)
    return text.encode("utf-8", "replace").decode("utf-8")


def bounded(value: Any) -> Any:
    """A JSON value whose texts and lists are cut."""
    if isinstance(value, str):
        return cut(value)
    if isinstance(value, dict):
        return {cut(name, LONGEST_LABEL): bounded(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [bounded(item) for item in value[:_MOST_ITEMS]]
    return value


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _texts(value: object) -> list[str]:
    return [str(one) for one in _list(value)]


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _opening(first: Mapping[str, Any]) -> tuple[Any, Any]:
    return first.get("stream"), first.get("onset")


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
