"""Logs as six programs write them, and ways to offer them to a reader."""

from collections import Counter
from collections.abc import Callable, Iterator

from parsers.failure import Failure
from parsers.reader import Reader
from parsers.record import Settings

REFERENCE = 1795218142.0
"""2026-11-20T23:42:22Z."""

NGINX = b"""\
2026/11/20 23:42:20 [notice] 31#31: using the "epoll" event method
2026/11/20 23:42:21 [info] 31#31: *7 SSL_do_handshake() failed (SSL: error:0A000102:SSL routines::unsupported protocol) while SSL handshaking, client: 192.0.2.9, server: 0.0.0.0:443
2026/11/20 23:42:22 [info] 31#31: *8 peer closed connection in SSL handshake while SSL handshaking, client: 192.0.2.8, server: 0.0.0.0:443
192.0.2.1 - - [20/Nov/2026:23:42:22 +0000] "GET /handshake/failed HTTP/1.1" 200 3 "-" "curl/8.5.0"
2026/11/20 23:42:22 [error] 31#31: *9 upstream SSL certificate verify error: (10:certificate has expired) while SSL handshaking to upstream, client: 192.0.2.1, server: shop.example, request: "GET / HTTP/1.1", upstream: "https://198.51.100.3:8443/", host: "shop.example"
2026/11/20 23:42:23 [notice] 31#31: signal process started
"""

HAPROXY = b"""\
Nov 20 23:42:22 lb1 haproxy[30924]: 192.0.2.7:42610 [20/Nov/2026:23:42:22.012] fe_https~/fe_https 24/0000000000000000/0/0 {-} "Connection closed during SSL handshake" "-"
Nov 20 23:42:22 lb1 haproxy[30924]: 192.0.2.7:42624 [20/Nov/2026:23:42:22.033] fe_https~ be/ing1 0/0/0/10/10 200 170 - - ---- 1/1/0/0/0 0/0 "GET / HTTP/1.1"
Nov 20 23:42:23 lb1 haproxy[30924]: 192.0.2.7:42620 [20/Nov/2026:23:42:23.025] fe_https~/fe_https 34/000000000A00009C/0/0 {-} "SSL handshake failure" "error:0A00009C:SSL routines::http request"
"""

ENVOY = b"""\
[2026-11-20 23:42:22.101][12][info][main] [source/server/server.cc:463] initializing epoch 0
[2026-11-20 23:42:22.840][30][debug][connection] [source/common/tls/cert_validator/default_validator.cc:328] verify cert failed: X509_verify_cert: certificate verification error at depth 0: certificate has expired
[2026-11-20 23:42:22.840][30][debug][connection] [source/common/tls/ssl_socket.cc:246] [Tags: "ConnectionId":"7"] remote address:192.0.2.7:41360,TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:TLS_error_end
[2026-11-20 23:42:25.101][12][info][main] [source/server/server.cc:463] still here
"""

APACHE = b"""\
[Fri Nov 20 23:42:21.834838 2026] [ssl:info] [pid 11:tid 12] [client 192.0.2.5:39690] AH01964: Connection to child 1 established (server shop.example:443)
[Fri Nov 20 23:42:22.834838 2026] [ssl:info] [pid 11:tid 12] [client 192.0.2.5:39690] AH02008: SSL library error 1 in handshake (server shop.example:443)
[Fri Nov 20 23:42:22.834840 2026] [ssl:info] [pid 11:tid 12] SSL Library Error: error:0A000102:SSL routines::unsupported protocol
[Fri Nov 20 23:42:22.834842 2026] [ssl:info] [pid 11:tid 12] [client 192.0.2.5:39690] AH01998: Connection closed to child 1 with abortive shutdown (server shop.example:443)
[Fri Nov 20 23:42:29.834838 2026] [core:notice] [pid 11:tid 12] AH00094: Command line: 'apache2'
"""

APP = b"""\
2026-11-20 23:42:21,100 INFO [orders.sync] GET https://api.shop.example/v1/orders -> 200
2026-11-20 23:42:22,981 ERROR [orders.sync] sync of order 126 failed
Traceback (most recent call last):
  File "/usr/lib/python3.11/ssl.py", line 1383, in do_handshake
    self._sslobj.do_handshake()
ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:1006)

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/srv/worker.py", line 8, in <module>
    requests.get(u)
requests.exceptions.SSLError: HTTPSConnectionPool(host='api.shop.example', port=443): Max retries exceeded with url: /v1/orders/126 (Caused by SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:1006)')))
2026-11-20 23:42:23,788 ERROR [orders.sync] sync of order 127 failed: HTTPSConnectionPool(host='api.shop.example', port=443): Max retries exceeded with url: /v1/orders/127 (Caused by SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:1006)')))
2026-11-20 23:42:24,002 ERROR [main] c.s.Client - call failed
javax.net.ssl.SSLHandshakeException: PKIX path building failed: unable to find valid certification path to requested target
\tat java.base/sun.security.ssl.Alert.createSSLException(Alert.java:131)
\tat java.base/java.lang.Thread.run(Thread.java:833)
Caused by: sun.security.validator.ValidatorException: PKIX path building failed
\t... 45 more
2026-11-20 23:42:25,000 INFO [orders.sync] done
"""

BARE = b"""\
curl: (60) SSL certificate problem: certificate has expired
More details here: https://curl.se/docs/sslcerts.html

curl failed to verify the legitimacy of the server and therefore could not
establish a secure connection to it. To learn more about this situation and
how to fix it, please visit the web page mentioned above.
curl: (60) SSL certificate problem: certificate has expired
Traceback (most recent call last):
  File "/usr/lib/python3.11/ssl.py", line 1383, in do_handshake
ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:1006)
Traceback (most recent call last):
  File "/usr/lib/python3.11/ssl.py", line 1383, in do_handshake
ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:1006)
all done
"""

LOGS = {"nginx": NGINX, "haproxy": HAPROXY, "envoy": ENVOY, "apache": APACHE, "app": APP}

Totals = tuple[Counter[str], Counter[tuple[float | None, str, str | None]], set[tuple[float | None, str, str | None]]]
"""Counts; failures by time, reason and host; peers by time and reason."""


def read_in_blocks(format_name: str, log: bytes, sizes: Iterator[int]) -> Totals:
    """What a reader finds that is offered ``log`` in blocks of these sizes, the unconsumed rest always again."""
    reader = Reader(format_name, Settings(reference=REFERENCE))
    counts: Counter[str] = Counter()
    failures: list[Failure] = []
    rest, position = b"", 0
    before: float | None = None
    while True:
        size = next(sizes)
        block = rest + log[position : position + size]
        position += size
        is_last = position >= len(log)
        reading = reader.read(block, final=is_last)
        assert 0 <= reading.consumed <= len(block)
        counts.update(
            lines=reading.lines,
            candidates=reading.candidates,
            failures=sum(failure.count for failure in reading.failures),
            unrecognized=reading.unrecognized,
            changes=len(reading.changes),
        )
        for failure in reading.failures:
            if failure.time is None:  # as those do that read a file: its time before this block
                failure.time = before
        failures += reading.failures
        before = before if reading.last_time is None else reading.last_time
        rest = block[reading.consumed :]
        if is_last:
            assert rest == b""
            told: Counter[tuple[float | None, str, str | None]] = Counter()
            peers = set()
            for f in failures:
                told[f.time, f.reason, f.host] += f.count
                peers |= {(f.time, f.reason, peer) for peer in (f.peer, *(f.other_peers or ()))}
            return counts, told, peers


def read_whole(format_name: str, log: bytes) -> Totals:
    return read_in_blocks(format_name, log, iter([len(log) or 1]))


def wrapped(log: bytes, envelope: Callable[[bytes], bytes]) -> bytes:
    """``log`` with an envelope around each of its lines."""
    return b"".join(envelope(line) for line in log.split(b"\n")[:-1])
