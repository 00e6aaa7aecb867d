"""AES-256-GCM-SIV by hand, from RFC 8452 §3 and §4: a second implementation for the golden vectors. Only AES itself is borrowed."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

POLYNOMIAL = (1 << 128) | (1 << 127) | (1 << 126) | (1 << 121) | 1


def _aes(key: bytes, block: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305  one block is what RFC 8452 asks for
    return encryptor.update(block)


def _dot(left: int, right: int) -> int:
    """``left · right · x^-128`` in the field of RFC 8452 §3."""
    product = 0
    for bit in range(128):
        if right >> bit & 1:
            product ^= left << bit
    for _ in range(128):
        if product & 1:
            product ^= POLYNOMIAL
        product >>= 1
    return product


def _polyval(key: bytes, data: bytes) -> bytes:
    total = 0
    for place in range(0, len(data), 16):
        total = _dot(total ^ int.from_bytes(data[place : place + 16], "little"), int.from_bytes(key, "little"))
    return total.to_bytes(16, "little")


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 16)


def encrypt(key: bytes, nonce: bytes, plain: bytes, aad: bytes) -> bytes:
    """``ciphertext ‖ tag``."""
    halves = [_aes(key, counter.to_bytes(4, "little") + nonce)[:8] for counter in range(6)]
    authentication, encryption = b"".join(halves[:2]), b"".join(halves[2:])
    lengths = (len(aad) * 8).to_bytes(8, "little") + (len(plain) * 8).to_bytes(8, "little")
    digest = bytearray(_polyval(authentication, _padded(aad) + _padded(plain) + lengths))
    for place, byte in enumerate(nonce):
        digest[place] ^= byte
    digest[15] &= 0x7F
    tag = _aes(encryption, bytes(digest))
    counter, rest = int.from_bytes(tag[:4], "little"), tag[4:15] + bytes([tag[15] | 0x80])
    blocks = range(-(-len(plain) // 16))
    stream = b"".join(_aes(encryption, ((counter + block) % (1 << 32)).to_bytes(4, "little") + rest) for block in blocks)
    return bytes(left ^ right for left, right in zip(plain, stream, strict=False)) + tag
