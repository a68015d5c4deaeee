"""A line in its own system's shape for every text of the lexicon: what that program would write around it.

`line_of` builds it: the first shape of the text's stack whose ``of`` matches the text. ``@`` is where the text goes.
"""

import re
from typing import NamedTuple

from parsers.lexicon import Entry
from parsers.lexicon.patterns import FIELD, GAP, WILD


class Shape(NamedTuple):
    line: str
    of: str = ""
    """A regular expression that the text matches from its start; empty: any text."""
    format: str = "app"
    gap: str = "x"
    """What stands in the text's gaps."""
    silent: bool = False
    """The text alone tells nothing: it goes with others (a pair's half), or a sample says that it is none."""


_NGINX = "2026/11/21 01:05:51 [info] 31#31: *7 @, client: 192.0.2.9, server: shop.example"
_ACCESS = '192.0.2.9 - - [21/Nov/2026:01:05:51 +0000] "GET / HTTP/1.1@'
_NGINX_JSON = '{"time_local":"21/Nov/2026:01:05:51 +0000","remote_addr":"192.0.2.9","request":"GET / HTTP/1.1","@}'
_CONTROLLER = "W1121 01:05:51.500000       7 controller.go:1210] @"
_LUA = "2026/11/21 01:05:51 [error] 31#31: *7 [lua] certificate.lua:259: call(): @, context: ssl_certificate_by_lua*, client: 192.0.2.9, server: 0.0.0.0:443"
_HAPROXY = "192.0.2.7:42610 [21/Nov/2026:01:05:51.012] web/1: @"
_HTTPSLOG = (
    '192.0.2.7:42610 [21/Nov/2026:01:05:51.012] web~ app/s1 0/0/0/-1/1 400 217 - - PR-- 1/1/0/0/0 0/0 "<BADREQ>"@'
)
_HAPROXY_JSON = '{"time":"21/Nov/2026:01:05:51.012","src":"192.0.2.7",@}'
_APACHE = "[Sat Nov 21 01:05:51.000100 2026] [ssl:info] [pid 7:tid 9] [client 192.0.2.7:51000] @ a failure's words"
_APACHE_PROXY = (
    "[Sat Nov 21 01:05:51.000100 2026] [proxy:error] [pid 7:tid 9] [remote 198.51.100.4:443] @ a failure's words"
)
_ENVOY_LOG = "[2026-11-21 01:05:51.840][30][debug][connection] [source/common/tls/ssl_socket.cc:246] "
_GO_SERVER = "2026/11/21 01:05:51 http: TLS handshake error from 192.0.2.9:47382: @"
_STUNNEL = "2026.11.21 01:05:51 LOG3[7]: @"
_ZEEK = "1795223151.000000\tCHhAvVGS1DHFjwGM9\t192.0.2.9\t51000\t192.0.2.40\t443\t"
_SURICATA = (
    '{"timestamp":"2026-11-21T01:05:51.000000+0000","flow_id":7,"event_type":"anomaly","src_ip":"192.0.2.9",'
    '"src_port":51000,"dest_ip":"192.0.2.40","dest_port":443,"proto":"TCP","app_proto":"tls"'
)
_GOOGLE = (
    '{"httpRequest":{"remoteIp":"203.0.113.4","requestUrl":"https://shop.example/","serverIp":"192.0.2.20","status":502},'
    '"jsonPayload":{"@type":"type.googleapis.com/google.cloud.loadbalancing.type.LoadBalancerLogEntry",@x\\""},'
    '"resource":{"type":"http_load_balancer"},"timestamp":"2026-11-21T01:05:51.389054Z"}'
).replace('"@type"', '"\0type"')
_AZURE = (
    '{"TimeGenerated":"2026-11-21T01:05:51Z","Category":"ApplicationGatewayAccessLog","clientIP_s":"203.0.113.24",@}'
)
_LOGGED = "2026-11-21 01:05:51,100 ERROR [orders.sync] call of https://api.shop.example/v1 failed: @"
_QUEUE = _LOGGED[:-1] + "40874D5A067F0000:error:"

SHAPES: dict[str, tuple[Shape, ...]] = {
    "nginx": (
        Shape(_ACCESS + '0 215 "-" "curl/8.5.0"', r'" 49', "nginx"),
        Shape(_ACCESS[:-1] + '" 400 215 "-" "curl/8.5.0"@ (x)', r" FAILED:", "nginx"),
        Shape(_NGINX_JSON, r'status":', "nginx"),
        Shape("remote_addr=192.0.2.9 request=GET @ time_local=21/Nov/2026:01:05:51", r"status=", "nginx"),
        Shape(_NGINX_JSON.replace('"@', '"ssl_@:x"'), r'client_verify":', "nginx"),
        Shape("remote_addr=192.0.2.9 ssl_@:expired status=400", r"client_verify=", "nginx"),
        Shape(_NGINX.replace("@", '@/etc/tls/shop.key": PEM_read_bio_PrivateKey() failed while SSL handshaking'), r"cannot load", "nginx"),
        Shape(_NGINX.replace("@", "@ while SSL handshaking"), "", "nginx"),
    ),
    "ingress_nginx": (
        Shape(_LUA, r"failed to|error while|could not|OCSP resp|error (during|setting)|.*fallback|falling back", "ingress_nginx"),
        Shape(_CONTROLLER.replace(":1210] @", ':210@"'), r"\] Backend", "ingress_nginx"),
        Shape(_CONTROLLER.replace("@", 'Error getting SSL certificate "shop/web": x. @'), r"Using default", "ingress_nginx"),
        Shape(_CONTROLLER, "", "ingress_nginx"),
    ),
    "haproxy": (
        Shape(_HTTPSLOG.replace("@", "@00000/0/0/0 -/-/-"), r" \d\d/0", "haproxy"),
        Shape(_HAPROXY_JSON.replace("@", '"@08A0C1"'), r'ssl_\w+_err":"0+14', "haproxy"),
        Shape(_HAPROXY_JSON.replace("@", '"@000C1"'), r'ssl_\w+_err":"', "haproxy"),
        Shape(_HAPROXY.replace(": @", " @08A0C1"), r"ssl_\w+_err=0+14", "haproxy"),
        Shape(_HAPROXY.replace(": @", " @000C1"), r"ssl_\w+_err=0", "haproxy"),
        Shape(_HAPROXY_JSON.replace("@", '"@3"'), r'\w+_err": ?"4', "haproxy"),
        Shape(_HAPROXY_JSON.replace("@", '"@4"'), r'\w+_err": ?"', "haproxy"),
        Shape(_HAPROXY_JSON.replace("@", '"@3'), r'\w+_err": ?4', "haproxy"),
        Shape(_HAPROXY_JSON.replace("@", '"@4'), r'\w+_err": ?', "haproxy"),
        Shape(_HAPROXY.replace(": @", " @3"), r"\w+_err[=:]4", "haproxy"),
        Shape(_HAPROXY.replace(": @", " @4"), r"\w+_err[=:]", "haproxy"),
        Shape("@30924) forked", r"New worker", "haproxy"),
        Shape("Health check for server app/s1 failed, reason: @, check duration: 3ms, status: 0/2 DOWN.", r"Layer6", "haproxy"),
        Shape(_HAPROXY, "", "haproxy"),
    ),
    "apache": (
        Shape(_APACHE, r"AH01991|AH01097", "apache", silent=True),
        Shape(_APACHE_PROXY, r"AH(02039|02003|00898|00961|01097|02261|02262|02263|10158|02837|02838|02004|02005|10273|10274)", "apache"),
        Shape(_APACHE, "", "apache"),
    ),
    "envoy": (
        Shape(_ENVOY_LOG + "remote address:192.0.2.7:41360,TLS_error:|@:system library:OPENSSL_internal:x:TLS_error_end", r"\d+$", "envoy"),
        Shape(_ENVOY_LOG + "remote address:192.0.2.7:41360,TLS_error:|@:TLS_error_end", r"system library|:OPENSSL", "envoy"),
        Shape(_ENVOY_LOG + "@|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED", r"remote address", "envoy", "192.0.2.7:41360"),
        Shape(_ENVOY_LOG + "remote address:192.0.2.7:41360,@", r"TLS error", "envoy"),
        Shape(_ENVOY_LOG + "remote address:192.0.2.7:41360,TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:@:TLS_error_end", "", "envoy"),
    ),
    "gonet_server": (
        Shape("2026/11/21 01:05:51 http: @", r"TLS handshake error from", "gonet", "192.0.2.9:47382: read tcp 192.0.2.40:443"),
        Shape(_GO_SERVER, "", "gonet"),
    ),
    "stunnel": (
        Shape(_STUNNEL.replace("LOG3", "LOG4") + "\n" + _STUNNEL.replace("@", "SSL_connect: error:0A000086:SSL routines::certificate verify failed"), r"CERT|OCSP", "stunnel"),
        Shape(_STUNNEL, "", "stunnel"),
    ),
    "linkerd": (
        Shape("[    12.345678s] DEBUG ThreadId(01) inbound:accept{client.addr=192.0.2.9:51000}: linkerd_tls::server: @", "", "linkerd"),
    ),
    "caddy": (
        Shape('{"level":"info","ts":1795223151.2,"logger":"tls.obtain","msg":"@","identifier":"shop.example"}', "", "caddy"),
    ),
    "zeek": (
        Shape('{"ts":1795223151.0,"uid":"C1","id.orig_h":"192.0.2.9","id.orig_p":51000,"id.resp_h":"192.0.2.40","id.resp_p":443,@}', '"established"', "zeek"),
        Shape(_ZEEK + "TLSv12\tTLS_AES_128_GCM_SHA256\tx25519\tshop.example@-", r"\t[TF]\t-", "zeek"),
        Shape(_ZEEK + "-\t-\t-\tshop.example\tF@C", r"\tunknown-", "zeek", "77\t-"),
        Shape(_ZEEK + "-\t-\t-\tshop.example\tF@C", r"\t.*F\t$", "zeek", "-"),
    ),
    "suricata": (
        Shape(_SURICATA + ',"anomaly":{"type":"applayer",@,"layer":"proto_parser"}}', '"event"', "suricata"),
        Shape("11/21/2026-01:05:51.000000  [**] [1:2230000:1] @ [**] [Classification: Generic Protocol Command Decode] [Priority: 3] {TCP} 192.0.2.9:51000 -> 192.0.2.40:443", "", "suricata"),
    ),
    "gcp_lb": (Shape(_GOOGLE, '"proxyStatus"', "gcp_lb", r':"error=\"tls_certificate_error\"; details=\"'),),
    "azure_appgw": (
        Shape(_AZURE.replace("@", '@:unable to verify the first certificate"'), '"[sS]slClientVerify', "azure_appgw"),
        Shape(_AZURE.replace("ApplicationGatewayAccessLog", "FrontDoorAccessLog"), '"[eE]rror', "azure_appgw"),
    ),
    "app_wrappers": (
        Shape("@", r"curl: \("),
        Shape(_LOGGED[:-1] + "ClientConnectorError: Cannot connect to host api.shop.example:443 @", r"ssl:"),
        Shape(_LOGGED[:-1] + "Cannot connect to host api.shop.example:443 ssl:default @", r"\[\[?(Errno|Connection)"),
        Shape('Traceback (most recent call last):\n  File "ssl.py", line 1383, in do_handshake\n    self._sslobj.do_handshake()\n@ Connection reset by peer', "ConnectionResetError"),
        Shape('2026/11/21 01:05:51 fetch: Get "https://api.shop.example/v1@', r'": '),
        Shape('2026/11/21 01:05:51 fetch: Post "https://api.shop.example/v1": write tcp 192.0.2.9:1->192.0.2.40:443@', ": write"),
        Shape(_LOGGED),
    ),
    "openssl": (
        Shape(_LOGGED, r"\[SSL|SSL alert|SSL_accept|SSL_connect"),
        Shape(_QUEUE + "@:SSL routines:f:x:s3_both.c:1:", r"[0-9A-F]{5,8}|\d+$|.*\*\*\*"),
        Shape(_QUEUE + "0A000333:SSL routines:f:@:s3_both.c:1:"),
    ),
    "openssl_verify": (Shape(_LOGGED[:-1] + "SSL certificate problem: @"),),
    "postgresql": (Shape('psql: error: connection to server at "db.example" (192.0.2.40), port 5432 failed: @'),),
    "boringssl": (
        Shape(_QUEUE + "@:SSL routines:OPENSSL_internal:X", r"[0-9A-Fa-f]{8}$|\d+$|.*\*\*\*"),
        Shape(_QUEUE + "10000333:SSL routines:OPENSSL_internal:@"),
    ),
    "go": (Shape('2026/11/21 01:05:51 fetch: Get "https://api.shop.example/v1": @'),),
    "java": (Shape("2026-11-21 01:05:51,002 ERROR [main] c.s.Client - call of https://api.shop.example failed\njavax.net.ssl.SSLException: @\n\tat java.base/sun.security.ssl.Alert.createSSLException(Alert.java:131)"),),
    "python": (Shape("2026-11-21 01:05:51,981 ERROR [orders.sync] sync of https://api.shop.example/v1 failed\nTraceback (most recent call last):\n  File \"/srv/worker.py\", line 8, in <module>\n    run()\n@"),),
    "curl": (Shape("@", r"curl: \("), Shape("curl: (35) @")),
    "schannel": (Shape(_LOGGED[:-1] + "System.Security.Authentication.AuthenticationException: Authentication failed, see inner exception. ---> @"),),
    "tls": (Shape(_LOGGED[:-1] + "TLS handshake: @"),),
}  # fmt: skip
"""By stack; those not named here have `_DEFAULT`, a logger's line of a program that called an https URL."""

_PLAIN = Shape("@")
_DEFAULT = (Shape(_LOGGED[:-1] + "TLS: @"),)


def shape_of(entry: Entry) -> Shape:
    """The first shape of its stack that fits the entry."""
    return next(
        (shape for shape in SHAPES.get(entry.stack, _DEFAULT) if re.match(shape.of, entry.text) is not None), _PLAIN
    )


def line_of(entry: Entry) -> bytes:
    """A line that holds the entry's text as its own system would write it."""
    shape = shape_of(entry)
    return shape.line.replace("@", _written(entry, shape.gap)).replace("\0", "@").encode()


def _written(entry: Entry, gap: str) -> str:
    text = entry.text.replace(GAP, gap).replace(FIELD, "x")
    if entry.kind not in ("code", "packed"):
        return text
    text = text.replace(WILD, "094" if entry.text.startswith("14") else "2AB")
    if text.startswith("-"):
        return f"returned {text}"
    return text
