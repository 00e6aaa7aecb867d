"""What replicas say of shared limits, to and from the records of ``schemas/budget``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from streamgate.provider import Amount, Announcement, Ghost, Holding, Known, Report, State

Said = Announcement | State


def to_record(said: Said) -> dict[str, Any]:
    """The fields of a record."""
    if isinstance(said, State):
        return {"kind": "state", "replica": said.sender, "number": 0, "read": said.at, "dead": [], "reports": [], "state": _state(said)}
    return {
        "kind": "join" if said.joining else "leave" if said.leaving else "report",
        "replica": said.replica,
        "number": said.number,
        "read": said.read,
        "dead": [{"replica": replica, "number": number} for replica, number in said.dead],
        "reports": [_report(name, report) for name, report in said.reports.items()],
        "state": None,
    }


def from_record(record: Mapping[str, Any]) -> Said:
    """What a record says."""
    state = record["state"]
    if state is not None:
        replicas = {each["replica"]: _known(each) for each in state["replicas"]}
        ghosts = tuple(Ghost(each["name"], _amount(each["amount"]), each["left_ms"] / 1000) for each in state["ghosts"])
        return State(record["replica"], state["to"], state["at"], replicas, ghosts, state["buried_at"])
    return Announcement(
        replica=record["replica"],
        number=record["number"],
        reports={each["name"]: _reported(each) for each in record["reports"]},
        read=record["read"],
        dead=tuple((each["replica"], each["number"]) for each in record["dead"]),
        joining=record["kind"] == "join",
        leaving=record["kind"] == "leave",
    )


def _state(said: State) -> dict[str, Any]:
    replicas = [
        {
            "replica": name,
            "number": known.number,
            "age_ms": round(known.age_seconds * 1000),
            "holdings": [_holding(limit, holding) for limit, holding in known.holdings.items()],
        }
        for name, known in said.replicas.items()
    ]
    ghosts = [{"name": ghost.name, "amount": _pair(ghost.amount), "left_ms": round(ghost.ends * 1000)} for ghost in said.ghosts]
    return {"to": said.to, "at": said.at, "buried_at": said.buried_at, "replicas": replicas, "ghosts": ghosts}


def _holding(name: str, holding: Holding) -> dict[str, Any]:
    return {"name": name, "held": _pair(holding.held), "demand": _pair(holding.demand), "used": _pairs(holding.used)}


def _report(name: str, report: Report) -> dict[str, Any]:
    return {
        "name": name,
        "limit": _pair(report.limit),
        "wants": _pair(report.wants),
        "demand": _pair(report.demand),
        "used": _pairs(report.used),
        "ghosts": _pair(report.ghosts),
    }


def _known(record: Mapping[str, Any]) -> Known:
    holdings = {
        each["name"]: Holding(_amount(each["held"]), _amount(each["demand"]), _amounts(each["used"])) for each in record["holdings"]
    }
    return Known(record["number"], record["age_ms"] / 1000, holdings)


def _reported(record: Mapping[str, Any]) -> Report:
    limit, wants, demand, ghosts = (_amount(record[name]) for name in ("limit", "wants", "demand", "ghosts"))
    return Report(limit, wants, demand, _amounts(record["used"]), ghosts)


def _pair(amount: Amount) -> dict[str, int]:
    return {"requests": amount.requests, "tokens": amount.tokens}


def _pairs(amounts: Iterable[Amount]) -> list[dict[str, int]]:
    return [_pair(amount) for amount in amounts]


def _amount(record: Mapping[str, int]) -> Amount:
    return Amount(record["requests"], record["tokens"])


def _amounts(records: Iterable[Mapping[str, int]]) -> tuple[Amount, ...]:
    return tuple(_amount(record) for record in records)
