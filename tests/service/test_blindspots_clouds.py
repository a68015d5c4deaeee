"""What the logs of clouds and CDNs can't show is said for each of them."""

from parsers.registry import NAMES
from service.blindspots import blindspots
from service.blindspots_clouds import CLOUDS


def test_every_cloud_format_says_what_it_cannot_show() -> None:
    """Each with a source; a way out is one line, to be copied."""
    assert set(CLOUDS) <= set(NAMES)
    for name in CLOUDS:
        assert blindspots(name)
        for spot in blindspots(name):
            assert spot.missing
            assert "documentation, " in spot.source or "Microsoft Learn, " in spot.source
            assert "\n" not in spot.way_out


def test_a_load_balancer_log_without_failures_says_so_first() -> None:
    """Silence of an access log is no health."""
    assert blindspots("aws_alb")[0].missing.startswith("handshakes that fail with clients")
    assert "aws_alb_connection" in blindspots("aws_alb")[0].missing
    assert blindspots("aws_clb")[0].missing.startswith("any failed handshake")
