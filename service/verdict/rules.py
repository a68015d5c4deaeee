"""direction x rejected_by x reason -> whose fault it is. Each rule is a row, with its source and how sure it is.

Who gave up is what tells: the side that *rejects* names what is wrong with the other side. So a hop that receives
"certificate expired" from its clients serves an expired certificate itself, and one that rejects its upstream's
certificate points one hop further.
"""

from typing import Final, Literal, NamedTuple

from parsers.vocabulary import FAMILY_OF, REASONS

Side = Literal["here", "client", "server", "unknown"]
"""``here``: the hop that logged it; ``client``, ``server``: the far end of its downstream or upstream leg."""

Repair = Literal[
    "certificate", "chain", "trust", "client_certificate", "client_trust", "policy", "names", "port", "reach", "none"
]
"""What kind of thing has to change; `service.verdict.fixes` says where it lies at each hop."""


class Rule(NamedTuple):
    direction: str
    rejected_by: str
    """``local``, ``peer``, ``unknown``, or ``*``."""
    reasons: frozenset[str]
    side: Side
    repair: Repair
    confidence: float
    """How often the blamed side really is the broken one, where only this record is known."""
    source: str


_CERTIFICATE: Final = frozenset(REASONS["certificate"])
_CHAIN: Final = frozenset({"unknown_issuer", "self_signed"})
_VAGUE_CERTIFICATE: Final = frozenset({"certificate_unknown", "bad_certificate", "revocation_check_failed"})
_PLAIN_CERTIFICATE: Final = _CERTIFICATE - _CHAIN - _VAGUE_CERTIFICATE
_POLICY: Final = frozenset({"version_mismatch", "alpn_mismatch", "inappropriate_fallback", *REASONS["cipher"]})
_BROKEN_OFF: Final = frozenset({"timeout", "reset", "closed_by_peer"})
_GARBLED: Final = frozenset({"decode_error", "decrypt_error", "generic_failure", "other"})

_6_2: Final = "RFC 8446 section 6.2: the side that sends the alert names what it does not accept"

RULES: Final[tuple[Rule, ...]] = (
    Rule("downstream", "peer", _PLAIN_CERTIFICATE, "here", "certificate", 0.97, _6_2),
    Rule("downstream", "peer", _CHAIN, "here", "chain", 0.9, _6_2 + "; or the clients lack the CA"),
    Rule(
        "downstream",
        "peer",
        _VAGUE_CERTIFICATE,
        "here",
        "certificate",
        0.8,
        "Go and Java clients send 42 or 46 for any fault",
    ),
    Rule(
        "downstream",
        "local",
        _CERTIFICATE,
        "client",
        "client_certificate",
        0.7,
        "a server verifies only client certificates",
    ),
    Rule("downstream", "*", _CERTIFICATE, "here", "certificate", 0.6, "only the server always shows a certificate"),
    Rule(
        "upstream",
        "local",
        _PLAIN_CERTIFICATE,
        "server",
        "certificate",
        0.95,
        "RFC 5280 section 6: the verifier checks the peer's",
    ),
    Rule(
        "upstream",
        "local",
        _CHAIN,
        "server",
        "chain",
        0.8,
        "X509_V_ERR 20, 21: mostly a missing intermediate; else our CA bundle",
    ),
    Rule("upstream", "local", _VAGUE_CERTIFICATE, "server", "certificate", 0.75, "RFC 5280 section 6"),
    Rule("upstream", "*", _CERTIFICATE, "server", "certificate", 0.6, "the server's certificate is verified first"),
    Rule(
        "downstream",
        "local",
        frozenset({"missing", "rejected"}),
        "client",
        "client_certificate",
        0.8,
        "RFC 8446 section 4.4.2.4",
    ),
    Rule(
        "downstream",
        "*",
        frozenset({"missing", "rejected"}),
        "client",
        "client_certificate",
        0.6,
        "RFC 8446 section 4.4.2.4",
    ),
    Rule("upstream", "peer", frozenset({"missing", "rejected"}), "here", "client_certificate", 0.9, _6_2),
    Rule("upstream", "*", frozenset({"missing", "rejected"}), "here", "client_certificate", 0.7, _6_2),
    Rule(
        "upstream",
        "local",
        frozenset({"hostname_mismatch"}),
        "server",
        "names",
        0.75,
        "RFC 9525; or the name we verify is wrong",
    ),
    Rule("downstream", "unknown", frozenset({"hostname_mismatch"}), "here", "names", 0.5, "RFC 9525"),
    Rule("downstream", "local", frozenset({"hostname_mismatch"}), "client", "names", 0.5, "RFC 9110 section 7.4 (421)"),
    Rule(
        "downstream", "peer", frozenset({"hostname_mismatch", "unrecognized_name"}), "here", "names", 0.85, "RFC 9525"
    ),
    Rule(
        "downstream",
        "*",
        frozenset({"unrecognized_name", "sni_missing"}),
        "here",
        "names",
        0.6,
        "RFC 6066 section 3; or clients ask wrongly",
    ),
    Rule(
        "upstream",
        "*",
        frozenset({"hostname_mismatch", "unrecognized_name", "sni_missing"}),
        "server",
        "names",
        0.55,
        "RFC 6066 section 3",
    ),
    Rule(
        "downstream",
        "local",
        _POLICY,
        "here",
        "policy",
        0.6,
        "RFC 8446 section 4.1.1; a changed policy here, or clients too old",
    ),
    Rule("downstream", "*", _POLICY, "here", "policy", 0.7, "RFC 8446 section 4.1.1"),
    Rule(
        "upstream",
        "peer",
        _POLICY,
        "server",
        "policy",
        0.65,
        "RFC 8446 section 4.1.1; a changed policy there, or we are too old",
    ),
    Rule("upstream", "*", _POLICY, "server", "policy", 0.6, "RFC 8446 section 4.1.1"),
    Rule(
        "downstream",
        "*",
        frozenset({"not_tls"}),
        "client",
        "port",
        0.7,
        "RFC 8446 section 5.1: the first record was none",
    ),
    Rule(
        "upstream",
        "*",
        frozenset({"not_tls"}),
        "server",
        "port",
        0.85,
        "RFC 8446 section 5.1: the answer was no TLS record",
    ),
    Rule("upstream", "*", _BROKEN_OFF, "server", "reach", 0.65, "the far end went silent or closed"),
    Rule("downstream", "*", _BROKEN_OFF, "client", "reach", 0.35, "mostly probes and cancelled connects"),
    Rule(
        "downstream",
        "*",
        frozenset({"internal_error"}),
        "here",
        "certificate",
        0.6,
        "RFC 8446 section 6.2 internal_error",
    ),
    Rule(
        "upstream",
        "local",
        frozenset({"internal_error"}),
        "here",
        "certificate",
        0.6,
        "RFC 8446 section 6.2 internal_error",
    ),
    Rule(
        "upstream",
        "*",
        frozenset({"internal_error"}),
        "server",
        "certificate",
        0.65,
        "RFC 8446 section 6.2 internal_error",
    ),
    Rule("downstream", "peer", _GARBLED, "here", "policy", 0.45, _6_2 + ", but 40 names nothing"),
    Rule("upstream", "peer", _GARBLED, "server", "policy", 0.45, _6_2 + ", but 40 names nothing"),
    Rule("upstream", "*", _GARBLED, "server", "reach", 0.4, "nothing more is recorded"),
    Rule("downstream", "*", _GARBLED, "unknown", "none", 0.2, "nothing more is recorded"),
)


def rule_for(direction: str, rejected_by: str, reason: str) -> Rule:
    """The first row that fits; the table covers every combination of the vocabulary (a test holds that)."""
    for rule in RULES:
        if rule.direction == direction and rule.rejected_by in (rejected_by, "*") and reason in rule.reasons:
            return rule
    return Rule(direction, rejected_by, frozenset({reason}), "unknown", "none", 0.1, "no rule")


def is_named(reason: str) -> bool:
    """Whether a reason names a cause; the others say *that* a handshake failed and go along with any cause."""
    return FAMILY_OF[reason] != "handshake" and reason not in ("certificate_unknown", "bad_certificate")
