"""Every byte format that vault writes, against recorded vectors and against a second implementation made from the RFCs.

A vector that changes means that what was written before can no longer be read: raise the version instead and keep the old reader.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from streamgate.adapters.key_file import KeyFile
from streamgate.vault import DeadLetterSealer, ReplyKey, StateSealer, SubjectKey, TokenMap, restore, seal_reply
from tests.fakes.effects import SeededEntropy
from tests.fakes.vault import Marked, aad_of, keys_of
from tests.golden import gcm_siv, hpke

VECTORS = json.loads(Path(__file__).with_name("vault_vectors.json").read_text(encoding="utf-8"))
TEXT = "Maria schrieb MARIA an maria@example.org, siehe [PERSON_abcdefg2]."
SPANS = [Marked(0, 5), Marked(14, 19), Marked(23, 40, "EMAIL")]


def key_file(directory: Path) -> KeyFile:
    """A key file that is the same in every run."""
    return KeyFile.create(directory / "keys.json", SeededEntropy("golden"))


def written(directory: Path) -> dict[str, str]:
    """Each format as it is written today, from fixed entropy."""
    kms = key_file(directory)
    masker = keys_of().masker()
    _, wrapped = SubjectKey.mint(SeededEntropy("mint"), kms, b"digest", 1)
    sealer = StateSealer(kms)
    return {
        "masked": masker.mask_spans(TEXT, SPANS).text,
        "token_map": masker.token_map.to_bytes().hex(),
        "sealed": keys_of().seal(b"a sealed value", aad_of()).hex(),
        "pseudonym": keys_of().pseudonym("context.account_id", "4711"),
        "safety_identifier": keys_of().safety_identifier(),
        "content_digest": keys_of().content_digest(b"content").hex(),
        "key_file": (directory / "keys.json").read_text(encoding="utf-8"),
        "wrapped_key": wrapped.hex(),
        "derived": kms.derive(b"label").hex(),
        "state_digest": sealer.digest(b"subject", b"acme", b"customer").hex(),
        "state_row": sealer.seal_row(b"row", b"a row's value").hex(),
        "dead_letter_key": kms.dead_letter_sealer().to_text(),
    }


@pytest.mark.parametrize("name", sorted(set(VECTORS) - {"dead_letter", "reply"}))
def test_what_is_written_today_is_what_was_recorded(name: str, tmp_path: Path) -> None:
    """Byte for byte."""
    assert written(tmp_path)[name] == VECTORS[name]


def test_what_was_recorded_can_be_read(tmp_path: Path) -> None:
    """Old bytes stay readable, whatever is written today."""
    kms = key_file(tmp_path)
    token_map = TokenMap.from_bytes(bytes.fromhex(VECTORS["token_map"]))
    assert restore(VECTORS["masked"], token_map).text == TEXT
    assert keys_of().open(bytes.fromhex(VECTORS["sealed"]), aad_of()) == b"a sealed value"
    minted, _ = SubjectKey.mint(SeededEntropy("mint"), kms, b"digest", 1)
    opened = SubjectKey.open(kms, bytes.fromhex(VECTORS["wrapped_key"]), minted.key_id, b"digest", 1)
    assert opened.for_purpose("support").safety_identifier() == minted.for_purpose("support").safety_identifier()
    assert StateSealer(kms).open_row(b"row", bytes.fromhex(VECTORS["state_row"])) == b"a row's value"
    assert kms.dead_letter_opener().open(bytes.fromhex(VECTORS["dead_letter"]), b"aad") == b"a dead letter"


def fields(*parts: bytes) -> bytes:
    """Each part after its length, by hand."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def derived(parent: bytes, *label: bytes) -> bytes:
    """HKDF-SHA256 by hand."""
    return hpke.hkdf_expand(hpke.hkdf_extract(b"", parent), fields(b"streamgate/v1", *label), 32)


def subject_dek() -> bytes:
    """The bytes that ``keys_of()`` drew: eight of key id, then the key."""
    return SeededEntropy("subject").token_bytes(40)[8:]


def code(key: bytes, entity: str, value: str, length: int) -> str:
    """Base32 of an HMAC, by hand."""
    digest = hmac.digest(key, entity.encode() + b"\0" + value.encode(), "sha256")
    return base64.b32encode(digest).decode().lower()[:length]


def test_tokens_agree_with_hmac_by_hand() -> None:
    """Type, 0x00 and the normalised value under the token key; the exact form under the variant key."""
    token_key = derived(subject_dek(), b"token", b"support")
    variant_key = derived(subject_dek(), b"variant", b"support")
    person = f"PERSON_{code(token_key, 'PERSON', 'maria', 8)}"
    variant = code(variant_key, "PERSON", "MARIA", 4)
    email = f"EMAIL_{code(token_key, 'EMAIL', 'maria@example.org', 8)}"
    literal = f"LITERAL_{code(token_key, 'LITERAL', '[PERSON_abcdefg2]', 8)}"
    assert VECTORS["masked"] == f"[{person}] schrieb [{person}_{variant}] an [{email}], siehe [{literal}]."


def test_the_token_map_agrees_with_its_grammar() -> None:
    """Version, then type, code, variant, length and value of each entry, in the order of the tokens."""
    masked = VECTORS["masked"]
    codes = {name: masked.split(f"[{name}_")[1][:8] for name in ("EMAIL", "LITERAL", "PERSON")}
    raw = {name: base64.b32decode(text.upper()) for name, text in codes.items()}
    variant = masked.split(f"{codes['PERSON']}_")[1][:4].encode()
    by_hand = [
        b"\x01",
        b"\x02" + raw["EMAIL"] + bytes([17]) + b"maria@example.org",
        b"\x00" + raw["LITERAL"] + bytes([17]) + b"[PERSON_abcdefg2]",
        b"\x01" + raw["PERSON"] + bytes([5]) + b"Maria",
        b"\x81" + raw["PERSON"] + variant + bytes([5]) + b"MARIA",
    ]
    assert bytes.fromhex(VECTORS["token_map"]) == b"".join(by_hand)


def test_the_sealed_value_agrees_with_rfc_8452_by_hand() -> None:
    """Version, key id, nonce, ciphertext and tag."""
    blob = bytes.fromhex(VECTORS["sealed"])
    header, nonce = blob[:9], blob[9:21]
    aad = fields(b"aad", b"\x01", b"support", b"acme", b"digest", (1).to_bytes(8, "big"), b"request", b"row")
    body = gcm_siv.encrypt(derived(subject_dek(), b"seal", b"support"), nonce, b"a sealed value", fields(header, aad))
    assert header == b"\x01" + SeededEntropy("subject").token_bytes(8)
    assert blob == header + nonce + body


def test_the_wrapped_key_agrees_with_rfc_8452_by_hand() -> None:
    """Version, epoch, nonce, ciphertext and tag under a key derived from the file's KEK."""
    blob = bytes.fromhex(VECTORS["wrapped_key"])
    header, nonce = blob[:5], blob[5:17]
    kek = base64.b64decode(json.loads(VECTORS["key_file"])["keks"]["1"])
    drawn = SeededEntropy("mint").token_bytes(40)
    aad = header + fields(b"subject key", drawn[:8], b"digest", (1).to_bytes(8, "big"))
    assert header == b"\x01\x00\x00\x00\x01"
    assert blob == header + nonce + gcm_siv.encrypt(derived(kek, b"kek", b"wrap"), nonce, drawn[8:], aad)


def test_state_digests_and_rows_agree_by_hand() -> None:
    """Keys from the file's root; 16 bytes of HMAC; a row sealed under its own key."""
    root = base64.b64decode(json.loads(VECTORS["key_file"])["root"])
    digest_key = derived(root, b"root", b"streamgate/v1/state/digest")
    row_key = derived(root, b"root", b"streamgate/v1/state/row")
    digest = hmac.digest(digest_key, fields(b"subject", b"acme", b"customer"), "sha256")[:16]
    blob = bytes.fromhex(VECTORS["state_row"])
    assert bytes.fromhex(VECTORS["state_digest"]) == digest
    assert blob == b"\x01" + blob[1:13] + gcm_siv.encrypt(row_key, blob[1:13], b"a row's value", fields(b"row", b"\x01", b"row"))


def test_pseudonyms_and_identifiers_agree_with_hmac_by_hand() -> None:
    """Under the purpose's identifier key."""
    key = derived(subject_dek(), b"identifier", b"support")

    def text(message: bytes) -> str:
        return base64.b32encode(hmac.digest(key, message, "sha256")).decode().lower()

    assert VECTORS["pseudonym"] == "account_id-" + text(fields(b"pseudonym", b"context.account_id", b"4711"))[:13]
    assert VECTORS["safety_identifier"] == "sg-" + text(fields(b"safety identifier"))[:52]
    content_key = derived(subject_dek(), b"content", b"support")
    assert VECTORS["content_digest"] == hmac.digest(content_key, b"content", "sha256").hex()


def dead_letter_by_hand(plain: bytes, aad: bytes) -> bytes:
    """Version, epoch and what RFC 9180 makes with an ephemeral key of all sevens."""
    _, epoch, public = VECTORS["dead_letter_key"].split(":")
    header = b"\x01" + int(epoch).to_bytes(4, "big")
    info = fields(b"streamgate/v1/dead-letter", header, aad)
    return header + hpke.seal(base64.b64decode(public), b"\x07" * 32, info, plain)


def test_the_dead_letter_agrees_with_rfc_9180_by_hand(tmp_path: Path) -> None:
    """What was made by hand is the recorded vector, and vault opens it; what vault seals has the same shape."""
    by_hand = dead_letter_by_hand(b"a dead letter", b"aad")
    assert by_hand.hex() == VECTORS["dead_letter"]
    opener: Callable[[bytes, bytes], bytes] = key_file(tmp_path).dead_letter_opener().open
    assert opener(by_hand, b"aad") == b"a dead letter"
    sealed = DeadLetterSealer.from_text(VECTORS["dead_letter_key"]).seal(b"a dead letter", b"aad")
    assert (len(sealed), sealed[:5]) == (len(by_hand), by_hand[:5])


def test_the_reply_agrees_with_rfc_9180_by_hand() -> None:
    """Version and what RFC 9180 makes with an ephemeral key of all sevens; whoever asked opens it, and what vault seals has the same shape."""
    key = ReplyKey(SeededEntropy("asks"))
    by_hand = b"\x01" + hpke.seal(key.public_key, b"\x07" * 32, fields(b"streamgate/v1/reply", b"\x01", b"aad"), b"an original")
    assert by_hand.hex() == VECTORS["reply"]
    assert key.open(by_hand, b"aad") == b"an original"
    sealed = seal_reply(key.public_key, b"an original", b"aad")
    assert (len(sealed), sealed[:1]) == (len(by_hand), by_hand[:1])
