"""What egress reads in a request: the call, everything that leaves, and what audit events say of it."""

from __future__ import annotations

from typing import Any

from streamgate.provider import ChatCall
from streamgate.types import MaskedMessage, MaskedText, Parameters


def outgoing(request: dict[str, Any]) -> list[str]:
    """Every text of a request that the provider will see."""
    return [*(message["content"] for message in request["messages"]), *request["stop"]]


def chat_call(request: dict[str, Any]) -> ChatCall:
    """The call that a request asks for. Its texts were masked by vault."""
    messages = tuple(
        MaskedMessage(message["role"], MaskedText(message["content"]), message["tool_call_id"]) for message in request["messages"]
    )
    parameters = Parameters(
        temperature=request["temperature"],
        top_p=request["top_p"],
        max_output_tokens=request["max_output_tokens"],
        seed=request["seed"],
        stop=tuple(request["stop"]),
    )
    return ChatCall(
        request_id=request["request_id"],
        model=request["model"],
        messages=messages,
        parameters=parameters,
        safety_identifier=request["safety_identifier"],
        provider=request["provider"],
    )


def audited(request: dict[str, Any], model: str) -> dict[str, Any]:
    """What every audit event about a request says; ``model`` is the one that is called, with its provider."""
    return {
        "reference": request["reference"],
        "request_id": request["request_id"],
        "tenant": request["tenant"],
        "purpose": request["purpose"],
        "model": model,
        "policy_version": request["policy_version"],
        "detector_version": request["detector_version"],
    }
