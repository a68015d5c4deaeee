"""Caddy, held to its samples; an upstream's address and its error are one failure."""

import pytest
from joined_samples import check, facts, torture
from trace_samples import Labelled, labelled

from parsers.formats import caddy

ALL = labelled("caddy")


@pytest.mark.parametrize("sample", ALL)
def test_a_record_tells_what_its_sample_says(sample: Labelled) -> None:
    """Fields as stated above the record; null is silence."""
    check("caddy", sample)


@pytest.mark.parametrize("sample", ALL)
def test_auto_knows_the_shape(sample: Labelled) -> None:
    """Loggers named ``http.`` and ``tls.`` at their place."""
    check("auto", sample, written_by="caddy")


@pytest.mark.parametrize("sample", ALL)
def test_hostile_bytes_raise_nothing_else(sample: Labelled) -> None:
    """A fact, silence, or malformed."""
    torture(caddy, sample)


def test_a_failed_roundtrip_that_another_upstream_made_good_still_counts() -> None:
    """No error follows, for the request was answered; the handshake failed all the same."""
    lines = [
        b'{"level":"debug","ts":1795224710.%d,"logger":"http.handlers.reverse_proxy","msg":"upstream roundtrip",'
        b'"upstream":"192.0.2.4%d:8443","duration":0.1,"request":{"remote_ip":"192.0.2.9","remote_port":"57156",'
        b'"proto":"HTTP/2.0","method":"GET","host":"shop.example","uri":"/","headers":{}},'
        b'"error":"remote error: tls: internal error"}' % (n, n)
        for n in (1, 2)
    ]
    found = facts("caddy", b"\n".join(lines))
    assert sorted(getattr(one, "peer", "") for one in found) == ["192.0.2.41:8443", "192.0.2.42:8443"]
