"""Joins spikes of all streams into incidents and says which was first. Pure: no I/O, no clock."""

from service.correlator.correlator import Correlator, Incident
from service.correlator.topology import StreamInfo, Topology

__all__ = ["Correlator", "Incident", "StreamInfo", "Topology"]
