"""Workers and commands whose partition count is not the topics'."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from streamgate.adapters.kafka_head import read_all
from streamgate.adapters.kafka_topics import KafkaTopics
from streamgate.bootstrap import Decision, Installation, build_worker, check_topics, publish_consent, repartition
from streamgate.bootstrap._partition_count import refuse_half_changed
from streamgate.bootstrap._repartition import INPUTS
from streamgate.config._sections import Notary
from streamgate.demo._workers import Blind, installation
from streamgate.errors import Code, ConfigError, OperationRefused, StreamgateError
from streamgate.types import Role, Topic
from tests.fakes.scripted_detector import ScriptedDetector
from tests.fixtures_kafka import Broker
from tests.topology.toy import PARTITIONS, MakeWorker, make_topics, send


def installed(broker: Broker, prefix: str, folder: Path, partitions: int = 3) -> Installation:
    made = installation(
        folder,
        bootstrap=broker.bootstrap,
        prefix=prefix,
        embedded=broker.embedded,
        replication=1,
        base_url="http://127.0.0.1:9",
        api_key=None,
    )
    kafka = made.settings.kafka.model_copy(update={"partitions": partitions})
    return replace(made, settings=made.settings.model_copy(update={"kafka": kafka}))


async def test_a_worker_stops_where_its_topics_have_grown(broker: Broker, prefix: str, make_worker: MakeWorker) -> None:
    """Also one that passed the look before its start: it reads nothing and answers nothing."""
    await make_topics(broker, prefix, PARTITIONS + 1)
    await send(broker, prefix + "prompts", [b"1", b"2", b"3"])
    worker = make_worker(broker, prefix)
    await worker.app.start()
    error = await worker.app.wait_failed()
    assert isinstance(error, StreamgateError)
    assert error.code is Code.REPARTITION_UNFINISHED
    assert not worker.app.ready()[0]
    await worker.app.stop()
    assert [record async for record in read_all(broker.connection, prefix + "responses")] == []


async def test_a_decision_is_not_written_to_the_wrong_place(broker: Broker, prefix: str, tmp_path: Path) -> None:
    """It would be dead-lettered: a withdrawal that nobody heeds."""
    await make_topics(broker, prefix, 4)
    with pytest.raises(ConfigError, match="partitions"):
        await publish_consent(installed(broker, prefix, tmp_path), "acme", "s-1", None, Decision.WITHDRAW, "test")
    assert [record async for record in read_all(broker.connection, prefix + Topic.CONSENTS)] == []


async def test_the_embedded_broker_is_refused(embedded: Broker, prefix: str, tmp_path: Path) -> None:
    """It can add no partitions; the reason is said, and nothing is asked of it."""
    with pytest.raises(OperationRefused) as refused:
        await repartition(installed(embedded, prefix, tmp_path), 6, confirmed=True, say=pytest.fail)
    assert refused.value.code is Code.BROKER_UNSUITED


@pytest.mark.kafka
async def test_topics_that_do_not_fit_are_not_grown(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    """Topics that are missing, or have fewer partitions than the others, are for the operator to see to."""
    made, said = installed(kafka, prefix, tmp_path), list[str]()
    made = replace(made, settings=made.settings.model_copy(update={"notary": Notary()}))  # vault's settings alone
    with pytest.raises(ConfigError, match="does not exist"):
        await repartition(made, 4, confirmed=True, say=said.append)
    await make_topics(kafka, prefix, 3)
    async with KafkaTopics(kafka.connection) as topics:
        await topics.apply(made.topics())
        await topics.grow([prefix + Topic.AUDIT], 4)
        with pytest.raises(ConfigError, match="has 3 partitions, others have 4"):
            await repartition(made, 5, confirmed=True, say=said.append)
        await refuse_half_changed(made, topics)
        await topics.grow([prefix + Topic.PROMPTS], 5)
        with pytest.raises(OperationRefused, match="from 4 to 5"):
            await refuse_half_changed(made, topics)
    assert "from 4 to 5" in (await check_topics(made))[0]
    assert said == []


def test_what_must_be_drained_is_what_the_roles_read(tmp_path: Path) -> None:
    """Neither more nor less."""
    made = installed(Broker("127.0.0.1:9", embedded=False), "t.", tmp_path)
    workers = {role: build_worker(role, made, Blind(ScriptedDetector({}))) for role in Role}
    assert {role: {stage.topic for stage in worker.app._stages} for role, worker in workers.items()} == {
        role: set(topics) for role, topics in INPUTS.items()
    }
