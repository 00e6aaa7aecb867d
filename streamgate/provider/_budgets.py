"""Whose turn it is to call, and how much of the limits is left: budget, queue, pause, breaker and estimate of every model. Pure.

Every ticket ends in exactly one answer of ``serve``, or in ``leave``; every reservation in exactly one of ``succeeded``, ``failed`` and
``release``. A failed call keeps its reservation: providers count failed requests, and one that timed out may have been answered and billed.

- What may be charged is what this replica holds of the limit (``Shares``), less what others use of the account.
- Interactive calls go before bulk ones; how fast the room is used up is ``_pace``'s affair.
- The first in order waits for the room that it needs, and nobody overtakes it. A tenant at its own limit holds up nobody else.
- Who cannot be answered before its deadline is told so at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from streamgate.provider._account import Account, Tenant
from streamgate.provider._amount import NOTHING, Amount
from streamgate.provider._call import ChatCall, ChatReply, RateHeaders
from streamgate.provider._failure import CallFailed, Reason
from streamgate.provider._pace import Room, fits
from streamgate.provider._queue import Claim, Ticket
from streamgate.provider._want import Need
from streamgate.provider._window import WINDOW_SECONDS
from streamgate.types import Usage

_PAUSE_SECONDS: Final = 1.0
"""After a 429 that does not say for how long."""


class Shares(Protocol):
    """What this replica may use of limits that it shares with others."""

    def holds(self, name: str, now: float) -> Amount:
        """What may stand in the window of a limit."""
        ...

    def share(self, name: str, limit: Amount) -> Amount:
        """What it would hold if it had use for it."""
        ...

    def others(self, name: str) -> Amount:
        """What the other replicas have charged in the window, as far as it is known."""
        ...


@dataclass(frozen=True, slots=True)
class Reserved:
    """Room that was taken; to be settled once."""

    model: str
    tenant: str
    number: int
    tenant_number: int
    tokens: int


@dataclass(slots=True)
class Budgets:
    """All models of this worker, by name and provider (``ModelRef.name``). One that is not named gets the default, for itself."""

    default: Amount
    by_model: Mapping[str, Amount] = field(default_factory=dict)
    by_tenant: Mapping[str, Amount] = field(default_factory=dict)
    """Over all models; a tenant that is not named has no limit of its own."""
    shares: Shares | None = None
    """``None``: nobody else uses these limits."""
    _models: dict[str, Account] = field(default_factory=dict)
    _tenants: dict[str, Tenant] = field(default_factory=dict)
    _number: int = 0

    def __post_init__(self) -> None:
        """Models with a limit of their own are asked for from the start: their first call need not wait for a share."""
        for name in self.by_model:
            self._model(name)

    def enter(self, claim: Claim, now: float) -> Ticket:
        """Wait for a turn."""
        model = self._model(claim.call.name)
        tokens, tenant = max(model.estimate.of(claim.call), 1), self._tenant(claim.tenant)
        self._number += 1
        ticket = Ticket(self._number, claim, model.clipped(Amount(1, tokens if tenant is None else min(tokens, tenant.limit.tokens)), now))
        model.queue.add(ticket)
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Wait no longer."""
        self._model(ticket.claim.call.name).queue.remove(ticket)

    def serve(self, now: float) -> Iterator[tuple[Ticket, Reserved | None]]:
        """Whose turn it is; ``None`` for those who cannot be answered before their deadline, or need not wait for an outage to end."""
        for name, model in self._models.items():
            while model.queue:
                held_until = now + self.held_seconds(name, now)
                late = model.queue.hopeless(held_until + model.fastest_seconds(now), outage=self.in_outage(name, now))
                for ticket in late:
                    model.queue.remove(ticket)
                    yield ticket, None
                if held_until > now:
                    break
                answer = self._first(name, model, now)
                if answer is None:
                    break
                model.queue.remove(answer[0])
                yield answer

    def sends(self, reserved: Reserved, now: float) -> bool:
        """Whether a call may go out at last. If so its minute begins now; if not, as too much time has passed, the room is given back."""
        model = self._model(reserved.model)
        standing = model.window.renew(reserved.number, now)
        tenant = self._tenant(reserved.tenant)
        if tenant is not None:
            standing = tenant.window.renew(reserved.tenant_number, now) and standing
        leased = self.shares is None or self.shares.holds(_model_name(reserved.model), now).covers(model.window.charged(now))
        if standing and leased:
            return True
        self.release(reserved, now)
        return False

    def release(self, reserved: Reserved, now: float) -> None:
        """Give a reservation back whole: the call was not made."""
        self._model(reserved.model).window.release(reserved.number, now)
        tenant = self._tenant(reserved.tenant)
        if tenant is not None:
            tenant.window.release(reserved.tenant_number, now)

    def succeeded(self, call: ChatCall, reserved: Reserved, reply: ChatReply, seconds: float, now: float) -> None:
        """Settle by what the reply says was used, learn from it, and believe its headers."""
        model = self._model(reserved.model)
        model.breaker.succeeded()
        model.took(seconds, now)
        if reply.usage is not None:
            used = reply.usage.prompt_tokens + reply.usage.completion_tokens
            model.window.settle(reserved.number, used, now)
            tenant = self._tenant(reserved.tenant)
            if tenant is not None:
                tenant.window.settle(reserved.tenant_number, used, now)
            model.estimate.learn(call, reply.usage)
        self._heard(reserved.model, reply.limits, now)

    def failed(self, reserved: Reserved, failure: CallFailed, now: float) -> None:
        """Keep the reservation; pause the model when the provider asked to be left alone, and count towards the breaker."""
        model = self._model(reserved.model)
        model.breaker.failed(failure.reason, now)
        self._heard(reserved.model, failure.limits, now)
        if failure.reason is Reason.RATE_LIMITED or (failure.retryable and failure.retry_after_seconds is not None):
            asked = _PAUSE_SECONDS if failure.retry_after_seconds is None else failure.retry_after_seconds
            model.paused_until = max(model.paused_until, now + min(asked, WINDOW_SECONDS))

    def called(self, model: str, *, again: bool) -> bool:
        """Whether a call may be made as far as repetitions go; the first call of a prompt always may."""
        return self._model(model).retries.spend() if again else self._model(model).retries.earn()

    def estimate(self, call: ChatCall) -> Usage:
        """Tokens that a call will use, seldom too few."""
        return self._model(call.name).estimate.usage(call)

    def held_seconds(self, model: str, now: float) -> float:
        """How long the model is left alone: its breaker is open, or the provider asked for a pause. Zero when a call may be made."""
        known = self._model(model)
        return max(known.breaker.wait_seconds(now), known.paused_until - now, 0.0)

    def in_outage(self, model: str, now: float) -> bool:
        """Whether the breaker lets nothing pass."""
        return self._model(model).breaker.wait_seconds(now) > 0

    def left(self, model: str, now: float) -> Amount:
        """What is left of the minute, over all replicas, as far as it is known."""
        known = self._model(model)
        others = NOTHING if self.shares is None else self.shares.others(_model_name(model))
        return (known.foreign.left_of(known.limit, now) - known.window.charged(now) - others).at_least(NOTHING)

    def needs(self, now: float) -> Mapping[str, Need]:
        """What this replica needs of every limit that it knows of."""
        found: dict[str, Need] = {}
        waiting: dict[str, Amount] = {}
        for name, model in self._models.items():
            limit = model.foreign.left_of(model.limit, now)
            largest = model.queue.largest().at_most(limit)
            found[_model_name(name)] = Need(limit, model.window.slices(now), model.queue.waiting(), largest)
            for ticket in model.queue:
                waiting[ticket.claim.tenant] = waiting.get(ticket.claim.tenant, NOTHING) + ticket.needs
        for name, tenant in self._tenants.items():
            wanted = waiting.get(name, NOTHING)
            found[_tenant_name(name)] = Need(tenant.limit, tenant.window.slices(now), wanted, wanted.at_most(tenant.limit))
        return found

    def _first(self, name: str, model: Account, now: float) -> tuple[Ticket, Reserved | None] | None:
        """The next turn, if there is room for it; or the next whose deadline comes before there can be."""
        room = self._room(_model_name(name), model, now)
        for ticket in model.queue.firsts(lambda tenant: model.used(tenant, now)):
            needs = model.clipped(ticket.needs, now)
            tenant = self._tenant(ticket.claim.tenant)
            if tenant is not None and not self._tenant_room(ticket.claim.tenant, tenant, now).covers(needs):
                if tenant.frees_at(needs, now) + model.fastest_seconds(now) > ticket.claim.deadline:
                    return ticket, None
                continue
            if fits(model, room, needs, now, bulk=ticket.claim.bulk):
                return ticket, self._reserve(name, model, ticket.claim, needs.tokens, now)
            if model.frees_at(needs, now) + model.fastest_seconds(now) > ticket.claim.deadline:
                return ticket, None
            return None
        return None

    def _reserve(self, name: str, model: Account, claim: Claim, tokens: int, now: float) -> Reserved:
        model.breaker.passed(now)
        tenant = self._tenant(claim.tenant)
        own = 0 if tenant is None else tenant.window.charge(tokens, now)
        return Reserved(name, claim.tenant, model.window.charge(tokens, now, claim.tenant), own, tokens)

    def _room(self, name: str, model: Account, now: float) -> Room:
        ours = model.foreign.left_of(model.limit, now)
        if self.shares is None:
            return Room(ours, ours)
        return Room(ours.at_most(self.shares.holds(name, now)), self.shares.share(name, ours))

    def _tenant_room(self, name: str, tenant: Tenant, now: float) -> Amount:
        limit = tenant.limit if self.shares is None else tenant.limit.at_most(self.shares.holds(_tenant_name(name), now))
        return limit - tenant.window.charged(now)

    def _heard(self, name: str, said: RateHeaders | None, now: float) -> None:
        if said is not None:
            model = self._model(name)
            others = NOTHING if self.shares is None else self.shares.others(_model_name(name))
            model.foreign.heard(said, model.limit, model.window.charged(now) + others, now)

    def _model(self, name: str) -> Account:
        model = self._models.get(name)
        if model is None:
            model = self._models[name] = Account(self.by_model.get(name, self.default))
        return model

    def _tenant(self, name: str) -> Tenant | None:
        limit = self.by_tenant.get(name)
        if limit is None:
            return None
        return self._tenants.setdefault(name, Tenant(limit))


def _model_name(name: str) -> str:
    return f"model:{name}"


def _tenant_name(name: str) -> str:
    return f"tenant:{name}"
