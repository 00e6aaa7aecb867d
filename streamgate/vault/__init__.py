"""Subject keys, tokens, sealing, restoring: the only place where raw text becomes masked text and masked text raw.

What it is not: a store. It keeps no table of values and no key beyond the handles it returns. DESIGN.md here states the
invariants and the byte grammars.
"""

from streamgate.vault._entities import ENTITIES, LITERAL
from streamgate.vault._kms import Kms
from streamgate.vault._masker import Masker, SpanLike, constant_text, join_masked
from streamgate.vault._restore import Restored, restore
from streamgate.vault._seal_aead import Aad, decrypt, encrypt, sealed_key_id
from streamgate.vault._seal_dead_letter import DeadLetterOpener, DeadLetterSealer
from streamgate.vault._seal_kdf import derive_key
from streamgate.vault._seal_reply import ReplyKey, seal_reply
from streamgate.vault._seal_state import StateSealer
from streamgate.vault._secret import SecretKey, reveal_secret_key
from streamgate.vault._subject_key import PurposeKeys, SubjectKey
from streamgate.vault._token import Token
from streamgate.vault._token_map import TokenMap

__all__ = [
    "ENTITIES",
    "LITERAL",
    "Aad",
    "DeadLetterOpener",
    "DeadLetterSealer",
    "Kms",
    "Masker",
    "PurposeKeys",
    "ReplyKey",
    "Restored",
    "SecretKey",
    "SpanLike",
    "StateSealer",
    "SubjectKey",
    "Token",
    "TokenMap",
    "constant_text",
    "decrypt",
    "derive_key",
    "encrypt",
    "join_masked",
    "restore",
    "reveal_secret_key",
    "seal_reply",
    "sealed_key_id",
]
