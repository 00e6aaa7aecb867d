"""The audit log: the closed set of audit facts, the chain of entries per partition, its checkpoints and its verifier.

What it is not: a publisher (``pipeline.notarise``), a store (Kafka) or a key file (``streamgate.adapters.signing_key``). It answers the
demand of GDPR Art. 5(2) to show what was done, without itself holding personal data. The grammar is in DESIGN.md beside this file.
"""

from streamgate.audit._chain import Chain
from streamgate.audit._checkpoint import read_checkpoint, write_checkpoint
from streamgate.audit._entry import GENESIS, ChainHead, Signer, VerifySignature, entry_hash
from streamgate.audit._event import AuditEvent, AuditFact, known_name, operator_and_reason_fit
from streamgate.audit._verifier import Break, BreakKind, Report, Verifier

__all__ = [
    "GENESIS",
    "AuditEvent",
    "AuditFact",
    "Break",
    "BreakKind",
    "Chain",
    "ChainHead",
    "Report",
    "Signer",
    "Verifier",
    "VerifySignature",
    "entry_hash",
    "known_name",
    "operator_and_reason_fit",
    "read_checkpoint",
    "write_checkpoint",
]
