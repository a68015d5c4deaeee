"""The knobs of the detector, as ``streams.yaml`` names them."""

import msgspec

WEEK_SECONDS = 7 * 86_400.0


class DetectorOptions(msgspec.Struct, frozen=True):
    window: float = 60.0
    """Seconds of the stream's own time that must be back to normal before a spike ends."""
    false_alarms_per_week: float = 1.0
    """Budget for the whole installation, split evenly over ``assumed_keys``."""
    least_failures: int = 5
    """A rise made of fewer failures is nobody's spike."""
    assumed_keys: int = 100
    most_keys: int = 20_000
    """Keys kept per stream; past it, unseen hosts are watched together with all others of their reason."""
