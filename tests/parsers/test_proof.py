"""Nothing is known on hearsay: every format has samples, every sample an origin, every text a line that holds it."""

import re
from functools import cache

import msgspec
import pytest
from shapes import line_of, shape_of

from parsers import lexicon, screen
from parsers.failure import Failure
from parsers.lexicon import Entry
from parsers.lexicon.entry import SEARCHED
from parsers.reader import Reader
from parsers.record import Settings
from parsers.registry import NAMES
from service.catalogue import SAMPLES, format_of, origins, own_stack

FORMATS = [name for name in NAMES if name != "auto"]
ENTRIES = lexicon.load().entries
SCREEN = screen.load()
OWN = {own_stack(name): name for name in FORMATS}
STACKS = sorted({entry.stack for entry in ENTRIES} - set(OWN))
ORIGIN = re.compile(
    r"recorded [^:\n]*\b20\d\d\b[^:\n]*: [^\n]*\d"  # when and where; what, in which version
    r"|vendor-doc: \S[^\n]{7,}|source: \S[^\n]{3,}"
)
REFERENCE = 1_795_300_000.0


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_has_samples_of_failures_and_of_silence(name: str) -> None:
    """At least one record that tells a failure (where the log can tell one), and one that must not."""
    labels = [label for text in samples_of(name) for label in re.findall(rb"^#= (.*)$", text, re.MULTILINE)]
    assert labels, f"tests/parsers/samples/{name}.log is missing"
    assert b"null" in labels, "no sample of silence"
    assert name in NEVER_TELL or any(label.startswith(b"{") for label in labels), "no sample of a failure"


NEVER_TELL = frozenset({"aws_clb"})
"""Logs of requests alone: their page says that they never tell of a failed handshake."""


@pytest.mark.parametrize("name", FORMATS)
def test_a_sample_says_where_it_came_from(name: str) -> None:
    """``recorded`` when and with which version, ``vendor-doc`` which page, ``source`` which file."""
    assert [origin for origin in origins().get(name, ()) if ORIGIN.match(origin) is None] == []
    for text in samples_of(name):
        assert text.count(b"\n#= ") == text.count(b"\n# from: "), "every expectation has its own origin"


def test_every_sample_file_is_of_a_format() -> None:
    """A file that no format owns would prove nothing."""
    assert sorted(set(origins()) - set(FORMATS)) == []


@pytest.mark.parametrize("name", FORMATS)
def test_a_formats_own_texts_are_found_in_its_samples_or_in_lines_of_its_shape(name: str) -> None:
    """A text that no line of its own system holds is a guess."""
    own = [entry for entry in ENTRIES if entry.stack == own_stack(name) and entry.kind in SEARCHED]
    sampled = found_in_samples(name)
    unproven = {entry.text: wrong for entry in own if entry.id not in sampled and (wrong := objection(entry))}
    assert unproven == {}


@pytest.mark.parametrize("stack", STACKS)
def test_a_librarys_texts_are_understood_in_lines_of_its_shape(stack: str) -> None:
    """Each in one generated line that is read whole: found, counted once, for the reason that its row states."""
    own = [entry for entry in ENTRIES if entry.stack == stack and entry.kind in SEARCHED]
    sampled = found_in_samples("app")
    unproven = {entry.text: wrong for entry in own if entry.id not in sampled and (wrong := objection(entry))}
    assert unproven == {}


@pytest.mark.parametrize("kind", ["alert", "exit_code", "weak"])
def test_what_is_never_searched_for_is_found_by_its_number_or_text(kind: str) -> None:
    """Numbers by asking for them, weak texts in a line that something else picked."""
    known = lexicon.load()
    for entry in ENTRIES:
        if entry.kind != kind:
            continue
        if kind == "weak":
            assert entry.id in known.weak_ids(line_of(entry)), entry.text
        else:
            asked = known.alert(int(entry.text)) if kind == "alert" else known.exit_code(int(entry.text), entry.stack)
            assert asked is not None
            assert asked.text == entry.text


@cache
def samples_of(name: str) -> list[bytes]:
    return [b"\n" + path.read_bytes() for path in sorted(SAMPLES.glob("*.log")) if format_of(path) == name]


@cache
def found_in_samples(name: str) -> set[int]:
    """Ids of the entries that stand in a format's samples, or in the same with other blanks in their JSON."""
    found: set[int] = set()
    for text in samples_of(name):
        loose = re.sub(rb'":(?=["\d{\[tfn])', b'": ', text)
        for spaced in (text, loose, re.sub(rb'":[ ]+(?=["\d{\[tfn])', b'":', text)):
            found.update(number for _, number in SCREEN.hits(spaced))
    return found


def objection(entry: Entry) -> str:
    """What is wrong with how the generated line of an entry is read; empty if nothing is."""
    shape, line = shape_of(entry), line_of(entry)
    hits = [number for _, number in SCREEN.hits(line)]
    if not any(number == entry.id or means_the_same(ENTRIES[number], entry) for number in hits):
        return "not found"
    reading = reader(shape.format).read(line + b"\n", final=True)
    facts = [*reading.failures, *reading.changes]
    if reading.unrecognized:
        return "unrecognized"
    if entry.kind == "leg":
        return ""
    if entry.kind == "quiet" or shape.silent:
        return "not silent" if facts else ""
    if len(facts) != 1:
        return f"{len(facts)} facts"
    fact = facts[0]
    if entry.kind == "trigger" or entry.rank >= 6:
        return ""
    if not isinstance(fact, Failure):
        return "a change"
    said = lexicon.load().said((entry.id,))
    sides = ("local", "peer", "unknown") if entry.rejected_by == "unknown" else (entry.rejected_by,)
    expected = [lexicon.judge(msgspec.structs.replace(said, rejected_by=side), fact.direction) for side in sides]
    told = (fact.reason, fact.rejected_by)
    return "" if told in expected or entry.kind == "packed" else f"{told}, expected {expected}"


def means_the_same(one: Entry, other: Entry) -> bool:
    return one.kind == "packed" or (one.reason, one.rejected_by, one.rank) == (
        other.reason,
        other.rejected_by,
        other.rank,
    )


@cache
def reader(name: str) -> Reader:
    return Reader(name, Settings(hop="app" if name == "app" else "edge", reference=REFERENCE))
