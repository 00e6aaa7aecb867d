"""The Faust shell: one delivery runtime for all stages, one transaction for all that a batch of decisions wants. No domain rules."""

from streamgate.topology._commit import AtLeastOnce, Batch, Commit, Transactional, Written
from streamgate.topology._disk_rows import DiskRows
from streamgate.topology._failure import where
from streamgate.topology._fence import Fences, transactional_id
from streamgate.topology._links import Links
from streamgate.topology._progress import Progress
from streamgate.topology._role import RoleApp, Watermarker
from streamgate.topology._rounds import BatchRounds
from streamgate.topology._settings import RuntimeSettings, TopicNames
from streamgate.topology._state import Overlay, Rows, RowStore

__all__ = [
    "AtLeastOnce",
    "Batch",
    "BatchRounds",
    "Commit",
    "DiskRows",
    "Fences",
    "Links",
    "Overlay",
    "Progress",
    "RoleApp",
    "RowStore",
    "Rows",
    "RuntimeSettings",
    "TopicNames",
    "Transactional",
    "Watermarker",
    "Written",
    "transactional_id",
    "where",
]
