"""One soak: a broker, a provider, several workers of each role, the load and the nemesis; then the evidence and what the checker says."""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from streamgate.adapters.kafka_head import read_all
from streamgate.adapters.kafka_topics import KafkaTopics
from streamgate.bootstrap import Installation, apply_topics
from streamgate.demo.soak._check import Verdict, check
from streamgate.demo.soak._fault import Fault
from streamgate.demo.soak._kafka import LocalKafka, default_libs
from streamgate.demo.soak._load import Load
from streamgate.demo.soak._nemesis import Nemesis
from streamgate.demo.soak._options import SoakOptions
from streamgate.demo.soak._progress import Progress
from streamgate.demo.soak._provider import UnreliableProvider
from streamgate.demo.soak._read import evidence_of
from streamgate.demo.soak._schedule import available, schedule
from streamgate.demo.soak._traffic import Traffic
from streamgate.demo.soak._workers import Fleet, Place
from streamgate.types import Role, Topic

_READY_SECONDS: Final = 120.0
_AFTER_DEADLINE_SECONDS: Final = 60.0
_AUDIT_SECONDS: Final = 90.0
_LOOK_SECONDS: Final = 0.5
_BEHIND_SECONDS: Final = 5.0
"""A load that was held up for longer does not make up for it."""
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A soak that came to its end."""

    options: SoakOptions
    verdict: Verdict
    seconds: float
    prompts: int
    """Sent, with those that faults added."""
    faults: int
    """Carried out."""


def planned(options: SoakOptions) -> tuple[Fault, ...]:
    """The faults of a run. Nothing is started."""
    if options.given is not None:
        return options.given
    kinds = available(own_broker=options.bootstrap is None)
    return schedule(options.seed, prompts=options.prompts, faults=options.faults, workers=options.workers, kinds=kinds)


async def soak(options: SoakOptions, say: Say) -> Outcome:
    """Run one. ``say`` hears how far it is."""
    began = time.monotonic()
    ending = asyncio.current_task()
    if ending is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.cancel)  # nothing that was started may outlive it
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # our own clients say a lot while the broker is down on purpose
    async with AsyncExitStack() as stack:
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="streamgate-soak-")))
        folder.mkdir(parents=True, exist_ok=True)
        kafka = None
        if options.bootstrap is None:
            say("starting Apache Kafka")
            kafka = await stack.enter_async_context(LocalKafka(folder, options.kafka_libs or default_libs()))
        provider = await stack.enter_async_context(UnreliableProvider(options.limit, seed=options.seed))
        place = Place.made(folder, f"streamgate-soak-{secrets.token_hex(4)}.", provider.base_url, options)
        made = place.installation(options.bootstrap or ("" if kafka is None else kafka.direct))
        await apply_topics(made)
        if kafka is None:
            stack.push_async_callback(_delete_topics, made)
        say("starting the workers")
        fleet = await stack.enter_async_context(Fleet(place, options.bootstrap or ("" if kafka is None else kafka.proxied), options))
        load = Load(options.seed)
        traffic = await stack.enter_async_context(Traffic(made, load, options.deadline_seconds))
        progress = await stack.enter_async_context(Progress(made))
        nemesis = Nemesis(fleet, provider, traffic, kafka)
        await _drive(options, traffic, nemesis, progress, say)
        say("stopping the workers")
        await fleet.stop(Role.VAULT, Role.EGRESS)
        await _audit_caught_up(made, say)
        await fleet.stop(*Role)
        say("reading every topic from its beginning")
        evidence = await evidence_of(made, folder, load, options.limit, traffic, fleet, nemesis, provider)
        verdict = check(evidence)
        return Outcome(options, verdict, time.monotonic() - began, len(evidence.sent), len(nemesis.happened))


async def _drive(options: SoakOptions, traffic: Traffic, nemesis: Nemesis, progress: Progress, say: Say) -> None:
    """Prompts and faults, and then patience until every prompt has ended or is long overdue."""
    await traffic.prompt(0)
    await _until_ended(traffic, progress, _READY_SECONDS, say, "waiting for the first response")
    faults = planned(options)
    breaking = asyncio.create_task(nemesis.carry_out(faults, say))
    try:
        due = time.monotonic()
        for number in range(1, options.prompts):
            # The load waits for the fault before the one that is due, so that every fault meets prompts in flight.
            await nemesis.until_finished(max(0, sum(fault.after <= number for fault in faults) - 1))
            due = max(due + 1 / options.per_second, time.monotonic() - _BEHIND_SECONDS)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await traffic.prompt(number)
            nemesis.sent(number + 1)
            if number % 50 == 0:
                over = f"{nemesis.finished} of {len(faults)} faults over"
                say(f"{number} of {options.prompts} prompts sent, {len(progress.ended)} ended, {over}")
        await breaking
    finally:
        breaking.cancel()
    await _until_ended(traffic, progress, options.deadline_seconds + _AFTER_DEADLINE_SECONDS, say, "waiting for the last responses")


async def _until_ended(traffic: Traffic, progress: Progress, seconds: float, say: Say, what: str) -> None:
    """As soon as every prompt has a response, or when time is out: what is missing then is for the checker to say."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        missing = traffic.prompts - progress.ended
        if not missing:
            return
        say(f"{what}: {len(missing)} missing")
        await asyncio.sleep(_LOOK_SECONDS)


async def _audit_caught_up(made: Installation, say: Say) -> None:
    """Until the notary has an entry for every audit event, or time is out."""
    give_up = time.monotonic() + _AUDIT_SECONDS
    while time.monotonic() < give_up:
        events, entries = [await _count(made, topic) for topic in (Topic.AUDIT_EVENTS, Topic.AUDIT)]
        if entries >= events:
            return
        say(f"waiting for the audit log: {entries} of {events} entries")
        await asyncio.sleep(_LOOK_SECONDS)


async def _count(made: Installation, topic: Topic) -> int:
    count = 0
    async for _ in read_all(made.connection(), made.prefix + topic):
        count += 1
    return count


async def _delete_topics(made: Installation) -> None:
    async with KafkaTopics(made.connection()) as topics:
        await topics.delete(topic.name for topic in made.topics())
