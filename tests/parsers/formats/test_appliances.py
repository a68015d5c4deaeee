"""F5 BIG-IP, NetScaler and A10, held to their samples."""

from types import ModuleType

import pytest
from joined_samples import check, facts, torture
from trace_samples import Labelled, labelled

from parsers.failure import Failure
from parsers.formats import a10, f5, netscaler
from parsers.reader import Reader
from parsers.record import Settings

ALL = [(form, sample) for form in (f5, netscaler, a10) for sample in labelled(form.NAME)]
SAMPLES = [pytest.param(form, *sample.values, id=sample.id) for form, sample in ALL]


@pytest.mark.parametrize(("form", "sample"), SAMPLES)
@pytest.mark.parametrize("automatic", [False, True])
def test_an_appliances_record_tells_what_its_sample_says(form: ModuleType, sample: Labelled, automatic: bool) -> None:
    """By its name, and by its shape alone."""
    check("auto" if automatic else form.NAME, sample, written_by=form.NAME)


@pytest.mark.parametrize(("form", "sample"), SAMPLES)
def test_a_record_cut_anywhere_or_with_bytes_changed_raises_nothing(form: ModuleType, sample: Labelled) -> None:
    """Hostile bytes are a fact, silence or malformed."""
    torture(form, sample)


def test_two_tmms_whose_halves_mix_are_two_failures() -> None:
    """The reason belongs to the addresses of the same tmm."""
    head = b"Nov 20 23:42:22 bigip1 warning tmm%d[1%d]: "
    lines = [
        head % (1, 1) + b"01260009:4: Connection error: ssl_hs_rxhello:1: no shared ciphers (40)",
        head % (2, 2) + b"01260009:4: Connection error: ssl_hs_rxhello:1: unsupported version (70)",
        head % (2, 2) + b"01260013:4: SSL Handshake failed for TCP 192.0.2.2:1002 -> 203.0.113.10:443",
        head % (1, 1) + b"01260013:4: SSL Handshake failed for TCP 192.0.2.1:1001 -> 203.0.113.10:443",
    ]
    found = {(one.peer, one.reason) for one in facts("f5", b"\n".join(lines)) if isinstance(one, Failure)}
    assert found == {("192.0.2.1:1001", "no_shared_cipher"), ("192.0.2.2:1002", "version_mismatch")}


def test_a_listener_gets_its_host_from_the_settings() -> None:
    """Neither F5 nor NetScaler says which name was asked for."""
    line = b"Nov 20 23:42:22 bigip1 warning tmm1[1]: 01260013:4: SSL Handshake failed for TCP 192.0.2.1:1001 -> 203.0.113.10:443\n"
    settings = Settings(hop="lb", reference=1_795_300_000.0, hosts={"203.0.113.10:443": "shop.example"})
    (found,) = Reader("f5", settings).read(line, final=True).failures
    assert (found.host, found.peer) == ("shop.example", "192.0.2.1:1001")


@pytest.mark.parametrize(
    ("written", "when"),
    [
        (b"11/20/2026:23:42:22 GMT", 1_795_218_142.0),
        (b"20/11/2026:23:42:22 GMT", 1_795_218_142.0),
        (b"2026/11/20:23:42:22 ", 1_795_214_542.0),
    ],
)
def test_a_netscaler_writes_its_date_as_it_is_told_to(written: bytes, when: float) -> None:
    """Month first, day first, year first; without GMT in the stream's own zone."""
    line = written + b" ns1 0-PPE-1 : default SSLLOG SSL_HANDSHAKE_FAILURE 1 0 :  SPCBId 6 - ClientIP 192.0.2.9"
    reading = Reader("netscaler", Settings(zone="Europe/Berlin")).read(line + b"\n", final=True)
    assert [one.time for one in reading.failures] == [when]
