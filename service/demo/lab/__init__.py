"""Real servers and clients on loopback, broken on purpose: for the demo, for its recording, and for tests.

Everything runs as the current user on free ports, with its own configuration in a folder of the caller's, and ends
with its context.
"""

from service.demo.lab import clients
from service.demo.lab.certificates import Authority, Leaf
from service.demo.lab.haproxy import HAProxy
from service.demo.lab.nginx import Nginx
from service.demo.lab.process import Program, find_program, free_port
from service.demo.lab.shop import Shop

__all__ = ["Authority", "HAProxy", "Leaf", "Nginx", "Program", "Shop", "clients", "find_program", "free_port"]
