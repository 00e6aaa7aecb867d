"""Changes the partition count, with nobody at work: ``streamgate topics repartition``.

Order: nobody is in a group; the transactional ids of all roles are taken, so that nobody who was stopped writes any more; everything was
read and every prompt has ended; all topics but one get their partitions; rows move, a data subject's together in one transaction; the last
topic gets its partitions. Until then the topics have two counts and no worker starts. Killed anywhere and run again it goes on: a subject
who has moved is where they belong.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from streamgate.adapters.kafka_groups import KafkaGroups
from streamgate.adapters.kafka_head import read_all
from streamgate.adapters.kafka_publisher import Publication
from streamgate.adapters.kafka_topics import LAST, KafkaTopics
from streamgate.adapters.kafka_transaction import KafkaTransactions
from streamgate.adapters.key_file import KeyFile
from streamgate.adapters.system import SystemClock
from streamgate.bootstrap._installation import Installation
from streamgate.bootstrap._partition_count import Change, change_to, partitioned
from streamgate.config import check_role
from streamgate.errors import Code, OperationRefused, StreamgateError
from streamgate.pipeline._screen import partition_of
from streamgate.pipeline.repartition import Move, Repartition, Survey
from streamgate.topology import Fences, Progress, TopicNames, transactional_id
from streamgate.types import Inbound, Role, Topic
from streamgate.vault import StateSealer

INPUTS: Final[Mapping[Role, tuple[Topic, ...]]] = {
    Role.VAULT: (Topic.PROMPTS, Topic.PROMPTS_BULK, Topic.COMPLETIONS, Topic.CONSENTS, Topic.SUBJECT_REQUESTS, Topic.OPERATOR_REQUESTS),
    Role.EGRESS: (Topic.REQUESTS, Topic.REQUESTS_BULK, Topic.REQUESTS_BATCH),
    Role.NOTARY: (Topic.AUDIT_EVENTS,),
}
KEYED: Final = (Topic.PROMPTS, Topic.PROMPTS_BULK, Topic.CONSENTS, Topic.SUBJECT_REQUESTS)
ROWS_AT_ONCE: Final = 2_000
_TAKE_SECONDS: Final = 120.0
_COMMIT_SECONDS: Final = 40.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Moved:
    """What a run of the command has done."""

    subjects: int
    rows: int
    seconds: float


async def repartition(installation: Installation, to: int, *, confirmed: bool, say: Say) -> Moved | None:
    """Say what is to be done and, where ``confirmed``, do it. ``None`` where nothing was."""
    if installation.settings.kafka.embedded:
        raise OperationRefused(Code.BROKER_UNSUITED)
    check_role(installation.settings, Role.VAULT)
    sealer = StateSealer(KeyFile(Path(installation.settings.vault.key_file or "")))
    async with KafkaTopics(installation.connection()) as topics, KafkaGroups(installation.connection()) as groups:
        change = await change_to(installation, topics, to)
        if change is None:
            say(f"every topic has {to} partitions already")
            return None
        await _refuse_running(installation, groups)
        async with _fenced(installation, change.before) as fences:
            work = _Work(installation, change, sealer, groups, fences, say)
            state = TopicNames(installation.prefix).state(Role.VAULT)
            surveyed = await work.look((await topics.counts([state]))[state])
            if not confirmed:
                say("nothing was changed; run it again with --yes")
                return None
            started = SystemClock().monotonic()
            last = installation.prefix + LAST
            await topics.grow((name for name in partitioned(installation) if name != last), to)
            say(f"every topic but {last} has {to} partitions: no worker starts until this has ended")
            await _refuse_running(installation, groups)
            moved = await work.move()
            await work.prove(surveyed)
            await topics.grow([last], to)
            return Moved(*moved, SystemClock().monotonic() - started)


class _Work:
    """One run."""

    def __init__(
        self, installation: Installation, change: Change, sealer: StateSealer, groups: KafkaGroups, fences: Fences, say: Say
    ) -> None:
        self._installation = installation
        self._connection = installation.connection()
        self._names = TopicNames(installation.prefix)
        self._state = self._names.state(Role.VAULT)
        self._change = change
        self._sealer = sealer
        self._groups = groups
        self._fences = fences
        self._say = say

    async def look(self, partitions: int) -> tuple[Survey, ...]:
        """Everything that speaks against it, or what stands on each of the state's ``partitions``."""
        change, repartition = self._change, Repartition(self._sealer, self._change.after)
        surveyed = [repartition.survey(number, await self._rows(number)) for number in range(partitions)]
        unplaced = sum(each.unplaced for each in surveyed)
        if unplaced:
            raise OperationRefused(Code.SUBJECT_NOT_PLACED, f"{unplaced} subjects")
        if not change.begun:
            await self._refuse_undrained(sum(each.open_prompts for each in surveyed))
        rows, subjects, moving = (sum(getattr(each, name) for each in surveyed) for name in ("rows", "subjects", "moving"))
        begun = ", begun before" if change.begun else ""
        self._say(f"{self._installation.prefix}*: from {change.before} to {change.after} partitions{begun}")
        self._say(f"{self._state}: {rows:,} rows of {subjects:,} subjects, of whom {moving:,} move to another partition")
        return tuple(surveyed)

    async def move(self) -> tuple[int, int]:
        """Subjects and rows that were moved."""
        await _take(self._fences, self._change.before)  # anew: producers of before do not know the new partitions
        repartition = Repartition(self._sealer, self._change.after, await self._read())
        subjects = rows = 0
        for number in range(self._change.before):
            before = rows
            for batch in _batches(repartition.moves(number, await self._rows(number))):
                await self._carry_out(number, batch)
                subjects += len(batch)
                rows += sum(len(move.rows) for move in batch)
            self._say(f"partition {number}: {rows - before:,} rows moved")
        return subjects, rows

    async def prove(self, before: Sequence[Survey]) -> None:
        """Nobody is elsewhere than they belong, and no row was lost or doubled; and say what came in meanwhile."""
        repartition = Repartition(self._sealer, self._change.after)
        after = [repartition.survey(number, await self._rows(number)) for number in range(self._change.after)]
        if any(each.moving for each in after) or sum(each.rows for each in after) != sum(each.rows for each in before):
            raise StreamgateError(Code.INTERNAL_ERROR, "rows are not all where they belong")
        late = 0
        for topic in KEYED:
            async for record in self._unread(Role.VAULT, topic):
                late += record.key is not None and partition_of(record.key, self._change.after) != record.partition
        if late:
            self._say(f"{late:,} records were written under the old count meanwhile: each gets wrong_partition; let them be sent again")

    async def _carry_out(self, partition: int, batch: Sequence[Move]) -> None:
        there = [Publication(self._state, move.to, key, value) for move in batch for key, value in move.rows]
        gone = [Publication(self._state, partition, key, None) for move in batch for key in move.gone]
        await self._fences.of(partition).commit([*there, *gone], lambda _: (), "", {}, _COMMIT_SECONDS)

    async def _rows(self, partition: int) -> dict[bytes, bytes]:
        rows: dict[bytes, bytes] = {}
        async for record in read_all(self._connection, self._state, [partition]):
            if record.key is not None and record.value is not None:
                rows[record.key] = record.value
            elif record.key is not None:
                rows.pop(record.key, None)
        return rows

    async def _read(self) -> dict[int, dict[str, int]]:
        """By partition and topic, where vault reads on. Nobody commits anything meanwhile, so it is the same after a kill."""
        found: dict[int, dict[str, int]] = {}
        for (topic, partition), (offset, _) in (await self._groups.committed(f"{self._installation.prefix}{Role.VAULT}")).items():
            found.setdefault(partition, {})[self._names.logical(topic)] = offset
        return found

    async def _unread(self, role: Role, topic: Topic) -> AsyncIterator[Inbound]:
        """What a role has not read on the partitions of before."""
        committed, physical = await self._groups.committed(f"{self._installation.prefix}{role}"), self._names.physical(topic)
        progress = {number: Progress.read(*at) for (name, number), at in committed.items() if name == physical}
        starts = {number: each.position for number, each in progress.items()}
        async for record in read_all(self._connection, physical, range(self._change.before), starts):
            done = progress.get(record.partition)
            if done is None or record.offset not in done.beyond:
                yield record

    async def _refuse_undrained(self, open_prompts: int) -> None:
        found = [f"{open_prompts} prompts have not ended"] if open_prompts else []
        for role, topics in INPUTS.items():
            for topic in topics:
                unread = 0
                async for _ in self._unread(role, topic):
                    unread += 1
                if unread:
                    found.append(f"{role} has {unread} records of {self._names.physical(topic)} to read")
        if found:
            raise OperationRefused(Code.NOT_DRAINED, ", ".join(found))


def _batches(moves: Iterable[Move]) -> Iterator[list[Move]]:
    """Moves of about so many rows that one transaction takes them."""
    batch: list[Move] = []
    rows = 0
    for move in moves:
        batch.append(move)
        rows += len(move.rows)
        if rows >= ROWS_AT_ONCE:
            yield batch
            batch, rows = [], 0
    if batch:
        yield batch


async def _refuse_running(installation: Installation, groups: KafkaGroups) -> None:
    busy = await groups.busy(f"{installation.prefix}{role}" for role in Role)
    if busy:
        raise OperationRefused(Code.WORKERS_RUNNING, ", ".join(busy))


@asynccontextmanager
async def _fenced(installation: Installation, partitions: int) -> AsyncIterator[Fences]:
    """Every transactional id taken; those of vault are held, to write its rows with."""
    for role in (Role.EGRESS, Role.NOTARY):
        fences = Fences(partial(_transactions, installation, role))
        try:
            await _take(fences, partitions)
        finally:
            await fences.stop()
    fences = Fences(partial(_transactions, installation, Role.VAULT))
    try:
        await _take(fences, partitions)
        yield fences
    finally:
        await fences.stop()


async def _take(fences: Fences, partitions: int) -> None:
    async with asyncio.timeout(_TAKE_SECONDS):
        await fences.take(range(partitions), lambda: True)


def _transactions(installation: Installation, role: Role, partition: int) -> KafkaTransactions:
    return KafkaTransactions(installation.connection(), transactional_id(f"{installation.prefix}{role}", partition))
