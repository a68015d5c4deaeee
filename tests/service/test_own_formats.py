"""``formats:`` in streams.yaml: what it gives, how every mistake is told with its line, and what a slow one costs."""

import json
from pathlib import Path

import httpx
import pytest

from parsers import registry
from service.cli.root import run as run_command
from service.config import load
from service.errors import ConfigError
from service.explain import explain
from tests.service.test_engine import ask, running, wait_for

GOOD = """\
formats:
  gate:
    pattern: '^(?P<time>\\S+) gate peer=(?P<peer>\\S+) sni=(?P<host>\\S+) (?P<message>.*)$'
    texts:
      "GATE-4711": certificate/expired
      "no common suite": {reason: no_shared_cipher, rejected_by: local, direction: upstream}
    samples:
      - line: "2026-11-20T10:15:02Z gate peer=192.0.2.9:5100 sni=shop.example GATE-4711 cert too old"
        expect: {reason: expired, host: shop.example, peer: "192.0.2.9:5100", time: "2026-11-20T10:15:02Z"}
      - line: "2026-11-20T10:15:02Z gate peer=192.0.2.9:5100 sni=- no common suite"
        expect: {family: cipher, direction: upstream, rejected_by: local, host: null}
      - line: "2026-11-20T10:15:02Z gate peer=192.0.2.9:5100 sni=shop.example hello"
        expect: null
streams:
  edge: {format: gate, source: {file: {path: edge.log}}}
"""


@pytest.fixture(autouse=True)
def _forget() -> object:
    yield
    registry.install({})


def write(folder: Path, text: str) -> Path:
    path = folder / "streams.yaml"
    path.write_text(text, "utf-8")
    return path


def mistakes(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(write(folder, text))
    return str(caught.value).replace(f"{folder}/", "").splitlines()


def test_a_format_proven_by_its_samples_is_one_like_any_other(tmp_path: Path) -> None:
    config = load(write(tmp_path, GOOD))
    assert config.streams["edge"].format == "gate"
    assert [text.reason for text in config.formats["gate"].texts] == ["expired", "no_shared_cipher"]
    assert registry.get("gate").NAME == "gate"


def test_explain_reads_it_too_and_names_the_users_text(tmp_path: Path) -> None:
    load(write(tmp_path, GOOD))
    line = "2026-11-20T10:15:02Z gate peer=192.0.2.9:5100 sni=shop.example GATE-4711 cert too old"
    [found] = explain(f"{line}\nhello\n", "lb", "gate")
    assert (found["reason"], found["format"], found["host"]) == ("expired", "gate", "shop.example")
    assert [(one["text"], one["stack"], one["won"]) for one in found["matched"]] == [("GATE-4711", "gate", True)]
    assert explain("hello", "lb", "gate")[0]["failure"] is False


def test_another_configuration_takes_its_formats_away(tmp_path: Path) -> None:
    load(write(tmp_path, GOOD))
    load(write(tmp_path, "streams:\n  edge: {source: {file: {path: edge.log}}}\n"))
    with pytest.raises(ValueError, match="is no format"):
        registry.get("gate")


def test_a_sample_that_comes_out_otherwise_is_a_mistake_with_its_line(tmp_path: Path) -> None:
    wrong = GOOD.replace("{reason: expired, host: shop.example,", "{reason: revoked, host: pay.example,")
    wrong = wrong.replace("sni=shop.example hello", "sni=shop.example GATE-4711")
    assert mistakes(tmp_path, wrong) == [
        'streams.yaml:9: formats.gate.samples[0].expect: reason should be "revoked" but comes out as "expired"',
        'streams.yaml:9: formats.gate.samples[0].expect: host should be "pay.example" but comes out as "shop.example"',
        "streams.yaml:13: formats.gate.samples[2].expect: should be silent, but gives certificate/expired",
    ]


def test_a_sample_that_is_not_read_says_why(tmp_path: Path) -> None:
    wrong = GOOD.replace("gate peer=192.0.2.9:5100 sni=shop.example GATE-4711", "GATE-4711").replace(
        "sni=- no common suite", "sni=- nothing known"
    )
    assert mistakes(tmp_path, wrong) == [
        "streams.yaml:8: formats.gate.samples[0].line: gate: the pattern does not match",
        "streams.yaml:10: formats.gate.samples[1].line: holds no text of a TLS failure that is known; add it under"
        " texts, with what it means",
    ]


def test_all_mistakes_of_all_formats_are_told_at_once(tmp_path: Path) -> None:
    told = mistakes(
        tmp_path,
        "formats:\n"
        "  nginx: {pattern: '(?P<host>.)', samples: [{line: x, expect: null}]}\n"
        "  Bad-Name: {}\n"
        "  a: {pattern: '(?P<hots>.)', samples: [{line: x, expect: null}]}\n"
        "  b: {pattern: '(?P<host>.', json: {host: h}, samples: []}\n"
        "  c:\n"
        "    json: {host: h, hsot: h}\n"
        '    texts: {"abc": expired, "long enough": expird}\n'
        "    samples: [{line: x, expect: null}]\n"
        "streams: {edge: {format: a, source: {file: {path: x}}}}\n",
    )
    assert [line.split(": ")[:2] for line in told] == [
        ["streams.yaml:2", "formats.nginx"],
        ["streams.yaml:3", "formats.Bad-Name"],
        ["streams.yaml:4", "formats.a.pattern"],
        ["streams.yaml:5", "formats.b.pattern"],
        ["streams.yaml:5", "formats.b"],
        ["streams.yaml:5", "formats.b"],
        ["streams.yaml:7", "formats.c.json.hsot"],
        ["streams.yaml:8", "formats.c.texts.abc"],
        ["streams.yaml:8", "formats.c.texts.long enough"],
    ]
    assert '(did you mean "host"?)' in told[2]
    assert 'did you mean "certificate/expired"?' in told[8]


def test_a_pattern_that_never_ends_is_counted_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The record is given up, the rest is read, and the command says so and ends with 1."""
    monkeypatch.chdir(tmp_path)
    write(
        tmp_path,
        "formats:\n  evil:\n    pattern: '^(?P<message>(?:a|aa)+)$'\n    texts: {aaaa: timeout}\n"
        "    samples: [{line: aaaaaa, expect: {reason: timeout}}]\n"
        "streams:\n  mesh: {format: evil, source: {file: {path: mesh.log}}}\n",
    )
    (tmp_path / "mesh.log").write_text(("a" * 60 + "!\n") * 3 + "aaaaaaaa\n")
    code = run_command(("scan", "-c", "streams.yaml", "--json"))
    out, err = capfd.readouterr()
    assert (code, err) == (1, "mesh: format evil: its pattern took too long on 3 records; make it linear\n")
    assert json.loads(out)["streams"]["mesh"]["failures"] == 1


def test_a_sample_on_which_the_pattern_never_ends_stops_the_start(tmp_path: Path) -> None:
    told = mistakes(
        tmp_path,
        "formats:\n  evil:\n    pattern: '^(?P<message>(?:a|aa)+)$'\n    texts: {aaaa: timeout}\n"
        f"    samples: [{{line: '{'a' * 60}!', expect: {{reason: timeout}}}}]\n"
        "streams:\n  mesh: {format: evil, source: {file: {path: mesh.log}}}\n",
    )
    assert told == ["streams.yaml:5: formats.evil.samples[0].line: evil: the pattern takes too long"]


def test_the_documentations_example_is_right(tmp_path: Path) -> None:
    """The YAML of docs/own-formats.md, and the one that the shipped file holds as a comment."""
    root = Path(__file__).parents[2]
    example = (root / "docs" / "own-formats.md").read_text().split("```yaml\n")[1].split("```")[0]
    assert list(load(write(tmp_path, example)).formats) == ["gate", "jgate"]
    shipped = (root / "streams.yaml").read_text()
    lines = shipped[shipped.index("# formats:") :].split("\n\n")[0].splitlines()
    commented = "\n".join(line.removeprefix("# ") for line in lines)
    streams = "\nstreams: {edge: {format: gate, source: {file: {path: x}}}}\n"
    assert list(load(write(tmp_path, commented + streams)).formats) == ["gate"]


def test_the_running_service_counts_and_names_a_pattern_that_takes_too_long(tmp_path: Path) -> None:
    """In the stream's counts and text, and as a metric; what it can read is read."""
    config = write(
        tmp_path,
        "service: {listen: '127.0.0.1:0', data_dir: data}\n"
        "formats:\n  evil:\n    pattern: '^(?P<message>(?:a|aa)+)$'\n    texts: {aaaa: timeout}\n"
        "    samples: [{line: aaaaaa, expect: {reason: timeout}}]\n"
        "streams:\n  mesh: {format: evil, source: {file: {path: mesh.log, start: beginning}}}\n",
    )
    (tmp_path / "mesh.log").write_text("aaaaaaaa\n" + ("a" * 60 + "!\n") * 3)
    with running(config) as service:
        wait_for(lambda: service.engine.shown.streams["mesh"].unrecognized == 3)
        [stream] = ask(service, "/api/v1/streams")["items"]
        assert (stream["counts"]["failures"], stream["counts"]["unrecognized"]) == (1, 3)
        told = "format evil: its pattern took too long on 3 records, which were given up"
        wait_for(lambda: told in ask(service, "/api/v1/streams")["items"][0]["text"])
        metrics = httpx.get(service.url + "/metrics", timeout=10).text
        assert 'handspike_dropped_total{cause="pattern_timeout",stream="mesh"} 3.0' in metrics
