"""Ports of the use cases: what they need of the world and may not do themselves."""
