"""The ``formats`` of streams.yaml: a user's own, each proven by its samples before anything starts."""

from collections.abc import Callable
from typing import Any, Final

from parsers.custom_format import (
    FIELDS,
    LONGEST_TEXT,
    MOST_TEXTS,
    SHORTEST_TEXT,
    CustomFormat,
    OwnText,
    PatternError,
    check_pattern,
    check_reason,
)
from parsers.vocabulary import Direction, RejectedBy
from service.config import formats, values
from service.config.table import Table
from service.config.tree import Node

MOST_FORMATS: Final = 100
MOST_SAMPLES: Final = 100
LONGEST_SAMPLE: Final = 16 * 1024
_LONGEST_NAME: Final = 64
_DIRECTIONS: Final[tuple[Direction, ...]] = ("downstream", "upstream")
_SIDES: Final[tuple[RejectedBy, ...]] = ("local", "peer", "unknown")
_EXPECTED: Final = (
    *("time", "host", "peer", "direction", "family", "reason", "rejected_by", "protocol", "cipher", "alert", "code"),
    *("message", "sni_sent"),
)
_SAMPLE: Final = '{line: "...", expect: {reason: expired}}'


def read_formats(table: Table) -> dict[str, CustomFormat]:
    """Those that could be read and that their samples prove; mistakes are noted in the table."""
    found: dict[str, CustomFormat] = {}
    names = [name for name, _ in table.entries()]
    if len(names) > MOST_FORMATS:
        table.wrong(f"holds more than {MOST_FORMATS} formats")
        return {}
    for name in names:
        if not _is_name(name):
            table.wrong(f"is no format's name; use lower-case letters, digits and _, at most {_LONGEST_NAME}", name)
        elif name in formats.known() or name in formats.LATER:
            table.wrong("is a format's name already; choose another, such as my_" + name, name)
        elif (one := _format(name, table.table(name))) is not None:
            found[name] = one
    return found


def named(root: Node) -> tuple[str, ...]:
    """The names under ``formats``, right or wrong: a stream that uses one of them is not to blame."""
    below = root.value.get("formats") if isinstance(root.value, dict) else None
    return tuple(below.value) if below is not None and isinstance(below.value, dict) else ()


def _format(name: str, table: Table) -> CustomFormat | None:
    before = table.mistakes
    pattern = table.take("pattern", _pattern, None)
    keys = _keys(table.table("json")) if table.holds("json") else None
    direction = table.take("direction", lambda node: values.one_of(node, _DIRECTIONS), None)
    texts = _texts(table.table("texts"))
    samples = table.several("samples", lambda node: node)
    if table.is_map and table.holds("pattern") == table.holds("json"):
        table.wrong("needs either a pattern or json, and not both; write pattern: '(?P<message>.*)', for one")
    if table.is_map and not samples:
        table.wrong(f"has no samples; write one at least: samples: [{_SAMPLE}]")
    if len(samples) > MOST_SAMPLES:
        table.wrong(f"has more than {MOST_SAMPLES}", "samples")
    table.close()
    if table.mistakes != before:
        return None
    made = CustomFormat(name=name, pattern=pattern, json=keys, direction=direction, texts=texts)
    for number, sample in enumerate(samples[:MOST_SAMPLES]):
        _prove(made, table.item("samples", number, sample))
    return made


def _pattern(node: Node) -> str:
    if not isinstance(node.value, str) or not node.value.strip():
        raise values.Wrong(f"{values.shown(node.value)} is no pattern; write a text in single quotes")
    return _checked(node.value, check_pattern)


def _keys(table: Table) -> dict[str, str]:
    keys = {}
    for field in FIELDS:
        if (key := table.take(field, values.text, None)) is not None:
            keys[field] = key
    if table.is_map and not keys:
        table.wrong(f"names no key; write such as message: msg. Known here: {values.listed(FIELDS)}")
    table.close()
    return keys


def _texts(table: Table) -> tuple[OwnText, ...]:
    """``"text": reason``, or ``"text": {reason: ..., rejected_by: ..., direction: ...}``."""
    found = []
    for text, node in table.entries():
        if not SHORTEST_TEXT <= len(text.encode()) <= LONGEST_TEXT or not text.isprintable():
            table.wrong(f"is no text to search for; write {SHORTEST_TEXT} to {LONGEST_TEXT} printable characters", text)
            continue
        if isinstance(node.value, dict):
            below = table.table(text)
            reason = below.need("reason", _reason, "what it means, such as expired")
            rejected_by = below.take("rejected_by", lambda node: values.one_of(node, _SIDES), _SIDES[2])
            direction = below.take("direction", lambda node: values.one_of(node, _DIRECTIONS), None)
            below.close()
        else:
            reason = table.need(text, _reason, "what it means, such as expired")
            rejected_by, direction = _SIDES[2], None
        if reason is not None:
            found.append(OwnText(text, reason, rejected_by, direction))
    if len(found) > MOST_TEXTS:
        table.wrong(f"holds more than {MOST_TEXTS} texts")
    return tuple(found[:MOST_TEXTS])


def _reason(node: Node) -> str:
    return _checked(values.text(node), check_reason).rpartition("/")[2]


def _checked(text: str, check: Callable[[str], None]) -> str:
    try:
        check(text)
    except PatternError as error:
        raise values.Wrong(str(error)) from None
    return text


def _prove(made: CustomFormat, sample: Table) -> None:
    """One sample read as the service would read it; what differs from ``expect`` is a mistake."""
    line = sample.need("line", _line, "the record, in quotes")
    expected: dict[str, Any] | None = None
    if not sample.holds("expect"):
        sample.wrong(f"expect is missing; write what must come out ({_SAMPLE}), or expect: null for silence")
        sample.close()
        return
    if sample.value_of("expect") is not None:
        below = sample.table("expect")
        expected = {field: node.value for field, node in below.entries() if field in _EXPECTED}
        for field, _ in below.entries():
            if field not in _EXPECTED:
                below.wrong(f"is no field of a failure; those are {values.listed(_EXPECTED)}", field)
    else:
        sample.take("expect", values.text, "")
    sample.close()
    if line is None:
        return
    found, trouble = _read(made, line)
    if expected is None:
        if found is not None:
            sample.wrong(f"should be silent, but gives {found['family']}/{found['reason']}", "expect")
        return
    if found is None:
        sample.wrong(trouble, "line")
        return
    for field, value in expected.items():
        got = found[field]
        if got != value and not (field == "time" and _is_same_moment(got, value)):
            sample.wrong(f"{field} should be {values.shown(value)} but comes out as {values.shown(got)}", "expect")


def _is_same_moment(one: Any, other: Any) -> bool:
    from parsers import timestamps

    try:
        return abs(timestamps.iso(str(one).encode(), "UTC") - timestamps.iso(str(other).encode(), "UTC")) < 0.001
    except ValueError:
        return False


def _line(node: Node) -> str:
    if not isinstance(node.value, str) or not node.value.strip():
        raise values.Wrong(f"{values.shown(node.value)} is no record; put the line in quotes")
    if len(node.value) > LONGEST_SAMPLE:
        raise values.Wrong(f"is longer than {LONGEST_SAMPLE:,} characters")
    return node.value


def _read(made: CustomFormat, line: str) -> tuple[dict[str, Any] | None, str]:
    """The Failure object that a stream with this format would make of ``line``, or None and why."""
    from parsers.envelopes import peel_until
    from parsers.failure import to_json
    from parsers.formats.custom import Custom
    from parsers.record import MalformedRecordError, Record, Settings
    from service.times import rfc3339

    own = Custom(made)
    raw, settings = line.encode(), Settings()
    hits = own.screen.hits(raw)
    if not hits:
        return None, "holds no text of a TLS failure that is known; add it under texts, with what it means"
    peeled = peel_until(raw, settings, own.claims)
    said = own.lexicon.said(tuple(number for _, number in hits), raw)
    if not said.is_failure:
        return None, "is no failure: its texts stand for success"
    try:
        failure = own.read(Record(peeled.text, settings, peeled.time, peeled.program), said)
    except MalformedRecordError as error:
        return None, str(error)
    if failure is None:
        return None, "is no failure"
    time = failure.time if failure.time is not None else peeled.time
    message = failure.message.decode("utf-8", "replace")
    shown = None if time is None else rfc3339(time)
    return to_json(failure, stream="", hop="", time=shown, message=message, raw=None), ""


def _is_name(name: str) -> bool:
    plain = name.replace("_", "")
    return 0 < len(name) <= _LONGEST_NAME and plain.isalnum() and name.isascii() and name == name.lower()
