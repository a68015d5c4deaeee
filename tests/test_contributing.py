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
from parsers.screen import Screen
from service.times import parse as parse_time

PAGE = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text("utf-8")


def fenced(language: str) -> str:
    [block] = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(block)


@pytest.fixture(scope="module")
def stunnel() -> Any:
    module = ModuleType("stunnel")
    exec(compile(fenced("python"), "CONTRIBUTING.md", "exec"), module.__dict__)
    return module


def samples() -> list[tuple[dict[str, Any] | None, bytes]]:
    found = re.findall(r"^# from: .+\n#= (.+)\n((?:[^#\n].*\n)+)", fenced("text"), re.MULTILINE)
    return [(json.loads(expected), text.rstrip("\n").encode()) for expected, text in found]


def test_the_module_offers_what_a_format_must(stunnel: Any) -> None:
    offered: Format = stunnel
    assert offered.NAME == "stunnel"
    assert offered.claims(samples()[0][1])
    assert not offered.claims(b"2026/11/20 10:15:02 [info] 31#31: *7 x")


def test_the_samples_come_out_as_the_page_says(stunnel: Any) -> None:
    lexicon = Lexicon(tuple(parse([*tables(), ("stunnel", fenced("tsv").encode())])))
    screen = Screen.compile(lexicon.entries)
    assert len(samples()) == 3
    for expected, text in samples():
        ids = tuple(number for _, number in screen.hits(text))
        found = stunnel.read(Record(text, Settings()), lexicon.said(ids, text))
        if expected is None:
            assert found is None
            continue
        assert isinstance(found, Failure)
        if "time" in expected:
            assert found.time == parse_time(expected.pop("time"), 0.0)
        assert {name: getattr(found, name) for name in expected} == expected
        assert found.message.startswith(b"SSL_accept: ")


def test_a_record_without_its_head_is_malformed(stunnel: Any) -> None:
    text = b"SSL_accept: Peer suddenly disconnected"
    lexicon = Lexicon(tuple(parse([("stunnel", fenced("tsv").encode())])))
    with pytest.raises(MalformedRecordError):
        stunnel.read(Record(text, Settings()), lexicon.said((0,), text))


def test_the_folders_and_files_it_names_are_there() -> None:
    root = Path(__file__).parent.parent
    new = {"parsers/formats/stunnel.py", "parsers/lexicon/stunnel.tsv", "tests/parsers/samples/stunnel.log"}
    named = set(re.findall(r"\b(?:parsers|service|tests|docs)/[\w/]+\.(?:py|md|tsv|log)\b", PAGE)) - new
    assert {name for name in named if not (root / name).exists()} == set()
