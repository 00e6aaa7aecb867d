"""Handles for key bytes. A handle can be used and never shows what it holds; reading it is one function that one can grep for.

What it is not: protection of memory. Python cannot wipe bytes, and whoever can read the process can read its keys.
"""

from __future__ import annotations

from typing import Final, NoReturn, SupportsIndex, final

KEY_BYTES: Final = 32


class Handle:
    """Base of everything that may not be pickled, copied into another process, or stand in a cache on disk."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        """Refuse."""
        raise TypeError(f"{type(self).__name__} cannot be pickled")

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        """Refuse, whatever the protocol."""
        self.__reduce__()


@final
class SecretKey(Handle):
    """32 key bytes."""

    __slots__ = ("__material",)

    def __init__(self, material: bytes) -> None:
        """Fail when built, not when first used."""
        if len(material) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes")
        self.__material = material

    def __repr__(self) -> str:
        """Show nothing."""
        return "SecretKey(…)"

    @staticmethod
    def _read(key: SecretKey) -> bytes:
        return key.__material


def reveal_secret_key(key: SecretKey) -> bytes:
    """The bytes of a key. Every place that calls this is a place to review."""
    return SecretKey._read(key)  # noqa: SLF001  the one reader
