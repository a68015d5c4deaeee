"""The sentences of a verdict, for a tired person: what happened, and which thing to change where."""

from typing import Final

from service.verdict.rules import Repair

WHAT: Final[dict[str, str]] = {
    "version_mismatch": "no TLS version in common",
    "not_tls": "something that is not TLS on a TLS port",
    "alpn_mismatch": "no application protocol (ALPN) in common",
    "inappropriate_fallback": "a forced downgrade to an older TLS version",
    "no_shared_cipher": "no cipher suite in common",
    "no_shared_group": "no key exchange group in common",
    "no_shared_sigalg": "no signature algorithm in common",
    "weak_parameters": "keys or parameters too weak for the policy",
    "hostname_mismatch": "a certificate for another name",
    "unrecognized_name": "a server name (SNI) nobody serves there",
    "sni_missing": "a client that names no server (no SNI)",
    "expired": "an expired certificate",
    "not_yet_valid": "a certificate that is not valid yet",
    "unknown_issuer": "a certificate whose chain leads to no trusted issuer",
    "self_signed": "a self-signed certificate",
    "revoked": "a revoked certificate",
    "revocation_check_failed": "a certificate whose revocation could not be checked",
    "bad_certificate": "a certificate it finds bad",
    "wrong_purpose": "a certificate made for another purpose",
    "unsupported_certificate": "a certificate of an unsupported type",
    "certificate_unknown": "a certificate, for a reason it does not name",
    "missing": "a missing client certificate",
    "rejected": "a client certificate",
    "generic_failure": "a handshake failure without a named cause",
    "timeout": "handshakes that never finish in time",
    "reset": "connections reset during the handshake",
    "closed_by_peer": "connections closed during the handshake",
    "decode_error": "handshake messages that cannot be read",
    "decrypt_error": "handshake messages that do not decrypt",
    "internal_error": "an internal error of the TLS stack",
    "other": "an unusual handshake failure",
}

_PLACES: Final[dict[Repair, dict[str, str]]] = {
    "certificate": {
        "edge": "the edge certificate",
        "lb": "the load balancer's listener certificate",
        "ingress": "the ingress's certificate (its secret or files)",
        "mesh": "the sidecar's workload certificate",
        "app": "the application's server certificate",
    },
    "chain": {
        "edge": "the edge certificate's chain",
        "lb": "the chain attached to the load balancer's listener certificate",
        "ingress": "the chain in the ingress's certificate secret or file",
        "mesh": "the mesh's trust bundle and the workload certificate's chain",
        "app": "the chain of the application's server certificate",
    },
    "client_certificate": {
        "edge": "the client certificate the edge presents to its origin",
        "lb": "the client certificate the load balancer presents to its backend",
        "ingress": "the client certificate the ingress presents to its upstream",
        "mesh": "the sidecar's workload certificate and its rotation",
        "app": "the client certificate the application presents",
    },
    "policy": {
        "edge": "the edge's TLS policy (versions, ciphers, ALPN)",
        "lb": "the load balancer's TLS policy (versions, ciphers, ALPN)",
        "ingress": "the ingress's ssl-protocols, ssl-ciphers and ALPN settings",
        "mesh": "the mesh's TLS policy",
        "app": "the application's TLS settings",
    },
    "names": {
        "edge": "the edge's hostname mapping",
        "lb": "the names on the load balancer's certificates, or its SNI rules",
        "ingress": "the ingress's host rules and the names on its certificate",
        "mesh": "the mesh's destination name and subject alternative names",
        "app": "the name on the application's certificate, or the name its callers use",
    },
    "port": {
        "edge": "the edge's port or scheme (http against https)",
        "lb": "the load balancer's port or protocol setting",
        "ingress": "the ingress's backend protocol or port",
        "mesh": "the mesh's mTLS mode for that port (PERMISSIVE, STRICT, plain)",
        "app": "the application's port or URL scheme (http against https)",
    },
    "reach": {
        "edge": "the edge: is it up, overloaded, or cut off",
        "lb": "the load balancer: is it up, overloaded, or cut off",
        "ingress": "the ingress: is it up, overloaded, or cut off",
        "mesh": "the sidecar: is it up, overloaded, or cut off",
        "app": "the application: is it up, overloaded, or cut off",
    },
}

_CLIENT: Final[dict[Repair, str]] = {
    "client_certificate": "the client certificate its clients present",
    "names": "the server name its clients ask for",
    "port": "its clients: they speak something else on that port",
    "reach": "its clients, or what lies between (probes look like this, too)",
    "policy": "its clients' TLS versions and ciphers",
    "certificate": "the certificate its clients present",
}
_BEYOND: Final[dict[Repair, str]] = {
    "certificate": "the certificate of the server behind it",
    "chain": "the certificate chain of the server behind it (or its own CA bundle)",
    "client_certificate": "the client certificate shown to the server behind it",
    "names": "the name on the certificate of the server behind it (or the name it asks for)",
    "port": "the port of the server behind it: it does not speak TLS",
    "policy": "the TLS policy of the server behind it",
    "reach": "the server behind it: is it up and reachable",
}


def place(repair: Repair, fix_at: str | None, hop: str | None) -> str:
    """Where the thing to change lies: ``fix_at`` is ``client``, ``beyond``, None, or a stream of ``hop``."""
    if fix_at == "client":
        return _CLIENT.get(repair, "its clients")
    if fix_at == "beyond":
        return _BEYOND.get(repair, "the server behind it")
    if fix_at is None or hop is None:
        return "not decided by the records"
    return _PLACES.get(repair, {}).get(hop, f"the {hop}")


def happened(direction: str, rejected_by: str, reason: str) -> str:
    """One clause about the hop that logged it: "clients reject its certificate: expired"."""
    what = WHAT[reason]
    if reason == "missing":
        if direction == "downstream":
            return "its clients present no client certificate"
        return "the server it calls wants a client certificate and gets none"
    if direction == "downstream":
        if rejected_by == "peer" and reason not in _EVENTS:
            return f"its clients reject {what}".replace("reject an expired", "reject its expired").replace(
                "reject a ", "reject its "
            )
        if rejected_by == "local" and reason not in _EVENTS:
            return f"it rejects its clients: {what}"
        return f"its clients' handshakes fail: {what}"
    if rejected_by == "local" and reason not in _EVENTS:
        return f"it rejects the server it calls: {what}"
    if rejected_by == "peer" and reason not in _EVENTS:
        return f"the server it calls rejects it: {what}"
    return f"its handshakes with the server it calls fail: {what}"


_EVENTS: Final = frozenset(
    {"timeout", "reset", "closed_by_peer", "generic_failure", "other", "internal_error", "decode_error"}
)
