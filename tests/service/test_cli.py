"""The command line: what it takes, what it answers, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pytest

from service.cli.root import run as run_command
from service.cli.scan_streams import from_arguments, stem

ROOT = Path(__file__).parents[2]
EXPIRED = (
    "2026/11/20 23:42:{second:02} [info] 31#31: *7 SSL_do_handshake() failed (SSL: error:0A000415:SSL routines::sslv3"
    " alert certificate expired:SSL alert number 45) while SSL handshaking, client: 192.0.2.9, server: 0.0.0.0:443"
)
HEALTHY = '192.0.2.1 - - [20/Nov/2026:23:42:00 +0000] "GET / HTTP/1.1" 200 12 "-" "curl/8.5.0"'
TRACE = (
    'Traceback (most recent call last):\n  File "/app/orders.py", line 7, in sync\n'
    "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired"
    " (_ssl.c:1006)"
)


class Ended(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HANDSPIKE_TOKEN", "HANDSPIKE_URL", "HANDSPIKE_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str]) -> Any:
    """Runs a command in this process; its exit code and what it wrote."""

    def call(*arguments: str) -> Ended:
        capfd.readouterr()
        code = run_command(arguments)
        out, err = capfd.readouterr()
        return Ended(code, out, err)

    return call


def command(*arguments: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    """Runs a command as its own process."""
    return subprocess.run(
        [sys.executable, "-m", "service.cli", *arguments],
        input=stdin, capture_output=True, timeout=60, check=False, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def write_log(path: Path, *, failures: int = 20) -> Path:
    lines = [HEALTHY] * 5 + [EXPIRED.format(second=second) for second in range(failures)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_help_names_every_command_and_the_exit_codes(cli: Any) -> None:
    ended = cli("--help")
    assert ended.code == 0
    for name in ("serve", "scan", "explain", "check", "demo", "mark", "report"):
        assert f"\n  {name} " in ended.out
    assert "Exit codes: 0 done, 1 it ran and failed, 2 bad usage or configuration." in ended.out


@pytest.mark.parametrize("name", ["serve", "scan", "explain", "check", "demo", "mark", "report"])
def test_every_command_teaches_by_example(cli: Any, name: str) -> None:
    ended = cli(name, "--help")
    assert ended.code == 0
    assert ended.out.count(f"handspike {name}") >= 1


def test_the_version_is_the_packages(cli: Any) -> None:
    from importlib.metadata import version

    assert cli("--version") == Ended(0, f"handspike {version('handspike')}\n", "")


def test_no_command_is_bad_usage(cli: Any) -> None:
    ended = cli()
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("Usage: handspike ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["scna"], "handspike: No such command 'scna'"),
        (["scan", "--nope"], "handspike scan: No such option '--nope'"),
        (["scan", "none.log"], "handspike scan: none.log: there is no such file"),
        (["scan", "."], "handspike scan: .: is a folder; name the files in it"),
        (["scan"], "handspike scan: name a FILE (- for standard input), or a configuration with -c: no streams.yaml"),
        (["scan", "-", "lb=-"], "handspike scan: standard input (-) can be read only once"),
        (["scan", "edge=-", "--follows", "app=edge"], 'handspike scan: --follows: "app" is none of the streams edge'),
        (["scan", "edge=-", "--follows", "x"], 'handspike scan: --follows: "x" is no APP=STREAM, such as app=lb'),
        (["scan", "-", "--timezone", "CETT"], 'handspike scan: --timezone: "CETT" is no time zone'),
        (["scan", "-", "--format", "ngnix"], "handspike scan: Invalid value for '--format': \"ngnix\" is unknown"),
        (["scan", "-", "--hop", "cdn"], "handspike scan: Invalid value for '--hop': 'cdn' is not one of"),
        (["explain", "--jsonl", "text"], "handspike explain: --jsonl reads a FILE or standard input"),
        (["mark", "x", "--at", "noon"], 'handspike mark: Invalid value for --at: "noon" is no time'),
    ],
)
def test_bad_usage_is_one_clear_line_and_2(cli: Any, arguments: list[str], told: str) -> None:
    ended = cli(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(told)
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("name", ["serve", "check"])
def test_configuration_mistakes_are_all_told_and_2(cli: Any, name: str, tmp_path: Path) -> None:
    (tmp_path / "streams.yaml").write_text("service: {insecur: true}\nstreams: {edge: {source: {}}}\n")
    assert cli(name) == Ended(
        2,
        "",
        'streams.yaml:1: service.insecur: is no known key (did you mean "insecure"?)\n'
        "streams.yaml:2: streams.edge.source: names no kind of source; write one of file, kafka, stdin, syslog, push,"
        " journald or scrape\n",
    )
    assert cli(name, "-c", "other.yaml").err == "other.yaml: there is no such file; name another with -c\n"


def test_serve_reads_only_a_known_stream_from_standard_input(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "streams.yaml").write_text("streams: {edge: {source: {file: {path: x}}}}\n")
    ended = cli("serve", "--stdin", "lb")
    assert ended.code == 2
    assert ended.err.startswith('handspike serve: Invalid value for --stdin: "lb" is no stream of streams.yaml')


def test_check_waits_for_what_is_not_there_and_says_what_cannot_be_seen(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "streams.yaml").write_text(
        "streams:\n"
        "  edge: {format: nginx, source: {file: {path: none.log}}}\n"
        "  app: {follows: edge, source: {stdin: {}}}\n"
    )
    ended = cli("check")
    assert (ended.code, ended.err) == (0, "")
    assert "streams.yaml: valid, 2 streams" in ended.out
    assert f"  waits for {tmp_path}/none.log (not there yet)" in ended.out
    assert "    turn on: error_log /var/log/nginx/error.log info;" in ended.out
    assert "app  (hop app, format auto, follows edge)\n  reads standard input" in ended.out


def test_check_recognises_the_format_of_a_log_that_is_there(cli: Any, tmp_path: Path) -> None:
    write_log(tmp_path / "error.log")
    (tmp_path / "streams.yaml").write_text("streams: {edge: {source: {file: {path: error.log}}}}\n")
    ended = cli("check")
    assert f"  reads {tmp_path}/error.log, " in ended.out
    assert "error lines hold the listener's address" in ended.out  # nginx's; its level info is on already
    assert "error_log /var/log/nginx/error.log info;" not in ended.out


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_check_calls_an_unreadable_log_a_problem(cli: Any, tmp_path: Path) -> None:
    write_log(tmp_path / "error.log").chmod(0)
    (tmp_path / "streams.yaml").write_text("streams: {edge: {source: {file: {path: error.log}}}}\n")
    ended = cli("check")
    assert ended.code == 1
    assert f"PROBLEM  {tmp_path}/error.log: permission denied; let this user read it" in ended.out


def test_check_calls_an_unusable_data_folder_a_problem(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "streams.yaml").write_text(
        "service: {data_dir: file/data}\nstreams: {edge: {source: {file: {path: x}}}}\n"
    )
    ended = cli("check")
    assert ended.code == 1
    assert f"PROBLEM  {tmp_path}/file/data: {tmp_path}/file is no folder; name another as service.data_dir" in ended.out


def test_scan_prints_the_contracts_object(cli: Any, tmp_path: Path) -> None:
    write_log(tmp_path / "edge.log")
    ended = cli("scan", "edge.log", "--json")
    assert (ended.code, ended.err) == (0, "")
    found = json.loads(ended.out)
    assert found["streams"] == {"edge": {"lines": 25, "candidates": 20, "failures": 20, "unrecognized": 0}}
    [incident] = found["incidents"]
    assert (incident["first"]["stream"], incident["first"]["hop"]) == ("edge", "edge")
    assert incident["spikes"][0]["reason"] == "expired"


def test_scan_reads_standard_input(tmp_path: Path) -> None:
    log = write_log(tmp_path / "x").read_bytes()
    ended = command("scan", "lb=-", "--json", stdin=log)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert json.loads(ended.stdout)["streams"]["lb"]["failures"] == 20


def test_scan_reads_the_files_of_a_configuration(cli: Any, tmp_path: Path) -> None:
    write_log(tmp_path / "a.log")
    (tmp_path / "streams.yaml").write_text(
        "streams:\n  front: {hop: edge, format: nginx, source: {file: {path: '*.log'}}}\n"
        "  lb: {source: {file: {path: none}}}\n  app: {source: {kafka: {brokers: ['k.example:9092'], topic: t}}}\n"
    )
    ended = cli("scan", "--json")
    assert ended.code == 0
    assert ended.err == f"lb: no file matches {tmp_path}/none\n"
    assert json.loads(ended.out)["streams"]["front"]["failures"] == 20


def test_a_file_that_cannot_be_read_to_its_end_is_told_and_1(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "edge.log.gz").write_bytes(b"\x1f\x8b\x08\x00broken and no gzip at all")
    ended = cli("scan", "edge.log.gz", "--json")
    assert ended.code == 1
    assert ended.err.startswith("edge: ")
    assert json.loads(ended.out)["incidents"] == []


def test_arguments_become_streams(tmp_path: Path) -> None:
    """A stream named like a hop is of that hop, else --hop; several files of one stream are one log."""
    for name in ("e1.log", "e2.log", "orders.log", "haproxy.log.1"):
        (tmp_path / name).touch()
    streams = from_arguments(
        ["edge=e1.log", "edge=e2.log", "orders.log", "haproxy.log.1"], hop="ingress", follows=["orders=edge"]
    )
    assert [(s.name, s.hop, s.paths, s.follows) for s in streams] == [
        ("edge", "edge", ["e1.log", "e2.log"], []),
        ("orders", "ingress", ["orders.log"], ["edge"]),
        ("haproxy", "ingress", ["haproxy.log.1"], []),
    ]


def test_a_file_whose_name_holds_an_equals_sign_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "day=1.log").touch()
    [stream] = from_arguments(["day=1.log"])
    assert (stream.name, stream.paths) == ("day_1", ["day=1.log"])


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/var/log/nginx/error.log", "error"),
        ("edge.log.2.gz", "edge"),
        ("haproxy.log-20261120.zst", "haproxy"),
        ("-", "stdin"),
        ("api.v2.log", "api.v2"),
        ("12345", "12345"),
        (".gz", "gz"),
        ("\u00fcber log", "ber_log"),
    ],
)
def test_a_streams_name_is_the_files_stem(path: str, name: str) -> None:
    assert stem(path) == name


def test_explain_answers_every_line_of_jsonl_in_order() -> None:
    """Also those that are no question, no failure, or no text."""
    questions = [
        {"line": EXPIRED.format(second=1), "hop": "edge", "format": "nginx"},
        {"line": HEALTHY},
        {"line": TRACE, "hop": "app"},
        {"line": EXPIRED.format(second=2), "hop": "nonsense", "format": "nginx_error"},
        {"line": 7},
    ]  # fmt: skip
    lines = [json.dumps(question) for question in questions]
    lines.insert(4, "not json")
    ended = command("explain", "--jsonl", "--json", stdin="\n".join(lines).encode())
    assert (ended.returncode, ended.stderr) == (0, b"")
    answers = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [answer["failure"] for answer in answers] == [True, False, True, True, False, False]
    assert [answer["reason"] for answer in answers] == ["expired", None, "expired", "expired", None, None]
    assert [answer["direction"] for answer in answers[:4]] == ["downstream", None, "upstream", "downstream"]
    assert all(set(answers[0]) <= set(answer) for answer in answers)
    assert answers[0]["verdict"]["fix_at"] == "edge"
    assert answers[0]["peer"] == "192.0.2.9"
    assert answers[0]["time"] == "2026-11-20T23:42:01.000Z"
    assert answers[3]["hop"] is None


def test_explain_takes_text_a_file_or_standard_input(cli: Any, tmp_path: Path) -> None:
    text = EXPIRED.format(second=3)
    (tmp_path / "one.log").write_text(text + "\n")
    assert json.loads(cli("explain", text, "--json").out) == json.loads(cli("explain", "one.log", "--json").out)
    ended = command("explain", "--json", stdin=text.encode())
    assert json.loads(ended.stdout)["reason"] == "expired"


def test_explain_tells_a_person_the_verdict_first(cli: Any) -> None:
    ended = cli("explain", EXPIRED.format(second=3), "--hop", "edge")
    assert ended.code == 0
    assert ended.out.startswith("edge: ")
    assert "  what      certificate/expired\n" in ended.out


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ("alert 48", "unknown_issuer"),
        ("45", "expired"),
        ("SSL alert number 70", "version_mismatch"),
        ("0A000418", "unknown_issuer"),
        ("0x14094410", "generic_failure"),
        ("268435703", "not_tls"),
        ("curl: (60)", "certificate_unknown"),
        ("curl exit code 35", "generic_failure"),
    ],
)
def test_explain_knows_a_bare_code(cli: Any, asked: str, reason: str) -> None:
    assert json.loads(cli("explain", asked, "--json").out)["reason"] == reason


@pytest.mark.parametrize("asked", ["hello", "99999", "alert 300", " ", "DEADBEEF00"])
def test_explain_is_silent_on_what_is_no_failure(cli: Any, asked: str) -> None:
    assert cli("explain", asked) == Ended(0, "no failed TLS handshake in it\n", "")


@pytest.mark.parametrize(
    "junk", [b"\xff\xfe\x00", b"{" * 9000, b"\0" * 5000, b'{"line": "' + b"\xc3" * 99, b"\r\n\r\n"]
)
def test_explain_survives_any_bytes(junk: bytes) -> None:
    for arguments in (["explain", "--json"], ["explain", "--jsonl", "--json"]):
        ended = command(*arguments, stdin=junk)
        assert (ended.returncode, ended.stderr) == (0, b"")


def test_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    """As in ``handspike explain big.log | head -1``."""
    log = write_log(tmp_path / "big.log", failures=59)
    log.write_text(log.read_text() * 200)
    with subprocess.Popen(
        [sys.executable, "-m", "service.cli", "explain", str(log), "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


def test_ctrl_c_is_one_line_and_130() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "service.cli", "explain"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(b"x" * 200_000)  # more than a pipe holds: once it is taken, the command is reading
        process.stdin.flush()
        for _ in range(20):  # a signal just before a read blocks is seen only after it, in any Python program
            process.send_signal(signal.SIGINT)
            try:
                assert process.wait(1) == 130
                break
            except subprocess.TimeoutExpired:
                continue
        assert process.stderr.read() == b"handspike: interrupted\n"


def test_help_and_scan_load_nothing_they_do_not_need(tmp_path: Path) -> None:
    """A command that starts slowly is not used at 3 AM."""
    write_log(tmp_path / "edge.log")
    heavy = "{'pydantic', 'ruamel.yaml', 'fastapi', 'sqlalchemy', 'rich', 'httpx', 'uvicorn', 'watchfiles'}"
    for arguments in (["--help"], ["scan", "edge.log", "--json"], ["explain", "alert 48", "--json"]):
        script = (
            f"import sys; from service.cli.root import run; code = run({arguments!r});"
            f" print(sorted({heavy} & set(sys.modules)), file=sys.stderr); sys.exit(code)"
        )
        ended = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True, check=False, timeout=60, env=os.environ | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert (ended.returncode, ended.stderr) == (0, b"[]\n"), arguments


class _Service(BaseHTTPRequestHandler):
    """Answers as a running service would."""

    asked: ClassVar[list[tuple[str, str, Any, str | None]]] = []
    incident: ClassVar[dict[str, Any]] = {"id": "abc", "verdict": {"summary": "lb serves an expired certificate"}}

    def do_GET(self) -> None:
        self._answer(None, 200 if self.path.endswith("/abc") else 404)

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))), 201)

    def _answer(self, body: Any, status: int) -> None:
        self.asked.append((self.command, self.path, body, self.headers.get("Authorization")))
        answer = (
            self.incident if status < 400 else {"title": "Not Found", "detail": "there is no incident\n\x1b[31mxyz"}
        )
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def service_url() -> Iterator[str]:
    _Service.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_mark_tells_the_service(cli: Any, service_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDSPIKE_TOKEN", "s3cret")
    ended = cli(
        "mark",
        "new cert",
        "--kind",
        "certificate",
        "--at",
        "2026-11-20T23:42:00Z",
        "--stream",
        "lb",
        "--url",
        service_url,
    )
    assert ended == Ended(0, "marked at 2026-11-20T23:42:00.000Z: certificate: new cert\n", "")
    body = {"at": "2026-11-20T23:42:00.000Z", "kind": "certificate", "what": "new cert", "stream": "lb"}
    assert _Service.asked == [("POST", "/api/v1/changes", body, "Bearer s3cret")]


def test_report_writes_markdown(cli: Any, service_url: str) -> None:
    ended = cli("report", "abc", "--url", service_url)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("# TLS incident abc\n\n**lb serves an expired certificate**\n")


def test_what_the_service_refuses_is_one_line_and_1(cli: Any, service_url: str) -> None:
    ended = cli("report", "../x y", "--url", service_url)
    assert ended == Ended(1, "", f"handspike: {service_url} answered 404: there is no incident [31mxyz\n")
    assert _Service.asked[0][1] == "/api/v1/incidents/..%2Fx%20y"


def test_no_service_is_one_line_and_1(cli: Any) -> None:
    ended = cli("report", "abc", "--url", "http://127.0.0.1:9")
    told = (
        "handspike: nothing answers at http://127.0.0.1:9; start it with handspike serve, or name another with --url\n"
    )
    assert ended == Ended(1, "", told)
    assert cli("report", "abc", "--url", "nonsense").err == (
        'handspike: "nonsense" is no address of a service; write one such as http://127.0.0.1:9844\n'
    )
