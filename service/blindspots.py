"""What a format can't show at its program's default settings, and how to turn it on.

Facts from the programs' source and manuals; each entry names its own. ``check`` prints them, so that nobody
takes the silence of a log for health.
"""

from typing import Final, NamedTuple

from service.blindspots_clouds import CLOUDS


class Blindspot(NamedTuple):
    missing: str
    """What does not show, as the end of "can't show ..."."""
    way_out: str
    """The setting that shows it, copyable; empty if there is none."""
    source: str


_NGINX: Final = (
    Blindspot(
        "handshakes that fail with clients, which nginx logs at level info",
        "error_log /var/log/nginx/error.log info;",
        "nginx src/event/ngx_event_openssl.c, ngx_ssl_connection_error; src/core/ngx_log.c: default level error",
    ),
    Blindspot(
        "the server name a client asked for: error lines hold the listener's address",
        'hosts: {"0.0.0.0:443": shop.example} in streams.yaml, where a listener serves one name',
        "nginx src/http/ngx_http_request.c, ngx_http_log_error",
    ),
)

BLINDSPOTS: Final[dict[str, tuple[Blindspot, ...]]] = {
    "nginx": _NGINX,
    "ingress_nginx": (
        Blindspot(
            "handshakes that fail with clients, which the controller's nginx logs at level info (its default: notice)",
            'error-log-level: "info" in the controller\'s ConfigMap',
            "kubernetes/ingress-nginx internal/ingress/controller/config/config.go",
        ),
        Blindspot(
            "unknown server names: they are answered with the fake certificate, and clients then reject that",
            "",
            "kubernetes/ingress-nginx rootfs/etc/nginx/lua/certificate.lua",
        ),
    ),
    "counters": (
        Blindspot(
            "which clients failed, which names they asked for (unless a label says so), and often why: the server's own"
            " log shows that, as a stream beside it",
            "",
            "counters hold numbers only; parsers/counters/known.tsv lists them",
        ),
    ),
    "haproxy": (
        Blindspot(
            "why a client's handshake failed, before HAProxy 2.8 (many are not logged at all up to 2.4)",
            'error-log-format "... %[fc_err_str] %[ssl_fc_err,hex] %[ssl_fc_sni]" (2.5 and later)',
            "HAProxy doc/configuration.txt 8.2.5 and error-log-format",
        ),
        Blindspot(
            "handshakes that fail with servers, beyond a 503 with SC in its termination state",
            "%[bc_err] %[ssl_bc_err,hex] in log-format",
            "HAProxy doc/configuration.txt, bc_err and ssl_bc_err",
        ),
        Blindspot(
            "connections that closed before they sent anything, if option dontlognull is on",
            "no option dontlognull",
            "HAProxy doc/configuration.txt, option dontlognull",
        ),
    ),
    "envoy": (
        Blindspot(
            "handshakes that fail with clients: no default access log names them",
            "a listener access_log with %DOWNSTREAM_TRANSPORT_FAILURE_REASON% and %REQUESTED_SERVER_NAME%",
            "Envoy documentation, Access logging, command operators",
        ),
        Blindspot(
            "why handshakes with servers fail, in Envoy's own default format (Istio's names it)",
            "%UPSTREAM_TRANSPORT_FAILURE_REASON% in the access log format",
            "Envoy documentation, Access logging, default format string",
        ),
        Blindspot(
            "handshake errors in the application log, which are debug there",
            "curl -X POST 'localhost:9901/logging?connection=debug'",
            "envoyproxy/envoy source/common/tls/ssl_socket.cc",
        ),
    ),
    "apache": (
        Blindspot(
            "nearly all failed handshakes, which mod_ssl logs at level info (the default is warn)",
            "LogLevel warn ssl:info",
            "apache/httpd modules/ssl/ssl_engine_io.c; docs/manual LogLevel",
        ),
    ),
    "gonet": (
        Blindspot(
            'the server name a client asked for: "http: TLS handshake error" holds the client\'s address alone',
            "hosts: in streams.yaml cannot help; read the hop before it",
            "Go src/net/http/server.go, conn.serve",
        ),
    ),
    "traefik": (
        Blindspot(
            "handshakes that fail with clients, which Traefik logs at level debug (its default: error)",
            "log: {level: DEBUG} in the static configuration",
            "traefik/traefik pkg/server/server_entrypoint_tcp.go, ErrorLog; cmd/traefik/logger.go",
        ),
        Blindspot(
            "the server name a client asked for, but where sniStrict refuses it",
            "tls.options.default.sniStrict: true in the dynamic configuration",
            "traefik/traefik pkg/tls/tlsmanager.go",
        ),
        Blindspot(
            "which server of a service refused: the error alone is logged",
            "a health check over https, whose lines hold targetURL",
            "traefik/traefik pkg/proxy/httputil/proxy.go, pkg/healthcheck/healthcheck.go",
        ),
    ),
    "caddy": (
        Blindspot(
            "handshakes that fail with clients, which Caddy logs at level debug (its default: info)",
            "debug in the Caddyfile's global options",
            "caddyserver/caddy modules/caddyhttp/app.go, http.stdlib",
        ),
        Blindspot(
            "the server name a client asked for, but where no certificate is there for it",
            "",
            "caddyserver/certmagic handshake.go",
        ),
        Blindspot(
            "which upstream refused: its address stands on a debug line",
            "debug in the Caddyfile's global options",
            "caddyserver/caddy modules/caddyhttp/reverseproxy/reverseproxy.go, upstream roundtrip",
        ),
    ),
    "linkerd": (
        Blindspot(
            "handshakes that fail with clients of a meshed workload, which the proxy logs at level debug",
            'config.linkerd.io/proxy-log-level: "warn,linkerd=info,linkerd_app_core::serve=debug" on the pod',
            "linkerd/linkerd2-proxy linkerd/app/core/src/serve.rs",
        ),
        Blindspot(
            "the time of a line, which counts from the proxy's start: only the container's envelope tells it",
            "config.linkerd.io/proxy-log-format: json on the pod",
            "linkerd/linkerd2-proxy linkerd/tracing/src/uptime.rs",
        ),
    ),
    "zeek": (
        Blindspot(
            "why a handshake failed, unless an alert was sent in the clear: TLS 1.3 encrypts most",
            "",
            "zeek/zeek scripts/base/protocols/ssl/main.zeek; RFC 8446 section 6",
        ),
        Blindspot(
            "columns in another order than the default: a line does not hold its #fields",
            "@load policy/tuning/json-logs.zeek",
            "zeek/zeek scripts/base/protocols/ssl/main.zeek",
        ),
    ),
    "suricata": (
        Blindspot(
            "handshakes that fail without a malformed message: only the decoder's events are alerts",
            "",
            "OISF/suricata rules/tls-events.rules",
        ),
    ),
    "stunnel": (
        Blindspot(
            "handshakes that ran out of time, which stunnel logs at level 6 (its default: 5)",
            "debug = info",
            "stunnel src/client.c, ssl_start; src/options.c",
        ),
        Blindspot(
            "the server name that was asked for: shown at level 6 only",
            "debug = info",
            "stunnel src/ctx.c, servername_cb; src/client.c, ssl_start",
        ),
    ),
    "f5": (
        Blindspot(
            "failures past the throttle: 01260013 and its reasons are rate-limited",
            "tmsh modify sys db tmm.maxlogpermsg value MESSAGES_A_SECOND",
            "F5 K10524: the BIG-IP system may throttle log messages",
        ),
        Blindspot(
            "which profile failed, and the server name that was asked for",
            "log local0. [SSL::extensions] in an iRule on CLIENTSSL_CLIENTHELLO",
            "F5 K15292: troubleshooting SSL/TLS handshake failures",
        ),
    ),
    "a10": (
        Blindspot(
            "most failed handshakes, which ACOS only counts",
            "show slb ssl-counters",
            "A10 Thunder ACOS command line reference, show slb ssl-counters",
        ),
    ),
    "netscaler": (
        Blindspot(
            "failed handshakes of virtual servers without an SSL log profile, below audit level informational",
            "add ssl logprofile handshakes -sslLogHSfailures ENABLED; bind it with set ssl profile ... -ssllogProfile",
            "docs.netscaler.com, Selective SSL logging",
        ),
        Blindspot(
            "the server name a client asked for",
            'hosts: {"VIP:443": shop.example} in streams.yaml, where a virtual server serves one name',
            "NetScaler syslog message reference, SSLLOG",
        ),
    ),
    "app": (
        Blindspot(
            "why handshakes with a Kafka broker fail, which it logs at DEBUG only",
            "log4j.logger.org.apache.kafka.common.network.SslTransportLayer=DEBUG",
            "apache/kafka clients org.apache.kafka.common.network.Selector",
        ),
        Blindspot(
            "failed handshakes of MySQL and MariaDB servers: only their clients tell them",
            "",
            "mysql/mysql-server vio/viossl.cc, sql/auth/sql_authentication.cc",
        ),
        Blindspot(
            "a PostgreSQL client's address, which the default log_line_prefix leaves out",
            "log_line_prefix = '%m [%p] %r '",
            "postgres src/backend/utils/error/elog.c, log_line_prefix",
        ),
        Blindspot(
            "failures that the program swallows or retries without a log line",
            "log the exception with its causes (stack trace) where the call is made",
            "the program's own choice",
        ),
    ),
}
BLINDSPOTS.update({name: tuple(Blindspot(*spot) for spot in spots) for name, spots in CLOUDS.items()})
BLINDSPOTS["auto"] = ()


def blindspots(format_name: str) -> tuple[Blindspot, ...]:
    """Those of one format; none for ``auto``, which only knows once it has read."""
    return BLINDSPOTS.get(format_name, ())
