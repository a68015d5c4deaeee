"""What to type next: read-only commands, with what each outcome would mean.

A host or address enters a command only if it is a valid DNS name or IP address, and quoted; else it reads HOST.
"""

from shlex import quote
from typing import Final

from parsers.names import is_safe_in_a_command
from service.verdict.rules import Repair

_DATES: Final = (
    "openssl s_client -connect {host}:443 -servername {host} </dev/null 2>/dev/null"
    " | openssl x509 -noout -subject -issuer -dates"
    "  # notAfter in the past: this is the certificate to renew; in the future: look at the other listeners and nodes"
)
_CHAIN: Final = (
    "openssl s_client -connect {host}:443 -servername {host} -showcerts </dev/null 2>&1 | grep -E 's:|i:|Verify return'"
    "  # only one 's:' line: the intermediate is missing; 'Verify return code: 0': the other side's CA bundle is old"
)
_NAMES: Final = (
    "openssl s_client -connect {host}:443 -servername {host} </dev/null 2>/dev/null"
    " | openssl x509 -noout -ext subjectAltName"
    "  # {host} not listed: wrong certificate or wrong name mapping; listed: the caller asks for another name"
)
_VERSIONS: Final = (
    "for v in tls1 tls1_1 tls1_2 tls1_3; do echo $v;"
    " openssl s_client -connect {host}:443 -servername {host} -$v </dev/null 2>&1 | grep -E 'Cipher is|alert'; done"
    "  # the versions that answer are the policy in force; compare with what the callers offer"
)
_PLAIN: Final = (
    "curl -sS -o /dev/null -w '%{{http_code}}\\n' http://{host}:443/"
    "  # an HTTP status: the port speaks plain HTTP; an error about HTTP/0.9 or an empty reply: it does speak TLS"
)
_REACH: Final = (
    "openssl s_client -connect {host}:443 -servername {host} </dev/null 2>&1 | head -5"
    "  # CONNECTED and then nothing: it accepts and hangs; refused or timed out: it is down or cut off"
)
_CLIENT: Final = (
    "openssl x509 -in CLIENT_CERTIFICATE -noout -subject -issuer -dates"
    "  # on the hop that presents it; notAfter in the past: renew it; issuer not in the server's CA list: wrong CA"
)
_CLOCK: Final = (
    "date -u  # on the hop that rejects: a clock off by minutes makes good certificates expired or not yet valid"
)

_STEPS: Final[dict[Repair, tuple[str, ...]]] = {
    "certificate": (_DATES, _CLOCK),
    "chain": (_CHAIN,),
    "trust": (_CHAIN,),
    "client_trust": (_CLIENT,),
    "client_certificate": (_CLIENT, _CLOCK),
    "policy": (_VERSIONS,),
    "names": (_NAMES,),
    "port": (_PLAIN,),
    "reach": (_REACH,),
    "none": (_REACH,),
}


def steps(repair: Repair, reason: str, host: str | None) -> list[str]:
    """One to three commands for a repair, filled with ``host`` where that is safe."""
    shown = quote(host) if host is not None and is_safe_in_a_command(host) else "HOST"
    chosen = _STEPS[repair]
    if reason not in ("expired", "not_yet_valid") and _CLOCK in chosen:
        chosen = tuple(step for step in chosen if step is not _CLOCK)
    return [step.format(host=shown) for step in chosen]
