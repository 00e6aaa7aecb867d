"""The Faust shell: one delivery runtime for all stages, one transaction for all that a batch of decisions wants. No domain rules."""

from streamgate.topology._commit import AtLeastOnce, Batch, Commit, Transactional
from streamgate.topology._links import Links
from streamgate.topology._role import RoleApp, Watermarker
from streamgate.topology._settings import RuntimeSettings, TopicNames
from streamgate.topology._state import Overlay, Rows

__all__ = [
    "AtLeastOnce",
    "Batch",
    "Commit",
    "Links",
    "Overlay",
    "RoleApp",
    "Rows",
    "RuntimeSettings",
    "TopicNames",
    "Transactional",
    "Watermarker",
]
