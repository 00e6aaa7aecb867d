"""``streamgate bench``."""


def bench() -> None:
    """x"""
