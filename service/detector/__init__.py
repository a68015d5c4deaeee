"""Finds the moment at which failures of one key rise above their own normal. Pure: no I/O, no clock."""

from service.detector.detector import Detector
from service.detector.options import DetectorOptions
from service.detector.spike import Spike

__all__ = ["Detector", "DetectorOptions", "Spike"]
