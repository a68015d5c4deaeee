"""The words every part of handspike shares: families, reasons, hops, legs, who gave up.

A reason belongs to exactly one family, so a family is never stored: it is looked up.
"""

from typing import Final, Literal

Family = Literal["protocol", "cipher", "sni", "certificate", "client_certificate", "handshake"]
Direction = Literal["downstream", "upstream"]
RejectedBy = Literal["local", "peer", "unknown"]
Hop = Literal["edge", "lb", "ingress", "mesh", "app"]

HOPS: Final[tuple[Hop, ...]] = ("edge", "lb", "ingress", "mesh", "app")
"""Path order, as a request travels; ``app`` is a client of its own and calls another hop."""

REASONS: Final[dict[Family, tuple[str, ...]]] = {
    "protocol": ("version_mismatch", "not_tls", "alpn_mismatch", "inappropriate_fallback"),
    "cipher": ("no_shared_cipher", "no_shared_group", "no_shared_sigalg", "weak_parameters"),
    "sni": ("hostname_mismatch", "unrecognized_name", "sni_missing"),
    "certificate": (
        "expired",
        "not_yet_valid",
        "unknown_issuer",
        "self_signed",
        "revoked",
        "revocation_check_failed",
        "bad_certificate",
        "wrong_purpose",
        "unsupported_certificate",
        "certificate_unknown",
    ),
    "client_certificate": ("missing", "rejected"),
    "handshake": (
        "generic_failure",
        "timeout",
        "reset",
        "closed_by_peer",
        "decode_error",
        "decrypt_error",
        "internal_error",
        "other",
    ),
}

FAMILY_OF: Final[dict[str, Family]] = {reason: family for family, reasons in REASONS.items() for reason in reasons}
