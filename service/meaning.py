"""What a failure means, in one sentence for a tired person who does not read RFCs."""

from typing import Final

_MEANS: Final[dict[str, str]] = {
    "version_mismatch": "{caller} and {called} have no TLS version in common: one is too old, or was made stricter.",
    "not_tls": "One side spoke something other than TLS on a TLS port: plain HTTP, the wrong port, or a scanner.",
    "alpn_mismatch": "{caller} and {called} have no application protocol (ALPN) in common, such as HTTP/2.",
    "inappropriate_fallback": "{caller} retried with an older TLS version than {called} speaks, and {called} refused.",
    "no_shared_cipher": "{caller} and {called} have no cipher suite in common: a stricter policy, or an old side.",
    "no_shared_group": "{caller} and {called} have no key exchange group (curve) in common.",
    "no_shared_sigalg": "{called} can't sign in any way that {caller} accepts: its key or certificate does not fit.",
    "weak_parameters": "A key, digest or parameter is too weak for the policy of the side that hung up.",
    "hostname_mismatch": "The certificate that {called} shows is for another name than the one that was asked for.",
    "unrecognized_name": "{caller} asked for a name that {called} does not serve.",
    "sni_missing": "{caller} named no server (no SNI), and {called} does not answer without.",
    "expired": "The certificate that {called} shows is past its end date.",
    "not_yet_valid": "The certificate that {called} shows is not valid yet, or the clock of who checks it is behind.",
    "unknown_issuer": "{caller} can't trace the certificate of {called} to a CA it trusts (an intermediate missing?).",
    "self_signed": "{called} shows a certificate signed by itself or a CA of its own, which {caller} does not trust.",
    "revoked": "The certificate that {called} shows was revoked by its CA.",
    "revocation_check_failed": "Whether the certificate of {called} was revoked can't be found out: that is a no.",
    "bad_certificate": "{caller} finds the certificate that {called} shows broken, without saying why.",
    "wrong_purpose": "The certificate that {called} shows was made for another purpose (a client's, a CA's).",
    "unsupported_certificate": "The certificate that {called} shows is of a type that {caller} can't use.",
    "certificate_unknown": "{caller} does not accept the certificate that {called} shows, and says no more.",
    "missing": "{called} wants a client certificate and {caller} presents none.",
    "rejected": "{called} does not accept the client certificate that {caller} presents.",
    "generic_failure": "The handshake failed and nobody says why; the other side's log of the same second may.",
    "timeout": "The other side accepted the connection and then did not finish the handshake in time.",
    "reset": "The connection was reset in the middle of the handshake: a crash, a firewall, or a side that gave up.",
    "closed_by_peer": "The far end closed the connection in the middle of the handshake; a lone one is mostly a probe.",
    "decode_error": "A handshake message could not be read: a broken or foreign TLS stack, or something in between.",
    "decrypt_error": "A handshake message did not verify: a key that does not fit its certificate, or tampering.",
    "internal_error": "A TLS stack gave up for a reason of its own: no certificate for that name, no memory, a bug.",
    "other": "The handshake failed in an unusual way; the message is all there is.",
}
_HOPS: Final = {
    "edge": "the edge",
    "lb": "the load balancer",
    "ingress": "the ingress",
    "mesh": "the sidecar",
    "app": "the application",
}


def meaning(reason: str, direction: str, hop: str | None) -> str:
    """One sentence; who called whom follows from the leg."""
    here = _HOPS.get(hop or "", "the program that wrote this")
    caller, called = (here, "the server it calls") if direction == "upstream" else ("the client", here)
    said = _MEANS[reason].format(caller=caller, called=called)
    return said[:1].upper() + said[1:]
