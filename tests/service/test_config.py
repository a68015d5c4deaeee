"""streams.yaml: what it gives, and how every mistake is told with its line."""

from pathlib import Path

import pytest

from service.config import (
    Address,
    FileSource,
    JournaldSource,
    KafkaSource,
    PushSource,
    ScrapeSource,
    StdinSource,
    SyslogSource,
    Webhook,
    formats,
    load,
)
from service.config.model import Alerts, Secret
from service.errors import ConfigError

SHIPPED = Path(__file__).parents[2] / "streams.yaml"

MINIMAL = "streams:\n  edge: {source: {file: {path: edge.log}}}\n"


@pytest.fixture(autouse=True)
def _no_token_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HANDSPIKE_TOKEN", raising=False)


@pytest.fixture(autouse=True)
def _quill_comes_in_a_later_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "LATER", ("quill",))


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "streams.yaml"
    path.write_text(text, "utf-8")
    return path


def mistakes(tmp_path: Path, text: str, *, runnable: bool = True) -> list[str]:
    """What is told, without the folder."""
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, text), runnable=runnable)
    return str(caught.value).replace(f"{tmp_path}/", "").splitlines()


def test_the_shipped_file_loads_and_names_the_five_hops() -> None:
    """Nobody has to edit it before a first start."""
    config = load(SHIPPED)
    assert {name: stream.hop for name, stream in config.streams.items()} == {
        "edge": "edge", "lb": "lb", "ingress": "ingress", "mesh": "mesh", "app": "app"
    }  # fmt: skip
    assert config.streams["app"].follows == ("lb",)
    assert all(isinstance(stream.source, FileSource) for stream in config.streams.values())


def test_the_shipped_file_states_the_defaults(tmp_path: Path) -> None:
    """What it says of everything but the streams is what a file that says nothing means."""
    shipped, bare = load(SHIPPED), load(write(tmp_path, MINIMAL))
    assert shipped.service.listen == bare.service.listen == Address("127.0.0.1", 9844)
    assert (shipped.evidence, shipped.detector, shipped.store, shipped.alerts) == (
        bare.evidence,
        bare.detector,
        bare.store,
        bare.alerts,
    )
    assert shipped.service.data_dir == SHIPPED.parent / "data"
    assert isinstance(bare.streams["edge"].source, FileSource)
    assert {stream.source.start for stream in shipped.streams.values() if isinstance(stream.source, FileSource)} == {
        bare.streams["edge"].source.start
    }


def test_every_setting_arrives_with_its_type(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2hunter2\n")
    config = load(
        write(
            tmp_path,
            """
service: {listen: "[::]:9844", data_dir: here, token_file: secret, names: [Handspike.Shop.example]}
streams:
  front:
    hop: edge
    format: nginx
    timezone: Europe/Berlin
    hosts: {"0.0.0.0:443": Shop.example.}
    clock_offset: -1h30m
    source: {file: {path: logs/*.log, start: beginning}}
  orders: {hop: app, follows: [front], source: {stdin: {}}}
detector: {window: 90s, false_alarms_per_week: 0.5, least_failures: 3}
store: {retention: 2w, max_size: 500MB}
evidence: {raw: off}
""",
        )
    )
    assert config.service.listen == Address("::", 9844)
    assert config.service.data_dir == tmp_path / "here"
    assert config.service.token is not None
    assert config.service.token.value == "hunter2hunter2"
    assert config.service.names == ("handspike.shop.example",)
    front = config.streams["front"]
    assert (front.hop, front.format, front.timezone) == ("edge", "nginx", "Europe/Berlin")
    assert front.hosts == {"0.0.0.0:443": "shop.example"}
    assert front.clock_offset_seconds == -5400.0
    assert front.source == FileSource(path=str(tmp_path / "logs/*.log"), start="beginning")
    assert config.streams["orders"].follows == ("front",)
    assert config.streams["orders"].source == StdinSource()
    assert (config.detector.window_seconds, config.detector.false_alarms_per_week) == (90.0, 0.5)
    assert config.detector.least_failures == 3
    assert (config.store.retention_seconds, config.store.max_bytes) == (14 * 86_400.0, 500_000_000)
    assert config.evidence.raw is False


def test_a_stream_named_like_a_hop_is_of_that_hop(tmp_path: Path) -> None:
    assert load(write(tmp_path, MINIMAL)).streams["edge"].hop == "edge"


def test_a_token_is_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDSPIKE_TOKEN", "from-outside")
    config = load(write(tmp_path, MINIMAL))
    assert config.service.token is not None
    assert config.service.token.value == "from-outside"
    assert "from-outside" not in repr(config)
    assert "from-outside" not in f"{config.service.token}"


LATER = """\
streams:
  a: {hop: lb, source: {kafka: {brokers: ["127.0.0.1:9092", "k.example:9092"], topic: t}}}
  b: {hop: lb, format: quill, source: {syslog: {listen: "127.0.0.1:5514", transport: tls}}}
  c: {hop: lb, source: {push: {}}}
  d: {hop: lb, source: {journald: {unit: nginx}}}
alerts: {alertmanager: [http://127.0.0.1:9093], webhooks: https://hooks.example/x}
"""


def test_what_comes_in_a_later_version_is_refused_by_name(tmp_path: Path) -> None:
    later = "this source comes in a later version; this one reads file, kafka, scrape or stdin"
    assert mistakes(tmp_path, LATER) == [
        'streams.yaml:3: streams.b.format: "quill" comes in a later version; until then try auto',
        f"streams.yaml:3: streams.b.source.syslog: {later}",
        f"streams.yaml:4: streams.c.source.push: {later}",
        f"streams.yaml:5: streams.d.source.journald: {later}",
    ]


def test_what_comes_in_a_later_version_has_its_shape_already(tmp_path: Path) -> None:
    config = load(write(tmp_path, LATER), runnable=False)
    assert [stream.source for stream in config.streams.values()] == [
        KafkaSource(brokers=("127.0.0.1:9092", "k.example:9092"), topic="t"),
        SyslogSource(listen=Address("127.0.0.1", 5514), transport="tls"),
        PushSource(),
        JournaldSource(unit="nginx"),
    ]
    assert config.alerts.webhooks == (Webhook(Secret("https://hooks.example/x")),)


def test_alerts_go_to_several_receivers_and_their_secrets_stay_in_files(tmp_path: Path) -> None:
    (tmp_path / "chat").write_text("https://chat.example/services/T0/B0/x1\n")
    (tmp_path / "key").write_text("hunter2hunter2\n")
    text = (
        MINIMAL
        + """
alerts:
  alertmanager: [http://127.0.0.1:9093, https://am.example/prefix]
  webhooks:
    - {url: https://hooks.example/x, secret_file: key}
    - {url_file: chat, format: slack}
  resend: 30s
  page: https://handspike.shop.example
  runbooks: https://wiki.example/runbooks
"""
    )
    alerts = load(write(tmp_path, text)).alerts
    assert alerts == Alerts(
        alertmanager=("http://127.0.0.1:9093", "https://am.example/prefix"),
        webhooks=(
            Webhook(Secret("https://hooks.example/x"), Secret("hunter2hunter2")),
            Webhook(Secret("https://chat.example/services/T0/B0/x1"), format="slack"),
        ),
        resend_seconds=30.0,
        page="https://handspike.shop.example",
        runbooks="https://wiki.example/runbooks",
    )
    assert "hunter2" not in repr(alerts)
    assert "B0" not in repr(alerts)


def test_every_mistake_in_a_webhook_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "chat").write_text("not-an-address\n")
    text = """\
streams: {edge: {hop: edge, source: {file: {path: x}}}}
alerts:
  webhooks:
    - {url: https://a.example, url_file: chat, format: teams}
    - {secret_file: nope, urls: x}
    - 5
  resend: 0s
"""
    assert mistakes(tmp_path, text) == [
        "streams.yaml:4: alerts.webhooks[0].url_file: stands beside url; keep one of them",
        'streams.yaml:4: alerts.webhooks[0].url_file: "not-an-address" is no address of a receiver; write one such as'
        " http://127.0.0.1:9093",
        'streams.yaml:4: alerts.webhooks[0].format: "teams" is unknown; write json or slack',
        "streams.yaml:5: alerts.webhooks[1].url: is missing; write the receiver's address, or url_file: a file that"
        " holds it",
        'streams.yaml:5: alerts.webhooks[1].secret_file: "nope" can\'t be read: No such file or directory',
        'streams.yaml:5: alerts.webhooks[1].urls: is no known key (did you mean "url"?)',
        "streams.yaml:6: alerts.webhooks[2]: 5 is no text; put it in quotes",
        'streams.yaml:7: alerts.resend: "0s" is out of range; from 1s to 1h',
    ]


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines(tmp_path: Path) -> None:
    text = """\
service:
  listen: 0.0.0.0:99999
  insecur: true
  token_file: nope
streams:
  edge:
    hop: edg
    format: ngnix
    timezone: CETT
    follows: [lbb, edge]
    source:
      file: {path: /var/log/x, start: middle}
      stdin: {}
  lb:
    source: {kafka: {brokers: [foo]}}
  lb:
    hop: lb
  a b: {}
  mesh: [1]
  nothing:
detector: {window: 60, false_alarms_per_week: -1, least_failures: yes}
store: {retention: 5, max_size: 2 Gigs}
evidence: {raw: maybe}
alerts: {alertmanager: [ftp://x], webhooks: ["http://u:p@h/"]}
strems: 1
"""
    file_example = "{file: {path: /var/log/nginx/error.log}}"
    assert mistakes(tmp_path, text) == [
        'streams.yaml:2: service.listen: "0.0.0.0:99999" is no address to listen on; write one such as'
        " 127.0.0.1:9844 or [::1]:9844",
        'streams.yaml:3: service.insecur: is no known key (did you mean "insecure"?)',
        'streams.yaml:4: service.token_file: "nope" can\'t be read: No such file or directory',
        'streams.yaml:7: streams.edge.hop: "edg" is unknown; write edge, lb, ingress, mesh or app'
        ' (did you mean "edge"?)',
        f'streams.yaml:8: streams.edge.format: "ngnix" is unknown; write {", ".join(formats.known()[:-1])} or auto'
        ' (did you mean "nginx"?)',
        'streams.yaml:9: streams.edge.timezone: "CETT" is no time zone; write one such as Europe/Berlin',
        'streams.yaml:10: streams.edge.follows[0]: "lbb" is no stream of this file (did you mean "lb"?)',
        "streams.yaml:10: streams.edge.follows[1]: a stream can't follow itself; name the stream of the hop that it"
        " calls",
        "streams.yaml:11: streams.edge.source: holds 2 kinds (file, stdin); keep one, and make the others streams of"
        " their own",
        'streams.yaml:12: streams.edge.source.file.start: "middle" is unknown; write beginning or end',
        'streams.yaml:15: streams.lb.source.kafka.brokers[0]: "foo" is no broker; write host:port',
        "streams.yaml:15: streams.lb.source.kafka.topic: is missing; write the topic's name",
        "streams.yaml:16: streams.lb: stands here twice (first in line 14); keep one",
        "streams.yaml:18: streams.a b: is no stream's name; use letters, digits, - _ . and at most 64 of them",
        "streams.yaml:19: streams.mesh: a list is no map; write keys below it, indented",
        "streams.yaml:20: streams.nothing.hop: is missing; write edge, lb, ingress, mesh or app",
        "streams.yaml:20: streams.nothing: source is missing; write one of file, kafka, stdin, syslog, push,"
        f" journald or scrape, such as source: {file_example}",
        "streams.yaml:21: detector.window: 60 is no duration; write one such as 60s, 90m, 12h or 30d",
        "streams.yaml:21: detector.false_alarms_per_week: -1 is no number above 0",
        'streams.yaml:21: detector.least_failures: "yes" is no whole number of 1 or more',
        "streams.yaml:22: store.retention: 5 is no duration; write one such as 60s, 90m, 12h or 30d",
        'streams.yaml:22: store.max_size: "2 Gigs" is no size; write one such as 500MiB or 2GiB',
        'streams.yaml:23: evidence.raw: "maybe" is neither on nor off',
        'streams.yaml:24: alerts.alertmanager[0]: "ftp://x" is no address of a receiver; write one such as'
        " http://127.0.0.1:9093",
        "streams.yaml:24: alerts.webhooks[0]: holds a user name or password; secrets don't belong into this file",
        'streams.yaml:25: strems: is no known key (did you mean "streams"?)',
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ["streams.yaml:1: streams: is missing; name at least one stream, each with hop and source"]),
        ("streams: [\n", ["streams.yaml:2: not valid YAML: while parsing a flow node expected the node content, but"
                          " found '<stream end>'"]),
        ("a: b: c\n", ["streams.yaml:1: not valid YAML: mapping values are not allowed here"]),
        ("streams:\n\tedge: 1\n", ["streams.yaml:2: not valid YAML: while scanning for the next token found character"
                                   " '\\t' that cannot start any token; indent with spaces"]),
        ("a: &x [*x]\n", ["streams.yaml:1: not valid YAML: an anchor contains itself"]),
        ("[" * 5000, ["streams.yaml: not valid YAML: nested too deep"]),
        ("x: " + "y" * 300_000, ["streams.yaml: more than 256 KiB is no configuration of mine"]),
        ("just a text\n", ['streams.yaml:1: "just a text" is no map; write keys below it, indented']),
        ("a: 1\n---\nb: 1\n", ["streams.yaml:2: not valid YAML: expected a single document in the stream but found"
                               " another document"]),
    ],
)  # fmt: skip
def test_what_is_no_configuration_at_all_is_one_clear_line(tmp_path: Path, text: str, told: list[str]) -> None:
    assert mistakes(tmp_path, text)[: len(told)] == told


def test_aliases_that_multiply_are_refused_before_they_are_written_out(tmp_path: Path) -> None:
    """The "billion laughs" of YAML: ten lines that stand for ten thousand million values."""
    laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    laughs += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
    assert mistakes(tmp_path, laughs) == [
        "streams.yaml:5: not a configuration: its aliases stand for more than 50,000 values"
    ]


def test_a_tag_builds_nothing(tmp_path: Path) -> None:
    """``!!python/object`` and the like stay the text they are."""
    made = tmp_path / "made"
    text = f'service: !!python/object/apply:os.mkdir ["{made}"]\n{MINIMAL}'
    assert mistakes(tmp_path, text) == ["streams.yaml:1: service: a list is no map; write keys below it, indented"]
    assert not made.exists()


def test_anchors_and_merges_save_writing(tmp_path: Path) -> None:
    text = """\
streams:
  edge: &common {format: nginx, timezone: Europe/Berlin, source: {file: {path: a.log}}}
  lb:
    <<: *common
    format: haproxy
"""
    streams = load(write(tmp_path, text)).streams
    assert (streams["lb"].format, streams["lb"].timezone, streams["lb"].hop) == ("haproxy", "Europe/Berlin", "lb")


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "none.yaml")
    assert str(caught.value) == f"{tmp_path}/none.yaml: there is no such file; name another with -c"


def test_bytes_that_are_no_text_are_told_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "streams.yaml"
    path.write_bytes(b"streams:\n  edge: \xff\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value) == f"{path}:2: is not UTF-8 text"


@pytest.mark.parametrize("listen", ["0.0.0.0:9844", ":9844", "[::]:9844", "handspike.example:9844", "192.0.2.1:0"])
def test_listening_beyond_this_machine_wants_a_token_or_a_plain_word(tmp_path: Path, listen: str) -> None:
    text = f'service: {{listen: "{listen}"}}\n{MINIMAL}'
    [told] = mistakes(tmp_path, text)
    assert told.startswith("streams.yaml:1: service.listen: ")
    assert told.endswith(
        "can be reached from other machines: give it a token (token_file, or HANDSPIKE_TOKEN in the environment),"
        " or write insecure: true"
    )
    load(write(tmp_path, f'service: {{listen: "{listen}", insecure: true}}\n{MINIMAL}'))


@pytest.mark.parametrize("listen", ["127.0.0.1:9844", "127.8.0.1:1", "[::1]:9844", "localhost:0"])
def test_loopback_needs_no_token(tmp_path: Path, listen: str) -> None:
    assert str(load(write(tmp_path, f'service: {{listen: "{listen}"}}\n{MINIMAL}')).service.listen) == listen


@pytest.mark.parametrize("token", ["", "two words", "x" * 5000, "caf\u00e9", "a\nb"])
def test_a_token_that_no_header_could_carry_is_refused(tmp_path: Path, token: str) -> None:
    (tmp_path / "token").write_text(token, "utf-8")
    [told] = mistakes(tmp_path, f"service: {{token_file: token}}\n{MINIMAL}")
    assert told == (
        'streams.yaml:1: service.token_file: "token" holds no token: one line of 1 to 4096 printable characters'
        " without blanks"
    )


def test_standard_input_has_one_reader(tmp_path: Path) -> None:
    text = "streams:\n  edge: {source: {stdin: {}}}\n  lb: {source: {stdin: }}\n"
    assert mistakes(tmp_path, text) == [
        "streams.yaml:3: streams.lb: reads standard input, but edge does already; only one stream can"
    ]


SCRAPES = """\
streams:
  mesh: {hop: mesh, source: {scrape: {url: "http://127.0.0.1:9901/stats/prometheus"}}}
  lb: {hop: lb, format: counters, source: {scrape: {url: "https://lb.example/metrics", interval: 1m}}}
"""


def test_a_scrape_source_gives_counters(tmp_path: Path) -> None:
    """Every 15 s unless told otherwise; the format need not be written."""
    config = load(write(tmp_path, SCRAPES))
    assert [(stream.format, stream.source) for stream in config.streams.values()] == [
        ("counters", ScrapeSource("http://127.0.0.1:9901/stats/prometheus", 15.0)),
        ("counters", ScrapeSource("https://lb.example/metrics", 60.0)),
    ]


def test_a_scrape_source_names_what_is_wrong_with_it(tmp_path: Path) -> None:
    text = SCRAPES.replace('"http://127.0.0.1:9901/stats/prometheus"', "127.0.0.1:9901").replace("1m", "1ms")
    assert mistakes(tmp_path, text.replace("format: counters", "format: haproxy")) == [
        'streams.yaml:2: streams.mesh.source.scrape.url: "127.0.0.1:9901" is no address of metrics; write one such as'
        " http://127.0.0.1:9901/stats/prometheus",
        'streams.yaml:3: streams.lb.source.scrape.interval: "1ms" is out of range; from 1s to 1h',
        "streams.yaml:3: streams.lb.format: a scrape source gives counters, no lines of haproxy; leave format out",
    ]
