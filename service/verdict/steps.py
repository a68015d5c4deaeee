"""What to type next: read-only commands, with what each outcome would mean.

A host or address enters a command only if it is a valid DNS name or IP address, and quoted; else it reads HOST.
"""

from shlex import quote
from typing import Final

from parsers.names import address, is_safe_in_a_command
from service.verdict.rules import Repair

_ASK: Final = "openssl s_client -connect {connect}{sni} </dev/null"
_SHOWN: Final = _ASK + " 2>/dev/null | openssl x509 -noout"

_DATES: Final = (
    _SHOWN + " -subject -issuer -dates"
    "  # notAfter in the past: this is the certificate to renew; in the future: look at the other listeners and nodes"
)
_CHAIN: Final = (
    "openssl s_client -connect {connect}{sni} -showcerts </dev/null 2>&1 | grep -E '^ [0-9 ] [si]:|Verify return code'"
    "  # only one 's:' line: the intermediate is missing; 'Verify return code: 0': the other side's CA bundle is old"
)
_NAMES: Final = (
    _SHOWN + " -ext subjectAltName"
    "  # {name} not listed: wrong certificate or wrong name mapping; listed: the caller asks for another name"
)
_PURPOSE: Final = (
    _SHOWN + " -subject -ext extendedKeyUsage,keyUsage"
    "  # no 'TLS Web Server Authentication': made for clients or for signing, issue another; there: look at the chain"
)
_KIND: Final = (
    _SHOWN + " -text | grep -E 'Issuer:|Not After|Public-Key|Signature Algorithm|DNS:'"
    "  # past its date, an unknown issuer, SHA-1, a short key or a missing name: that is it; none: ask the other side"
)
_REVOKED: Final = (
    _ASK.replace("s_client", "s_client -status") + " 2>/dev/null | grep -A9 'OCSP response'"
    "  # 'Cert Status: revoked': issue a new one; 'no response sent': the other side has to ask the CA itself"
)
_CRL: Final = (
    _SHOWN + " -serial -ocsp_uri -ext crlDistributionPoints"
    "  # these addresses must be reachable from the side that refuses; an address that times out there is the fault"
)
_VERSIONS: Final = (
    "for v in tls1 tls1_1 tls1_2 tls1_3; do echo $v;"
    " openssl s_client -connect {connect}{sni} -$v </dev/null 2>&1 | grep -E 'Cipher is|alert'; done"
    "  # the versions that answer are the policy in force; compare with what the callers offer"
)
_CIPHERS: Final = (
    "for c in ECDHE+AESGCM ECDHE+CHACHA20 kRSA+AES DHE+AES; do echo $c;"
    " openssl s_client -connect {connect}{sni} -tls1_2 -cipher $c </dev/null 2>&1 | grep -E 'Cipher is|alert'; done"
    "  # the families that name a cipher are allowed; one that the callers need and that answers '(NONE)' is the fault"
)
_GROUPS: Final = (
    "for g in X25519 P-256 P-384 P-521; do echo $g;"
    " openssl s_client -connect {connect}{sni} -groups $g </dev/null 2>&1 | grep -E 'Temp Key|alert'; done"
    "  # groups with a 'Temp Key' are allowed; if the callers offer none of them, that is the fault"
)
_SIGNATURES: Final = (
    "for s in ECDSA+SHA256 RSA-PSS+SHA256 RSA+SHA256 RSA+SHA1; do echo $s;"
    " openssl s_client -connect {connect}{sni} -sigalgs $s </dev/null 2>&1 | grep -E 'signature type|alert'; done"
    "  # what answers with an alert is not possible with this certificate; the callers must offer one that does answer"
)
_STRENGTH: Final = (
    _ASK + " 2>&1 | grep -E 'Server public key|Temp Key|signing digest'"
    "  # under 2048 bit (RSA, DH), under 256 bit (EC), or SHA1: defaults refuse that; all larger: look at the CA's"
)
_ALPN: Final = (
    "openssl s_client -connect {connect}{sni} -alpn h2,http/1.1 </dev/null 2>&1 | grep -E 'ALPN|alert'"
    "  # 'ALPN protocol: ...' is what it agrees to; 'No ALPN negotiated' or an alert: the two sides' lists don't meet"
)
_FALLBACK: Final = (
    "openssl s_client -connect {connect}{sni} -tls1_2 -fallback_scsv </dev/null 2>&1 | grep -E 'Cipher is|alert'"
    "  # an alert: the server speaks TLS 1.3 and somebody forces the callers down; a cipher: it has no 1.3 itself"
)
_SNI: Final = (
    _SHOWN + " -subject; openssl s_client -connect {connect} -noservername </dev/null 2>/dev/null"
    " | openssl x509 -noout -subject"
    "  # only the first fails: nobody serves that name there; only the second: callers that send no SNI are refused"
)
_PLAIN: Final = (
    "curl -sS -o /dev/null -m 10 -w '%{http_code}\\n' http://{connect}/"
    "  # an HTTP status: the port speaks plain HTTP; an error about HTTP/0.9 or an empty reply: it does speak TLS"
)
_TIMES: Final = (
    "curl -sk -o /dev/null -m 20 -w 'connected %{time_connect} handshake %{time_appconnect}\\n' {url}"
    "  # connected 0: cut off or down; handshake 0 after that: it accepts and hangs; both small: it was a moment's load"
)
_REACH: Final = (
    _ASK + " 2>&1 | grep -E 'CONNECTED|errno|refused|timed out|alert|Cipher is'"
    "  # a cipher: it answers now, look at the time of the failures; an alert or '(NONE)': it refuses; else: it is down"
)
_CLIENT: Final = (
    "openssl x509 -in CLIENT_CERTIFICATE -noout -subject -issuer -dates"
    "  # on the hop that presents it; notAfter in the past: renew it; issuer not in the server's CA list: wrong CA"
)
_ACCEPTED: Final = (
    _ASK + " 2>/dev/null | sed -n '/Acceptable client certificate CA/,/Requested Signature/p'"
    "  # the CAs whose client certificates it takes; empty: it asks for none (or takes any)"
)
_CLOCK: Final = (
    "date -u  # on the hop that rejects: a clock off by minutes makes good certificates expired or not yet valid"
)

_STEPS: Final[dict[Repair, tuple[str, ...]]] = {
    "certificate": (_KIND, _CHAIN),
    "chain": (_CHAIN,),
    "trust": (_CHAIN,),
    "client_trust": (_CLIENT, _ACCEPTED),
    "client_certificate": (_CLIENT, _ACCEPTED),
    "policy": (_VERSIONS, _CIPHERS),
    "names": (_NAMES,),
    "port": (_PLAIN,),
    "reach": (_TIMES, _REACH),
    "none": (_REACH,),
}

_BY_REASON: Final[dict[tuple[Repair, str], tuple[str, ...]]] = {
    ("certificate", "expired"): (_DATES, _CLOCK),
    ("certificate", "not_yet_valid"): (_DATES, _CLOCK),
    ("certificate", "revoked"): (_REVOKED, _CRL),
    ("certificate", "revocation_check_failed"): (_CRL, _REVOKED),
    ("certificate", "wrong_purpose"): (_PURPOSE, _CHAIN),
    ("certificate", "internal_error"): (_KIND, _VERSIONS),
    ("client_certificate", "expired"): (_CLIENT, _CLOCK),
    ("client_certificate", "not_yet_valid"): (_CLIENT, _CLOCK),
    ("policy", "version_mismatch"): (_VERSIONS,),
    ("policy", "inappropriate_fallback"): (_FALLBACK, _VERSIONS),
    ("policy", "alpn_mismatch"): (_ALPN,),
    ("policy", "no_shared_cipher"): (_CIPHERS, _VERSIONS),
    ("policy", "no_shared_group"): (_GROUPS,),
    ("policy", "no_shared_sigalg"): (_SIGNATURES,),
    ("policy", "weak_parameters"): (_STRENGTH,),
    ("names", "unrecognized_name"): (_SNI, _NAMES),
    ("names", "sni_missing"): (_SNI,),
}
_DEFAULT_PORT: Final = "443"


def steps(repair: Repair, reason: str, host: str | None, server: str | None = None) -> list[str]:
    """One to three commands for a repair.

    ``host`` is the name that was asked for; ``server`` (``ip:port``, ``name:port``) the server of the failed leg, where
    it is known: its real port, and of several servers the one that failed.
    """
    name = host if host is not None and is_safe_in_a_command(host) else None
    far, port = _split(server)
    connect = far or name or "HOST"
    asked = name or far
    sni = "" if asked is not None and address(asked) is not None else f" -servername {quote(asked or 'HOST')}"
    bracketed = f"[{connect}]" if ":" in connect else connect
    chosen = _BY_REASON.get((repair, reason), _STEPS[repair])
    url = f"https://{bracketed}:{port}/"
    if name is not None and name != connect:  # the name must be asked for, and this server must answer
        url = f"--connect-to {quote(f'::{bracketed}:{port}')} https://{name}/"
    filled = {
        "{url}": url if "[" not in url or "'" in url else quote(url),
        "{connect}": quote(f"{bracketed}:{port}"),
        "{sni}": sni,
        "{name}": asked or "HOST",
    }
    return [_fill(step, filled) for step in chosen]


def _split(server: str | None) -> tuple[str | None, str]:
    """Host and port; None where it is neither a DNS name nor an address."""
    if server is None:
        return None, _DEFAULT_PORT
    head, colon, port = server.rpartition(":")
    if not colon or (":" in head and not head.startswith("[")):
        head, port = server, ""
    head = head.removeprefix("[").removesuffix("]")
    is_port = port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65_536
    if not is_safe_in_a_command(head) or (port and not is_port):
        return None, _DEFAULT_PORT
    return head, port or _DEFAULT_PORT


def _fill(step: str, values: dict[str, str]) -> str:
    command, hash_sign, meaning = step.partition("  # ")
    for place, value in values.items():
        command = command.replace(place, value)
        meaning = meaning.replace(place, value)
    return command + hash_sign + meaning
