"""What was spent, read from the spend topic of real brokers: by a worker for its budgets, and by the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from streamgate.adapters.kafka_publisher import KafkaPublisher, Publication
from streamgate.adapters.kafka_spend import SpendReader
from streamgate.adapters.system import SystemClock
from streamgate.bootstrap import Installation, apply_topics, load
from streamgate.bootstrap._money import purse, spend_decoder
from streamgate.codec import encode
from streamgate.config import init
from streamgate.pipeline._spending import spend_record
from streamgate.provider import Period, Scope, SpendAccount, Spent, Whose, day_of, day_text, month_of
from streamgate.telemetry import PurposeMoneyLeft, TenantMoneyLeft
from streamgate.types import Topic
from tests.fakes.telemetry import FakeTelemetry
from tests.fixtures_kafka import Broker
from tests.topology.toy import until

ACME, SUPPORT = Whose(Scope.TENANT, "acme"), Whose(Scope.PURPOSE, "support")
UNIT = 10**12


def installation(broker: Broker, prefix: str, folder: Path) -> tuple[Installation, dict[str, str]]:
    init(folder)
    environ = {
        "STREAMGATE_CONFIG": str(folder / "streamgate.toml"),
        "STREAMGATE_KAFKA__BOOTSTRAP": broker.bootstrap,
        "STREAMGATE_KAFKA__PREFIX": prefix,
        "STREAMGATE_KAFKA__PARTITIONS": "2",
        "STREAMGATE_KAFKA__EMBEDDED": "true" if broker.embedded else "false",
        "STREAMGATE_EGRESS__DEFAULT_PRICE": '{"input": 1, "output": 2}',
        "STREAMGATE_EGRESS__MONEY__TENANTS": '{"acme": {"per_day": 10, "per_month": 15}}',
        "STREAMGATE_EGRESS__MONEY__PURPOSES": '{"support": {"per_day": 4}}',
    }
    return load(None, environ), environ


async def publish(made: Installation, *sums: tuple[int, SpendAccount, Spent | None]) -> None:
    """The schema's own bytes; ``None``: a tombstone."""
    schema, publisher = made.schemas.latest(Topic.SPEND), KafkaPublisher(made.connection(), embedded=made.settings.kafka.embedded)
    await publisher.start()
    try:
        for partition, account, spent in sums:
            value = None if spent is None else encode(schema, spend_record(account, spent))
            await publisher.publish([Publication(made.prefix + Topic.SPEND, partition, account.key(), value)], 20.0)
    finally:
        await publisher.stop()


async def test_a_worker_knows_what_all_have_spent(broker: Broker, prefix: str, tmp_path: Path) -> None:
    """Nothing before the end was read; then every partition's last sum, and what comes later; metrics follow."""
    made, _ = installation(broker, prefix, tmp_path)
    await apply_topics(made)
    today = day_of(SystemClock().now_ms())
    acme = SpendAccount("acme", "support", "USD", today)
    await publish(made, (0, acme, Spent(1, amount=UNIT)), (0, acme, Spent(2, amount=2 * UNIT)), (1, acme, Spent(1, amount=UNIT)))
    known, telemetry = purse(made), FakeTelemetry()
    name = prefix + Topic.SPEND
    reader = SpendReader(made.connection(), name, 2, known, decode=spend_decoder(made), telemetry=telemetry, clock=SystemClock())
    assert not reader.ready
    await reader.start()
    await until(lambda: reader.ready)
    assert [known.left(ACME, period, today) for period in Period] == [7 * UNIT, 12 * UNIT]
    assert known.left(SUPPORT, Period.DAY, today) == UNIT
    await publish(made, (1, acme, Spent(2, amount=2 * UNIT + 1)), (0, SpendAccount("acme", "hr", "USD", today - 400), None))
    await until(lambda: known.left(SUPPORT, Period.DAY, today) == -1)
    await until(lambda: PurposeMoneyLeft("support", "day", -1e-12) in telemetry.facts)
    assert TenantMoneyLeft("acme", "day", 7.0) in telemetry.facts
    publisher = KafkaPublisher(made.connection(), embedded=broker.embedded)
    await publisher.start()
    await publisher.publish([Publication(name, 0, b"key", b"rubbish")], 20.0)
    await publisher.stop()
    await until(lambda: not reader.ready)  # it may be any amount
    await reader.stop()


@pytest.mark.kafka
async def test_the_command_shows_tokens_and_money(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    """Of a day and its month, by tenant and purpose, with what is left of budgets; amounts are exact, and what was forgotten is gone."""
    made, environ = installation(kafka, prefix, tmp_path)
    environ["STREAMGATE_KAFKA__REPLICATION_FACTOR"] = "1"
    await apply_topics(load(None, environ))
    today = day_of(SystemClock().now_ms())
    acme = SpendAccount("acme", "support", "USD", today)
    same_month = month_of(today - 1) == month_of(today)
    await publish(
        made,
        (0, acme, Spent(1, 1, 0, 100, 10, UNIT)),
        (0, acme, Spent(3, 4, 1, 300, 30, 3 * UNIT + 1)),
        (1, acme, Spent(1, 1, 0, 7, 5, 2 * UNIT)),
        (1, SpendAccount("acme", "support", "USD", today - 1), Spent(1, 1, 0, 1, 1, UNIT)),
        (0, SpendAccount("acme", "support", "USD", today - 70), Spent(1, amount=UNIT)),
        (0, SpendAccount("acme", "support", "USD", today - 70), None),
        (0, SpendAccount("globex", "support", "EUR", today), Spent(1, 1, 0, 9, 9, UNIT // 4)),
    )
    found = json.loads(run(environ, "spend", "--json"))
    month = 6 if same_month else 5
    assert (found["day"], found["month"], found["currency"]) == (day_text(today), day_text(today)[:7], "USD")
    first, second = found["spent"]
    assert first["day"] == {
        "requests": 4,
        "calls": 5,
        "unknown_calls": 1,
        "prompt_tokens": 307,
        "completion_tokens": 35,
        "amount": "5.000000000001",
    }
    assert first["month"]["amount"] == f"{month}.000000000001"
    assert (second["tenant"], second["currency"], second["day"]["amount"]) == ("globex", "EUR", "0.25")
    left = {(each["of"], each["name"], each["period"]): each["left"] for each in found["budgets"]}
    assert left == {
        ("tenant", "acme", "day"): "4.999999999999",
        ("tenant", "acme", "month"): f"{14 - month}.999999999999",
        ("purpose", "support", "day"): "-1.000000000001",
    }
    shown = run(environ, "spend", "--day", day_text(today))
    assert "5.000000000001" in shown
    assert "-1.000000000001" in shown


def run(environ: dict[str, str], *arguments: str) -> str:
    """In a process of its own, since commands run an event loop."""
    command = [sys.executable, "-c", "from streamgate.cli import main; main()", *arguments]
    done = subprocess.run(command, env={**os.environ, **environ, "COLUMNS": "200"}, capture_output=True, text=True, check=True)
    return done.stdout
