"""What happens to an annotated field, in plain words for the privacy notice."""

from __future__ import annotations

from typing import Final, Protocol


class Rule(Protocol):
    """A field's annotation; ``codec.FieldRule`` is one."""

    @property
    def action(self) -> str:
        """What happens to it."""
        ...

    @property
    def role(self) -> str | None:
        """What the pipeline uses it for."""
        ...

    @property
    def entity(self) -> str | None:
        """What it is, where it is tokenised whole."""
        ...

    @property
    def how(self) -> str | None:
        """How it is generalised."""
        ...

    @property
    def size(self) -> float | None:
        """The size of a bucket or a prefix."""
        ...

    @property
    def keep_last(self) -> int | None:
        """How many characters a mask leaves."""
        ...

    @property
    def purposes(self) -> tuple[str, ...] | None:
        """For which purposes alone it is allowed; ``None``: for all."""
        ...


_ACTIONS: Final = {
    "keep": "passed on as it is",
    "scan": "free text: personal data that is recognised is replaced by tokens before the model sees it, and put back in the answer",
    "tokenise": "replaced as a whole by a token{entity} before the model sees it, and put back in the answer",
    "mask": "masked{keep_last}; the rest is removed for good",
    "pseudonymise": "replaced by a keyed code that cannot be turned back",
    "seal": "encrypted, never sent to the model, handed to the recipient of the answer",
    "drop": "removed at once",
}
_GENERALISED: Final = {
    "year": "reduced to the year",
    "decade": "reduced to the decade",
    "prefix": "reduced to its first {size} characters",
    "bucket": "rounded to steps of {size}",
}
_ROLES: Final = {
    "subject": "says whom the prompt is about; outside this service only a keyed code stands for it",
    "message_content": "container of the message's text, whose parts are listed below it",
    "messages": "container of the messages, whose parts are listed below it",
    "context": "container of what is known about the case, whose fields are listed below it",
    "parameters": "container of the model's parameters, which are listed below it",
}


def treatment(rule: Rule) -> str:
    """One sentence fragment. An unknown action is told as what it means to the code: dropped."""
    if rule.role in _ROLES:
        words = _ROLES[rule.role]
    elif rule.action == "generalise":
        size = "?" if rule.size is None else f"{rule.size:g}"
        words = _GENERALISED.get(rule.how or "", "made less precise").replace("{size}", size)
    else:
        entity = f" ({rule.entity.lower().replace('_', ' ')})" if rule.entity else ""
        keep_last = f" except its last {rule.keep_last} characters" if rule.keep_last else ""
        words = _ACTIONS.get(rule.action, _ACTIONS["drop"]).replace("{entity}", entity).replace("{keep_last}", keep_last)
    if rule.purposes is None:
        return words
    return f"only for {', '.join(rule.purposes) or 'no purpose'}: {words}; for any other purpose removed at once"
