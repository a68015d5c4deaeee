"""HAProxy's connection and TLS error numbers, wherever a user's ``log-format`` puts them.

``fc_err`` and ``bc_err`` are conn_err_code numbers of the client's and the server's leg (``src/connection.c``);
``ssl_fc_err`` and ``ssl_bc_err`` OpenSSL's packed codes; ``ssl_c_err`` and ``ssl_c_ca_err`` X509 verify codes.
"""

import re
from functools import lru_cache
from typing import Final

import msgspec

from parsers import names
from parsers.lexicon import Said, codes
from parsers.lexicon import load as load_lexicon
from parsers.vocabulary import Direction, RejectedBy

_SLASHES: Final = re.compile(
    rb"(?:^|(?<=[\s\"]))(?P<fc>\d{1,3})/(?P<ssl>[0-9A-Fa-f]{8,16})/(?P<leaf>\d{1,5})/(?P<ca>\d{1,5})(?:/[01])?(?=[\s\"]|$)"
)
"""``%[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/%[ssl_c_ca_err]/%[ssl_fc_is_resumed]`` of the manual."""
_SESSION: Final = re.compile(
    rb" (?P<sni>[^\s/]{1,255})/(?P<version>(?:TLS|SSL)v[\d.]{1,4}|-|\(NONE\))/(?P<cipher>[\w-]{1,64}|\(NONE\))"
)
"""``%[ssl_fc_sni]/%sslv/%sslc``, right after the slashes."""
_NAMED: Final = re.compile(
    rb'(?:^|(?<=[\s",{|;\[(]))(?P<ssl>ssl_)?(?P<leg>[fb])c_(?:hsk_)?err"?\s?[=:]\s?"?(?P<value>[0-9A-Fa-f]{1,16})(?![0-9A-Za-z_])'
)
_NAMED_VERIFY: Final = re.compile(rb'ssl_c_(?:ca_)?err"?\s?[=:]\s?"?(?P<value>[1-9]\d{0,4})(?!\d)')

TEXTS: Final[dict[int, str]] = {
    24: "Connection closed during SSL handshake",
    25: "Connection error during SSL handshake",
    26: "Timeout during SSL handshake",
    27: "Too many SSL connections",
    28: "Out of memory when initializing an SSL connection",
    29: "Rejected a client-initiated SSL renegotiation attempt",
    30: "SSL client CA chain cannot be verified",
    31: "SSL client certificate not trusted",
    32: "Server presented an SSL certificate different from the configured one",
    33: "Server presented an SSL certificate different from the expected one",
    34: "SSL handshake failure",
    35: "SSL handshake failure after heartbeat",
    36: "Stopped a TLSv1 heartbeat attack",
    37: "Attempt to use SSL on an unknown target",
    38: "Server refused early data",
    43: "SSL fatal error",
}
"""The conn_err_code numbers that speak of TLS; what each means stands in the lexicon."""

_VERIFY_TEXTS: Final[dict[int, bytes]] = {
    2: b"unable to get issuer certificate",
    3: b"unable to get certificate CRL",
    7: b"certificate signature failure",
    9: b"certificate is not yet valid",
    10: b"certificate has expired",
    11: b"CRL is not yet valid",
    12: b"CRL has expired",
    18: b"self-signed certificate",
    19: b"self-signed certificate in certificate chain",
    20: b"unable to get local issuer certificate",
    21: b"unable to verify the first certificate",
    22: b"certificate chain too long",
    23: b"certificate revoked",
    24: b"invalid CA certificate",
    25: b"path length constraint exceeded",
    26: b"unsuitable certificate purpose",
    27: b"certificate not trusted",
    28: b"certificate rejected",
    66: b"EE certificate key too weak",
    67: b"CA certificate key too weak",
    68: b"CA signature digest algorithm too weak",
}
"""OpenSSL ``crypto/x509/x509_txt.c``."""

_CALLBACKS: Final = frozenset({0xEA, 0x179})
"""SSL_R_CALLBACK_FAILED and SSL_R_CERT_CB_ERROR."""


class Errors(msgspec.Struct):
    """The numbers of one line."""

    direction: Direction | None = None
    """The leg whose number tells a TLS failure."""
    number: int | None = None
    code: str | None = None
    """Packed OpenSSL code, eight hex digits."""
    verify: int = 0
    """X509 verify code of a client's certificate or its CA; 0: none."""
    tells_no_failure: bool = False
    """Numbers are there, and none of them is a TLS failure."""
    session: tuple[bytes, bytes, bytes] | None = None
    """SNI, version and cipher, as written."""
    end: int = -1
    """Where the slashes and the session end; -1 without."""

    @property
    def sni(self) -> str | None:
        return names.host(self.session[0]) if self.session else None

    @property
    def negotiated(self) -> tuple[str, str] | None:
        """Version and cipher; None without a cipher: then even a TCP probe is written as ``TLSv1.3/(NONE)``."""
        if self.session is None or self.session[2] in (b"-", b"(NONE)"):
            return None
        return self.session[1].decode(), self.session[2].decode()


def find(text: bytes) -> Errors:
    """The error numbers in a line from which the client's own words are removed."""
    connection: dict[bytes, int] = {}
    library: dict[bytes, int] = {}
    errors = Errors()
    for slashes in _SLASHES.finditer(text):  # the last: the client's words come before it
        connection[b"f"] = int(slashes["fc"])
        library[b"f"] = int(slashes["ssl"], 16)
        errors.verify = int(slashes["leaf"]) or int(slashes["ca"])
        errors.end = slashes.end()
    if errors.end >= 0 and (session := _SESSION.match(text, errors.end)) is not None:
        errors.session = (session["sni"], session["version"], session["cipher"])
        errors.end = session.end()
    for named in _NAMED.finditer(text):
        value = named["value"]
        if named["ssl"]:
            library[named["leg"]] = int(value, 16)
        elif value.isdigit():
            connection[named["leg"]] = int(value)
    if not errors.verify and (verify := _NAMED_VERIFY.search(text)) is not None:
        errors.verify = int(verify["value"])
    legs: tuple[tuple[bytes, Direction], ...] = ((b"b", "upstream"), (b"f", "downstream"))
    for leg, direction in legs:
        number, packed = connection.get(leg), library.get(leg, 0)
        if number in TEXTS or (number is None and packed):
            errors.direction, errors.number = direction, number
            errors.code = f"{packed & 0xFFFF_FFFF:08X}" if packed else None
            return errors
    errors.tells_no_failure = bool(connection or library)
    return errors


def deepest(said: Said, errors: Errors) -> Said:
    """What the texts said, unless the numbers say more: a layout may hold no text at all."""
    numbered = _by_number(errors.number, errors.code)
    return numbered if numbered is not None and numbered.rank < said.rank else said


def certificate_callback(code: str | None, message: bytes) -> tuple[str, RejectedBy] | None:
    """Its certificate callbacks fail where ``strict-sni`` finds no certificate (``src/ssl_sock.c``)."""
    if code is not None and (decoded := codes.decode(code)) is not None and decoded.number in _CALLBACKS:
        return "unrecognized_name", "local"
    if b"callback failed" in message or b"cert cb error" in message:
        return "unrecognized_name", "local"
    return None


def cause(errors: Errors) -> bytes:
    """`` (10:certificate has expired)`` where the numbers tell why a client's certificate was refused, else nothing."""
    text = _VERIFY_TEXTS.get(errors.verify)
    return b" (%d:%b)" % (errors.verify, text) if text else b""


@lru_cache(maxsize=4096)
def _by_number(number: int | None, code: str | None) -> Said | None:
    lexicon = load_lexicon()
    found: list[Said] = []
    if code is not None and (decoded := codes.decode(code)) is not None:
        found.append(Said(decoded.reason, decoded.rejected_by, decoded.rank, decoded.alert, code))
    if number in TEXTS:
        said = lexicon.said(lexicon.ids_of(TEXTS[number]))
        found.append(msgspec.structs.replace(said, code=code))
    return min(found, key=lambda said: said.rank, default=None)
