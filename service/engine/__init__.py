"""The one thread that reads, counts, detects and commits; everything else looks at what it committed."""

from service.engine.engine import Engine

__all__ = ["Engine"]
