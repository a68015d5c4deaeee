"""As `blindspots`, for the logs of clouds and CDNs: (what can't show, the way out, the source)."""

from typing import Final

CLOUDS: Final[dict[str, tuple[tuple[str, str, str], ...]]] = {
    "aws_alb": (
        (
            "handshakes that fail with clients: they make no request, so no record"
            " (connection logs do show them: format aws_alb_connection)",
            "aws elbv2 modify-load-balancer-attributes --load-balancer-arn ARN --attributes"
            " Key=connection_logs.s3.enabled,Value=true Key=connection_logs.s3.bucket,Value=BUCKET",
            "AWS documentation, Access logs for your Application Load Balancer; Enable connection logs",
        ),
        (
            "handshakes that fail with targets, beyond a 502 without a target status",
            "",
            "AWS documentation, Troubleshoot your Application Load Balancers, HTTP 502"
            "; CloudWatch metric TargetTLSNegotiationErrorCount",
        ),
    ),
    "aws_alb_connection": (
        (
            "why a handshake failed, other than for its client certificate: all else is UnmappedConnectionError",
            "",
            "AWS documentation, Connection logs for your Application Load Balancer, error reason codes",
        ),
        (
            "the server name a client asked for",
            'hosts: {"443": shop.example} in streams.yaml, where a listener serves one name',
            "AWS documentation, Connection logs for your Application Load Balancer, field table",
        ),
        (
            "handshakes that fail with targets",
            "",
            "AWS documentation, CloudWatch metrics for your Application Load Balancer, TargetTLSNegotiationErrorCount",
        ),
    ),
    "aws_nlb": (
        (
            "handshakes that are passed through to targets: only TLS listeners have access logs, and only once enabled",
            "aws elbv2 modify-load-balancer-attributes --load-balancer-arn ARN --attributes"
            " Key=access_logs.s3.enabled,Value=true Key=access_logs.s3.bucket,Value=BUCKET",
            "AWS documentation, Access logs for your Network Load Balancer",
        ),
        (
            "why the load balancer itself refused a client: it logs the alerts it received, not those it sent",
            "",
            "AWS documentation, Access logs for your Network Load Balancer, incoming_tls_alert",
        ),
        (
            "handshakes that fail with targets",
            "",
            "AWS documentation, CloudWatch metrics for your Network Load Balancer, TargetTLSNegotiationErrorCount",
        ),
    ),
    "aws_clb": (
        (
            "any failed handshake, with clients or with backends: this log holds requests alone",
            "",
            "AWS documentation, Access logs for your Classic Load Balancer; metric BackendConnectionErrors",
        ),
    ),
    "cloudfront": (
        (
            "handshakes that fail with viewers: there are fewer records, none of them an error"
            " (distributions with mutual TLS can have connection logs)",
            "aws logs put-delivery-source --name NAME --resource-arn ARN --log-type CONNECTION_LOGS",
            "AWS documentation, Standard logging reference; Observability using connection logs",
        ),
        (
            "whether an OriginConnectError was TCP or TLS, and why",
            "",
            "AWS documentation, Standard logging reference, x-edge-detailed-result-type",
        ),
        (
            "the last minutes: records come up to an hour late, some a day; and what real-time logs do not sample",
            "",
            "AWS documentation, Standard logging reference, Timing of log file delivery; Real-time access logs",
        ),
    ),
    "cloudflare": (
        (
            "handshakes that fail with clients: they never become requests (Spectrum's events do show them)",
            "",
            "Cloudflare documentation, Logpush datasets http_requests and spectrum_events",
        ),
        (
            "why an origin's handshake failed (525), or what is wrong with its certificate (526)",
            "",
            "Cloudflare documentation, Cloudflare 5xx errors",
        ),
        (
            "the status 525 and 526, clients and origins, if the job leaves these fields out",
            '"field_names": ["EdgeResponseStatus", "EdgeStartTimestamp", "ClientRequestHost", "ClientIP",'
            ' "ClientMTLSAuthStatus", "OriginIP", "OriginResponseStatus"] in the job\'s output_options',
            "Cloudflare documentation, Logpush, job configuration, output_options",
        ),
    ),
    "gcp_lb": (
        (
            "anything at all of backend services without logging, and all but the sampled share of the others",
            "gcloud compute backend-services update NAME --global --enable-logging --logging-sample-rate=1.0",
            "Google Cloud documentation, Global external Application Load Balancer logging and monitoring",
        ),
        (
            "handshakes that fail with clients for any other reason than their certificates",
            "",
            "Google Cloud documentation, Global external Application Load Balancer logging, statusDetails",
        ),
        (
            "whether failed_to_connect_to_backend was TCP or TLS",
            "",
            "Google Cloud documentation, Global external Application Load Balancer logging, statusDetails",
        ),
    ),
    "azure_appgw": (
        (
            "handshakes that fail with clients, but for client certificates and plain HTTP",
            "",
            "Microsoft Learn, Monitoring data reference for Azure Application Gateway; Monitor Azure Front Door",
        ),
        (
            "an Application Gateway's handshakes that fail with backends: Backend health alone names them",
            "az network application-gateway show-backend-health --resource-group GROUP --name GATEWAY",
            "Microsoft Learn, Troubleshoot backend health issues in Application Gateway",
        ),
        (
            "anything at all without a diagnostic setting for the access log, which is off by default",
            "az monitor diagnostic-settings create --resource ID --name access --workspace WORKSPACE"
            ' --logs \'[{"categoryGroup": "allLogs", "enabled": true}]\'',
            "Microsoft Learn, Diagnostic logs for Application Gateway; Monitor Azure Front Door",
        ),
    ),
}
