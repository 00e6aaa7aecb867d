"""A stage with something to lose: it mints a value per key, once, and puts it in every answer."""

from __future__ import annotations

import asyncio
import random
import secrets
from dataclasses import dataclass

from streamgate.pipeline.ports.stage import Effects, Output, Prepared, Row, Settle, StateView
from streamgate.types import Inbound, Topic

KEYS = 20


@dataclass(frozen=True)
class Minted:
    """``VALUE|MINTED`` goes out; the state counts how often each value was decided."""

    record: Inbound

    def decide(self, partition: int, state: StateView) -> Effects:
        value = self.record.value or b"-"
        key = b"k:%d" % (int(value) % KEYS)
        minted = state.get(key)
        rows = [Row(b"n:" + value, b"%d" % (int(state.get(b"n:" + value) or b"0") + 1))]
        if minted is None:
            minted = secrets.token_hex(8).encode()
            rows.append(Row(key, minted))
        return Effects(tuple(rows), (Output(Topic.RESPONSES, self.record.key, value + b"|" + minted, Settle(b"o:" + value, _text)),))


def _text(offset: int) -> bytes:
    return b"%d" % offset


@dataclass
class MintingStage:
    """Takes a random moment for each record."""

    topic: str = Topic.PROMPTS
    ordered: bool = False

    async def prepare(self, record: Inbound) -> Prepared:
        await asyncio.sleep(random.uniform(0.0, 0.1))  # noqa: S311  what interleaves is the point
        return Minted(record)

    def poisoned(self, record: Inbound) -> Prepared:
        return Minted(record)
