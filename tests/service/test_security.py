"""Who may talk to the API, through real HTTP: foreign names, foreign pages, tokens, sizes, slow clients."""

import socket
import time

import pytest

from service.api.listening import OurNames, listening_problem
from tests.service.api_fakes import FakeView, serving

CHANGE = {"kind": "deployment", "what": "checkout 1.42"}
TOKEN = "a-token-of-32-characters-0123456"


@pytest.fixture(scope="module")
def view():
    return FakeView()


@pytest.fixture(scope="module")
def client(view):
    with serving(view) as client:
        yield client


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9844", "[::1]:1234", "LOCALHOST.:80"])
def test_our_own_names_are_answered_on_any_port(client, host: str) -> None:
    """A forwarded port is still us."""
    assert client.get("/api/v1/streams", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "localhost:80@evil.example", "[::1", "", "a b"]
)
@pytest.mark.parametrize("path", ["/", "/healthz", "/metrics", "/api/v1/streams", "/nowhere"])
def test_a_foreign_name_is_refused_everywhere(client, host: str, path: str) -> None:
    """A page that resolves its own name to our address reads nothing (DNS rebinding)."""
    answer = client.get(path, headers={"Host": host})
    assert answer.status_code == 421
    assert answer.headers["content-type"] == "application/problem+json"
    assert "service.names" in answer.json()["detail"]


def test_configured_names_are_ours() -> None:
    """What `service.names` lists is answered."""
    with serving(FakeView(), allowed_hosts=["handspike.shop.example"]) as client:
        assert client.get("/healthz", headers={"Host": "Handspike.shop.example:443"}).status_code == 200
        assert client.get("/healthz", headers={"Host": "other.shop.example"}).status_code == 421


def test_behind_a_wildcard_address_any_ip_literal_is_ours_but_no_foreign_name() -> None:
    """An address in the Host header can't come from rebinding."""
    ours = OurNames("0.0.0.0")
    assert [ours.include(host) for host in ("10.1.2.3:9844", "[2001:db8::1]:9844", "evil.example")] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "http://localhost:80@evil.example"},
        {"Origin": "file://"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/changes", "/api/v1/explain"])
def test_a_write_from_another_site_is_refused(view, client, headers: dict[str, str], path: str) -> None:
    """No page on the web sets markers here."""
    before = list(view.marks)
    answer = client.post(path, json=CHANGE, headers=headers)
    assert (answer.status_code, answer.json()["title"], view.marks) == (403, "Forbidden", before)


def test_a_write_from_our_own_page_or_a_script_is_taken(client) -> None:
    """The same origin, and no origin at all, are fine."""
    own = str(client.base_url).rstrip("/")
    for headers in ({}, {"Origin": own, "Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}):
        assert client.post("/api/v1/changes", json=CHANGE, headers=headers).status_code == 201


@pytest.mark.parametrize("path", ["/", "/healthz", "/nowhere", "/metrics", "/api/v1/top?by=x"])
def test_every_answer_carries_the_security_headers(client, path: str) -> None:
    """Errors and refusals too."""
    for headers in ({}, {"Host": "evil.example"}):
        answer = client.get(path, headers=headers)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "access-control-allow-origin" not in answer.headers
        assert "server" not in answer.headers


def test_with_a_token_everything_but_the_frame_and_the_probes_wants_it() -> None:
    """Wrong, missing and misplaced tokens get 401; the page's frame holds no data."""
    view = FakeView()
    view.status[0].state, view.status[0].text = "failed", "/var/log/secret-name.log: Permission denied"
    with serving(view, token=TOKEN) as client:
        paths = ["/metrics", "/openapi.json", "/api/v1/streams", "/api/v1/changes", "/nowhere"]
        for wrong in (
            {},
            {"Authorization": "Bearer x"},
            {"Authorization": f"Basic {TOKEN}"},
        ):
            answers = [client.get(path, headers=wrong) for path in paths]
            assert {answer.status_code for answer in answers} == {401}
            assert answers[0].headers["www-authenticate"].startswith("Bearer")
            assert client.post("/api/v1/changes", json=CHANGE, headers=wrong).status_code == 401
        assert view.marks == []
        right = {"Authorization": f"bearer {TOKEN}"}
        assert [client.get(path, headers=right).status_code for path in paths[:3]] == [200, 200, 200]
        assert [client.get(path).status_code for path in ("/", "/healthz", "/readyz")] == [200, 200, 200]
        assert "secret-name" not in client.get("/readyz").text
        assert "secret-name" in client.get("/readyz", headers=right).text


def test_a_body_over_one_mebibyte_is_refused_said_or_not(client) -> None:
    """With a length and in chunks alike."""
    body = b'{"text": "' + b"x" * (1 << 20) + b'"}'
    declared = client.post("/api/v1/explain", content=body)
    chunked = client.post("/api/v1/explain", content=(body[at : at + 65_536] for at in range(0, len(body), 65_536)))
    assert [(answer.status_code, answer.json()["status"]) for answer in (declared, chunked)] == [(413, 413)] * 2


def test_a_body_just_below_the_limit_is_taken(client) -> None:
    """The limit is the limit."""
    text = "x" * ((1 << 20) - 20)
    assert client.post("/api/v1/explain", json={"text": text}).status_code == 200


def test_a_query_or_path_beyond_bounds_is_refused(client) -> None:
    """8 KiB of query and 2 KiB of path are plenty."""
    assert client.get("/api/v1/streams?" + "x" * 9000).status_code == 414
    assert client.get("/" + "x" * 3000).status_code == 414


def test_a_client_that_sends_its_head_too_slowly_is_cut_off() -> None:
    """Trickling bytes does not keep a connection; an ordinary client on the side is served."""
    with serving(FakeView(), head_seconds=0.4) as client:
        port = client.base_url.port
        with socket.create_connection(("127.0.0.1", port), timeout=5) as slow:
            slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
            assert client.get("/healthz").status_code == 200
            began = time.monotonic()
            assert slow.recv(1) == b""
            assert time.monotonic() - began < 4


def test_bytes_that_are_no_http_do_no_harm(client) -> None:
    """A TLS client hello at the plain port gets an end, and the next request an answer."""
    with socket.create_connection(("127.0.0.1", client.base_url.port), timeout=5) as stray:
        stray.sendall(bytes.fromhex("16030100050100000100") + b"\r\n\r\n")
        assert b"400" in stray.recv(100)
    assert client.get("/healthz").status_code == 200


def test_a_path_of_broken_unicode_is_answered(client) -> None:
    """No byte in a path raises."""
    with socket.create_connection(("127.0.0.1", client.base_url.port), timeout=5) as raw:
        raw.sendall(b"GET /api/v1/incidents/%ff%00%0d%0aX: HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert raw.recv(4096).startswith(b"HTTP/1.1 ")


@pytest.mark.parametrize(
    ("listen", "token", "insecure", "refused"),
    [
        ("127.0.0.1:9844", None, False, False),
        ("127.8.8.8:1", None, False, False),
        ("[::1]:9844", None, False, False),
        ("localhost:9844", None, False, False),
        ("0.0.0.0:9844", None, False, True),
        ("[::]:9844", None, False, True),
        (":9844", None, False, True),
        ("10.0.0.5:9844", None, False, True),
        ("localhost.evil.example:9844", None, False, True),
        ("0.0.0.0:9844", "", False, True),
        ("0.0.0.0:9844", TOKEN, False, False),
        ("0.0.0.0:9844", None, True, False),
        ("::1:9844", None, False, True),
        ("9844", None, True, True),
        ("127.0.0.1:99999", None, True, True),
    ],
)
def test_only_loopback_listens_without_a_token_or_a_clear_word(
    listen: str, token: str | None, insecure: bool, refused: bool
) -> None:
    """The check made at the start."""
    assert (listening_problem(listen, token, insecure) is not None) is refused


def test_the_page_runs_its_own_script_only_and_asks_nobody_else(client) -> None:
    """Its policy allows by hash; nothing in it points elsewhere, nothing writes markup."""
    page = client.get("/")
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert policy.count("'sha256-") == 2
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert not any(
        sink in page.text for sink in ("innerHTML", "outerHTML", "document.write", "insertAdjacent", "eval(")
    )
