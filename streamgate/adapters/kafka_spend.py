"""What all replicas have spent: fills a ``streamgate.provider.Purse`` from the whole spend topic, and tells what is left of its budgets."""

from __future__ import annotations

from collections.abc import Callable

from streamgate.adapters.kafka_connection import KafkaConnection
from streamgate.adapters.kafka_whole import WholeTopic
from streamgate.effects import Clock
from streamgate.errors import Code, Unreadable
from streamgate.provider import Period, Purse, Scope, SpendAccount, Spent, Whose, day_of, money_of
from streamgate.telemetry import PurposeMoneyLeft, Telemetry, TenantMoneyLeft
from streamgate.types import Inbound


class SpendReader:
    """Reads for as long as it runs. A record that cannot be read may be any amount: then no call under a budget is made any more."""

    def __init__(
        self,
        connection: KafkaConnection,
        topic: str,
        partitions: int,
        purse: Purse,
        *,
        decode: Callable[[bytes], tuple[SpendAccount, Spent]],
        telemetry: Telemetry,
        clock: Clock,
    ) -> None:
        """``topic`` is the physical name."""
        self._purse = purse
        self._decode = decode
        self._telemetry = telemetry
        self._clock = clock
        self._told: dict[tuple[Whose, Period], int] = {}
        self._topic = WholeTopic(connection, topic, partitions, self._learn, client_id="streamgate-spend", looked=self._tell)
        self.start, self.stop = self._topic.start, self._topic.stop

    @property
    def ready(self) -> bool:
        """Whether all of the topic was read."""
        return self._topic.ready

    def _learn(self, record: Inbound) -> None:
        if record.value is None:
            return  # a day gone by, of which nothing is asked any more
        try:
            account, spent = self._decode(record.value)
        except (ValueError, ArithmeticError):
            raise Unreadable(Code.UNDECODABLE) from None
        self._purse.learn(record.partition, account, spent, day_of(self._clock.now_ms()))

    def _tell(self) -> None:
        if not self.ready:
            return
        today = day_of(self._clock.now_ms())
        for whose in self._purse.limits:
            for period in Period:
                left = self._purse.left(whose, period, today)
                if left is not None and self._told.get((whose, period)) != left:
                    self._told[whose, period] = left
                    fact = TenantMoneyLeft if whose.scope is Scope.TENANT else PurposeMoneyLeft
                    self._telemetry.emit(fact(whose.name, period, float(money_of(left))))
