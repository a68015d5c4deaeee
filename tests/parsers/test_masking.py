"""What `mask` must never let through, and what it must leave alone."""

import base64
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers import lexicon
from parsers.masking import LIMIT, mask, visible

TOKEN = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", min_size=16, max_size=60)
CONTEXTS = (
    'GET /?token={} HTTP/1.1" 400',
    "GET /a?x=1&access_token={}&y=2",
    "https://shop.example/cb#id_token={}",
    "Authorization: Bearer {}",
    '{{"authorization":"Bearer {}","host":"shop.example"}}',
    '{{\\"authorization\\":\\"Bearer {}\\",\\"host\\":\\"x\\"}}',
    '{{"headers":{{"Authorization":["Bearer {}"],"Cookie":["a=b"]}}}}',
    '{{"headers":{{"Cookie":["a=b; c=d","sid={}"]}}}}',
    "proxy-authorization: Digest username=bob, response={}",
    "got bearer {} from client",
    "Cookie: a=b; theme=dark; sid={}; c=d",
    "Set-Cookie: sid={}; Path=/; HttpOnly",
    '"cookie": "theme=\\"dark\\"; sid={}"',
    "https://bob:{}@shop.example/path",
    "postgres://{}@db.example/orders",
    "amqp://user:p@{}@mq.example:5671/",
    "password={}",
    "password = '{} two words'",
    '"password": "a\\"{}"',
    '"password": "first\nsecond {}"',
    "DB_PASSWORD: {}",
    "client_secret={};x=1",
    "X-Api-Key: {}",
    "apikey={}",
    "aws_secret_access_key = {}",
    "AWS_SESSION_TOKEN={}",
    "jwt eyJhbGciOiJIUzI1NiJ9.{}.sig",
    "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\\n{}",
    "curl -u bob:{} https://shop.example/",
    "tool --token {} run",
    "JSESSIONID={}; Path=/",
    "key ghp_{}0000",
    "token: Bearer {}",
    "    Master-Key: {}",
    "Authorization: Negotiate YII{}",
    "got negotiate oY{} back",
    "credentials={}",
)


@pytest.mark.parametrize("context", CONTEXTS)
@given(secret=TOKEN)
def test_a_planted_secret_never_comes_through(context: str, secret: str) -> None:
    """In every place where secrets travel, neither as str nor as bytes."""
    line = context.format(secret)
    assert secret not in mask(line)
    assert secret not in mask(line.encode())


@given(user=TOKEN, password=TOKEN)
def test_basic_credentials_never_come_through(user: str, password: str) -> None:
    """RFC 7617: base64 of user:password."""
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    assert mask(f"x Basic {token} y") == "x Basic *** y"


def test_an_aws_access_key_id_is_masked_where_it_stands() -> None:
    """Its shape alone tells."""
    assert mask("signed by AKIAIOSFODNN7EXAMPLE today") == "signed by *** today"


@pytest.mark.parametrize(
    "text",
    [
        "SSL_do_handshake() failed (SSL: error:0A000418:SSL routines::tlsv1 alert unknown ca:SSL alert number 48)",
        "x509: invalid basic constraints: basic authentication of Basic Constraints extension failed",
        "x509: certificate signed by unknown authority (possibly because of invalid signature: parent certificate)",
        'secret "shop/api-tls" has no certificate; secretName: api-tls',
        "2026/11/20 10:15:02 [info] 31#31: *7 peer closed, client: 192.0.2.9, server: 0.0.0.0:443",
        "Oct 1 10:00:00 lb haproxy[7]: 192.0.2.9:51000 [20/Nov/2026:10:15:02.123] fe/1: SSL handshake failure",
        "tls: first record does not look like a TLS handshake; session id context uninitialized",
        'upstream: "https://192.0.2.7:8443/cart/items", host: "shop.example"',
        "bücher.example: Zertifikat abgelaufen\n\tat sun.security.ssl.Alert",
        "user@shop.example wrote: what? why & how #1",
    ],
)
def test_what_holds_no_secret_stays_as_it_is(text: str) -> None:
    """The texts that tell why a handshake failed survive word for word."""
    assert mask(text) == text


def test_every_text_of_the_lexicon_stays_as_it_is() -> None:
    """Masking never hides why a handshake failed."""
    folder = Path(lexicon.__file__).parent
    texts = [
        line.partition("\t")[0]
        for file in folder.glob("*.tsv")
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    assert len(texts) > 1_000
    assert [text for text in texts if mask(f"tls: {text}\n") != f"tls: {text}\n"] == []


def test_keys_that_decrypt_recorded_traffic_are_masked() -> None:
    """NSS key log lines, and what s_client prints of a session."""
    assert mask(f"CLIENT_RANDOM {'ab' * 32} {'CD' * 48}") == "CLIENT_RANDOM ***"
    assert mask(f"SERVER_TRAFFIC_SECRET_0 {'ab' * 32} {'CD' * 48}") == "SERVER_TRAFFIC_SECRET_0 ***"
    session = "    Session-ID: \n    Session-ID-ctx: \n    Master-Key: ABCD\n    Resumption PSK: 1A99\n"
    assert mask(session) == session.replace("ABCD", "***").replace("1A99", "***")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("GET /cb?code=abc&state=xyz HTTP/1.1", "GET /cb?code=***&state=*** HTTP/1.1"),
        ('{"password":"a\\"b","host":"x"}', '{"password":"***","host":"x"}'),
        ('{"Cookie":["a","b"],"host":"x"}', '{"Cookie":["***"],"host":"x"}'),
        ('{\\"token\\":\\"abc\\",\\"host\\":\\"x\\"}', '{\\"token\\":\\"***\\",\\"host\\":\\"x\\"}'),
        ("GET /unsubscribe?d41d8cd98f00 HTTP/1.1", "GET /unsubscribe?*** HTTP/1.1"),
    ],
)
def test_the_key_and_what_stands_around_it_stay(text: str, masked: str) -> None:
    """That a token was there is part of the evidence; JSON stays JSON."""
    assert mask(text) == masked


def test_escapes_and_overrides_are_spelt_out() -> None:
    """A stored line can't move a cursor, recolour a terminal, or read backwards."""
    assert mask(b"a\x1b[2Jb\x00\r\n\tc\x7f\xff") == "a\\x1b[2Jb\\x00\\r\n\tc\\x7f\\xff"
    assert mask("pay \u202eevil\u2066 \u200b\x85") == "pay \\u202eevil\\u2066 \\u200b\\x85"
    assert visible("shop\x1bexample") == "shop\\x1bexample"


@given(st.one_of(st.binary(max_size=400), st.text(max_size=400), st.text(st.characters(codec=None), max_size=100)))
def test_any_input_comes_out_printable_and_storable(text: bytes | str) -> None:
    """Nothing raises; only line feeds and tabs are left of the control characters."""
    masked = mask(text)
    masked.encode("utf-8")
    assert not any(ord(letter) < 32 and letter not in "\n\t" for letter in masked)
    assert "\x1b" not in masked
    assert "\u202e" not in masked


def test_a_long_text_is_cut_and_says_so() -> None:
    """The input is bounded before anything else looks at it."""
    assert mask(b"a" * 1_000_000) == "a" * LIMIT + " … [cut: 1000000 in all]"


@pytest.mark.parametrize(
    "unit",
    ["eyJ", "://", "?a=", "&", 'password="', "Cookie: [", "\\", '"', "basic ", "-----BEGIN PRIVATE KEY-----", "--a",
     "token", "a-", "http://a@", "session_id", '["\\', "bearer ", "?aaaaaaaa"],
)  # fmt: skip
def test_a_hostile_line_costs_little(unit: str) -> None:
    """Repeating what patterns start with stays linear: 8 KiB in well under a tenth of a second of CPU."""
    text = (unit * LIMIT)[:LIMIT]
    started = time.process_time()
    mask(text)
    assert time.process_time() - started < 0.1
