"""Who is the client? The leg an application's record speaks of, by the words that runtimes use on one side only."""

import re
from typing import Final

from parsers.formats.app_view import View
from parsers.lexicon.said import Said
from parsers.vocabulary import Direction, Hop

_ACCEPTED: Final = re.compile(
    rb"""
    SSL_accept|GET_CLIENT_(?:HELLO|CERTIFICATE)|tls_(?:early_)?post_process_client_hello|tls_process_client_
  | tlsClientError|AuthenticateAsServer|HttpsConnectionMiddleware|SslStream\.ProcessAuthenticationAsServer
  | Invalid\ request\ from\ ip=|Error\ processing\ SSL\ request|for\ incoming\ connection
  | checkClientTrusted|onClientCertificate|ServerHandshaker|ClientHello\$\w{0,8}ClientHelloConsumer
  | SecureNio2?Channel\.(?:handshake|processSNI)|TLS\ server:|SSL\ error,\ peer:
  | [Cc]ould\ not\ accept\ (?:SSL|TLS)|[Aa]ccepting\ (?:a\ )?(?:client|TLS|SSL)\ connection|tls\ accept\ error
    """,
    re.VERBOSE,
)
"""Only the accepting side says so, however deep inside a server's own trace another call failed."""

_CALLED: Final = re.compile(
    rb"""
    SSL_connect|GET_SERVER_(?:HELLO|CERTIFICATE)|tls_(?:post_)?process_server_|statem_clnt\.c
  | checkServerTrusted|onServerCertificate|ClientHandshaker|ServerHello\$|AuthenticateAsClient
  | HttpsURLConnection|HttpsClient|okhttp3|org\.apache\.http\.|org\.apache\.hc\.client
  | PKIX\ path\ building|requested\ target
  | HTTPS?Connection(?:Pool)?\(|Cannot\ connect\ to\ host|curl:\ \(|urlopen\ error
  | httpx\.|httpcore\.|requests\.exceptions
  | urllib3|aiohttp\.client|ClientConnector|ClientOSError|Retrying\ \(Retry|create_connection
  | onConnectSecure|Client\ network\ socket\ disconnected|error\ sending\ request|fetch\ failed|FetchError|AxiosError
  | (?:Get|Post|Put|Head|Delete|Patch|Options|Propfind)\ "(?:https|wss)://
  | \bdial\ tcp\b|\bDial\b|failed\ calling\ webhook
  | HttpRequestException|The\ SSL\ connection\ could\ not\ be\ established|TLS\ client:|SSLPeerUnverified
  | connection\ to\ server\ at|transport:\ authentication\ handshake\ failed|fatal:\ unable\ to\ access|I/O\ error\ on
  | upstream\ connect\ error|stream_socket_client|file_get_contents\(|CONNECTED\([0-9A-Fa-f]{8}\)|verify\ error:num=
    """,
    re.VERBOSE,
)

_SERVES: Final = re.compile(
    rb"""
    org\.apache\.(?:tomcat|coyote)\.|org\.eclipse\.jetty\.server|io\.undertow|Server\.Kestrel|\bpuma\b
  | \bfrom\ \[?[0-9a-fA-F.:]{3,45}\]?:\d{1,5}\b|remoteAddr|remote_addr|\bclient[ =:]+\[?\d{1,3}\.\d{1,3}\.
    """,
    re.VERBOSE,
)
"""A server's surroundings: weaker than a word of the calling side, for a server's trace holds its calls, too."""

_ASYNCIO: Final = re.compile(rb"SSLProtocol object at 0x[0-9a-f]{1,16}>: SSL handshake failed|ssl connection closed")
"""asyncio's debug log says this on both sides; a client's exception reaches its caller and is told there."""

_TARGET: Final = re.compile(rb"\b(?:https|wss|grpcs|amqps|ldaps|mqtts|rediss)://")


def leg_of(seen: View, said: Said, hop: Hop) -> Direction:
    """The failed leg as seen from the program that wrote the record."""
    text = seen.text
    if _ACCEPTED.search(text):
        return "downstream"
    if _CALLED.search(text):
        return "upstream"
    if said.leg is not None:
        return said.leg
    if _ASYNCIO.search(text) or _SERVES.search(text):
        return "downstream"
    if _TARGET.search(text):
        return "upstream"
    return "upstream" if hop == "app" else "downstream"
