"""Programs that other formats read: gateways on nginx and Envoy, proxies and daemons under ``app`` and ``gonet``."""

import pytest
from joined_samples import check, torture
from trace_samples import Labelled, labelled

from parsers.formats import app, envoy, gonet, nginx

APP, GONET = labelled("app_proxies"), labelled("gonet_etcd", "gonet_kubernetes")
NGINX, ENVOY = labelled("nginx_gateways"), labelled("envoy_contour")


@pytest.mark.parametrize("sample", APP)
@pytest.mark.parametrize("format_name", ["app", "auto"])
def test_hitch_squid_ztunnel_and_cloudflared_are_read_as_app(format_name: str, sample: Labelled) -> None:
    """Nobody else claims their lines."""
    check(format_name, sample, written_by="app")


@pytest.mark.parametrize("sample", GONET)
def test_etcd_and_kubernetes_are_read_as_gonet(sample: Labelled) -> None:
    """Their listeners' words, structured and plain; what they call is upstream."""
    check("gonet", sample, "ingress")


@pytest.mark.parametrize("sample", NGINX)
@pytest.mark.parametrize("format_name", ["nginx", "auto"])
def test_apisix_and_kong_are_read_as_nginx(format_name: str, sample: Labelled) -> None:
    """Their Lua code writes into nginx's error log."""
    check(format_name, sample, written_by="nginx")


@pytest.mark.parametrize("sample", ENVOY)
@pytest.mark.parametrize("format_name", ["envoy", "auto"])
def test_contour_is_read_as_envoy(format_name: str, sample: Labelled) -> None:
    """By the names of its fields."""
    check(format_name, sample, written_by="envoy")


@pytest.mark.parametrize(
    ("form", "sample"),
    [(form, sample.values[0]) for form, samples in
     ((app, APP), (gonet, GONET), (nginx, NGINX), (envoy, ENVOY)) for sample in samples],
)  # fmt: skip
def test_hostile_bytes_raise_nothing_else(form: object, sample: Labelled) -> None:
    """A fact, silence, or malformed."""
    torture(form, sample)  # type: ignore[arg-type]
