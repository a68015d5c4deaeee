"""Real servers for tests: the demo's laboratory, under the name tests know it by."""

from service.demo.lab import Authority, HAProxy, Leaf, Nginx, Program, Shop, clients, find_program, free_port

__all__ = ["Authority", "HAProxy", "Leaf", "Nginx", "Program", "Shop", "clients", "find_program", "free_port"]
