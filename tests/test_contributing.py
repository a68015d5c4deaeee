"""CONTRIBUTING.md's example is built as it stands there, and must do what it says."""

import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from parsers.failure import Failure
from parsers.lexicon import Lexicon, tables
from parsers.lexicon.entry import parse
from parsers.record import Format, MalformedRecordError, Record, Settings
from parsers.registry import NAMES
from parsers.screen import Screen

PAGE = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text("utf-8")


def fenced(language: str) -> str:
    [block] = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(block)


@pytest.fixture(scope="module")
def pound() -> Any:
    module = ModuleType("pound")
    exec(compile(fenced("python"), "CONTRIBUTING.md", "exec"), module.__dict__)
    return module


def samples() -> list[tuple[dict[str, Any] | None, bytes]]:
    found = re.findall(r"^# from: .+\n#= (.+)\n((?:[^#\n].*\n)+)", fenced("text"), re.MULTILINE)
    return [(json.loads(expected), text.rstrip("\n").encode()) for expected, text in found]


def test_the_module_offers_what_a_format_must(pound: Any) -> None:
    offered: Format = pound
    assert offered.NAME == "pound"
    assert offered.claims(samples()[0][1])
    assert not offered.claims(b"2026/11/20 10:15:02 [info] 31#31: *7 x")
    assert offered.NAME not in NAMES, "handspike knows it by now; the page needs another example"


def test_the_samples_come_out_as_the_page_says(pound: Any) -> None:
    lexicon = Lexicon(tuple(parse([*tables(), ("pound", fenced("tsv").encode())])))
    screen = Screen.compile(lexicon.entries)
    assert len(samples()) == 3
    for expected, text in samples():
        ids = tuple(number for _, number in screen.hits(text))
        found = pound.read(Record(text, Settings()), lexicon.said(ids, text))
        if expected is None:
            assert found is None
            continue
        assert isinstance(found, Failure)
        assert {name: getattr(found, name) for name in expected} == expected
        assert found.message.startswith(b"handshake ")


def test_a_record_without_its_head_is_malformed(pound: Any) -> None:
    text = b"192.0.2.9: handshake failed: connection reset by peer"
    lexicon = Lexicon(tuple(parse([("pound", fenced("tsv").encode())])))
    with pytest.raises(MalformedRecordError):
        pound.read(Record(text, Settings()), lexicon.said((0,), text))


def test_the_folders_and_files_it_names_are_there() -> None:
    root = Path(__file__).parent.parent
    new = {"parsers/formats/pound.py", "parsers/lexicon/pound.tsv", "tests/parsers/samples/pound.log"}
    named = set(re.findall(r"\b(?:parsers|service|tests|docs)/[\w/]+\.(?:py|md|tsv|log)\b", PAGE)) - new
    assert {name for name in named if not (root / name).exists()} == set()
