"""Budget, pause, breaker and estimate of every model, as one thing to ask before a call and to tell after it. Pure; the time is passed in.

Every reservation ends in exactly one of ``succeeded``, ``failed`` or ``settle``. A failed call keeps its reservation: providers count
failed requests, and one that timed out may have been answered and billed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from streamgate.provider._breaker import Breaker
from streamgate.provider._budget import WINDOW_SECONDS, Budget, Left, ModelBudget, Reserved, Wait
from streamgate.provider._call import ChatCall, ChatReply
from streamgate.provider._estimate import TokenEstimate
from streamgate.provider._failure import CallFailed, Reason

_PAUSE_SECONDS: Final = 1.0
"""After a 429 that does not say for how long."""


@dataclass(slots=True)
class _Model:
    budget: Budget
    breaker: Breaker = field(default_factory=Breaker)
    estimate: TokenEstimate = field(default_factory=TokenEstimate)
    paused_until: float = float("-inf")


@dataclass(slots=True)
class Budgets:
    """All models of this worker. Models that are not named get the default, each for itself."""

    default: ModelBudget
    by_model: Mapping[str, ModelBudget] = field(default_factory=dict)
    _part: float = 1.0
    _models: dict[str, _Model] = field(default_factory=dict)

    def reserve(self, call: ChatCall, now: float) -> Reserved | Wait:
        """Take room for a call, or say how long to wait."""
        model = self._model(call.model)
        held = max(model.breaker.wait_seconds(now), model.paused_until - now)
        if held > 0:
            return Wait(held)
        answer = model.budget.reserve(now, model.estimate.of(call))
        if isinstance(answer, Reserved):
            model.breaker.passed(now)
        return answer

    def settle(self, reserved: Reserved, used_tokens: int, now: float) -> None:
        """Correct a reservation; no tokens at all means that the call was not made, and gives the request back too."""
        budget = self._model(reserved.model).budget
        if used_tokens <= 0:
            budget.release(reserved, now)
        else:
            budget.settle(reserved, used_tokens, now)

    def succeeded(self, call: ChatCall, reserved: Reserved, reply: ChatReply, now: float) -> None:
        """Settle by what the reply says was used, learn from it, and believe its headers."""
        model = self._model(reserved.model)
        model.breaker.succeeded()
        if reply.usage is not None:
            model.budget.settle(reserved, reply.usage.prompt_tokens + reply.usage.completion_tokens, now)
            model.estimate.learn(call, reply.usage)
        if reply.limits is not None:
            model.budget.correct(reply.limits, now)

    def failed(self, reserved: Reserved, failure: CallFailed, now: float) -> None:
        """Keep the reservation; pause the model when the provider asked to be left alone, and count towards the breaker."""
        model = self._model(reserved.model)
        model.breaker.failed(failure.reason, now)
        if failure.limits is not None:
            model.budget.correct(failure.limits, now)
        if failure.reason is Reason.RATE_LIMITED or (failure.retryable and failure.retry_after_seconds is not None):
            asked = _PAUSE_SECONDS if failure.retry_after_seconds is None else failure.retry_after_seconds
            model.paused_until = max(model.paused_until, now + min(asked, WINDOW_SECONDS))

    def left(self, model: str, now: float) -> Left:
        """What remains of the current minute."""
        return self._model(model).budget.left(now)

    def take_part(self, part: float) -> None:
        """Scale every allowance to the part of the partitions that this worker owns, so that limits hold over all replicas."""
        self._part = part
        for name, model in self._models.items():
            model.budget.allow(self._allowance(name))

    def _allowance(self, name: str) -> ModelBudget:
        return self.by_model.get(name, self.default).share(self._part)

    def _model(self, name: str) -> _Model:
        model = self._models.get(name)
        if model is None:
            model = self._models[name] = _Model(Budget(name, self._allowance(name)))
        return model
