"""Operator requests: what is shown and to whom, what is replayed and how often, and what is refused; all of it audited."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from streamgate.adapters.kafka_topics import MAX_INPUT_BYTES
from streamgate.codec import encode
from streamgate.errors import Code
from streamgate.pipeline._letters import LARGEST_REPLAY_BYTES
from streamgate.pipeline._original import FIRST_OFFSET_HEADER, LETTER_HEADER, Original, letter_aad
from streamgate.pipeline.operator_requests import REMEMBERED_MS, reply_aad
from streamgate.pipeline.ports.stage import Effects, Output
from streamgate.types import Inbound, Topic
from streamgate.vault import ReplyKey
from tests.fakes.effects import SeededEntropy
from tests.fakes.pipeline import LETTERS_KEPT_MS, OPENER, Vault, facts, on, read, schemas

NOT_AVRO = b"no avro at all"
ASKED = {"request_id": "ask-1", "letter_partition": 0}


def code(effects: Effects) -> Code:
    """What the operator is told; the audit log and the metrics hear of it too."""
    (result,) = on(effects, Topic.OPERATOR_RESULTS)
    (event,) = on(effects, Topic.AUDIT_EVENTS)
    assert (event["operator"], event["reason"], event["letter"]) == ("jdoe", "INC-4711", f"0@{result['letter_offset']}")
    assert [(fact.command, fact.code) for fact in effects.facts] == [(result["command"], result["code"])]  # type: ignore[attr-defined]
    assert (event["fact"] == "letter_refused") == (result["code"] != Code.OK)
    return Code(result["code"])


def again(effects: Effects, topic: Topic = Topic.PROMPTS) -> list[Output]:
    """What is published again."""
    return [output for output in effects.outputs if output.topic == topic]


def reread(it: Vault, output: Output) -> Inbound:
    """As the stage over its topic reads it."""
    return it.inbound(output.topic, output.key, output.value, **dict(output.headers))


async def poisoned_prompt(it: Vault, **fields: Any) -> tuple[Inbound, int]:
    """A good prompt on which our own code failed, its letter with a code that may be replayed."""
    record = it.prompt(**fields)
    letters = it.desk.letters.outputs(record, Code.INTERNAL_ERROR)
    it.carry_out(Effects(outputs=letters))
    return record, max(offset for topic, _, offset in it.archive.records if topic == Topic.DEAD_LETTERS)


def forge(it: Vault, letter: int, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Another letter stands there now."""
    before = read(Output(Topic.DEAD_LETTERS, None, it.archive.records[Topic.DEAD_LETTERS, 0, letter].value))
    it.archive.replace_value(Topic.DEAD_LETTERS, letter, encode(schemas().latest(Topic.DEAD_LETTERS), before | change(before)))


async def test_a_replayed_prompt_is_accepted_as_any_other() -> None:
    """It comes with its key, value and headers, says where it stood first, and passes all gates."""
    it = Vault()
    record, letter = await poisoned_prompt(it)
    effects = await it.handle(it.operators, it.ask("replay", letter))
    assert code(effects) is Code.OK
    assert facts(effects) == ["letter_replayed"]
    (output,) = again(effects)
    assert (output.key, output.value) == (record.key, record.value)
    assert dict(output.headers) == {FIRST_OFFSET_HEADER: b"0", LETTER_HEADER: f"0@{letter}".encode()}
    assert on(await it.handle(it.redact, reread(it, output)), Topic.REQUESTS)


async def test_an_original_is_replayed_once() -> None:
    """Whoever asks again, also about another letter of the same original, is refused."""
    it = Vault()
    record, letter = await poisoned_prompt(it)
    assert code(await it.handle(it.operators, it.ask("replay", letter))) is Code.OK
    refused = await it.handle(it.operators, it.ask("replay", letter))
    assert code(refused) is Code.LETTER_REPLAYED
    assert not again(refused)
    it.carry_out(Effects(outputs=it.desk.letters.outputs(record, Code.INTERNAL_ERROR)))
    second = max(offset for topic, _, offset in it.archive.records if topic == Topic.DEAD_LETTERS)
    assert second > letter
    assert code(await it.handle(it.operators, it.ask("replay", second))) is Code.LETTER_REPLAYED


async def test_a_request_that_comes_again_after_a_crash_publishes_the_same_again() -> None:
    """Without transactions its row may be there and its record not."""
    it = Vault(atomic=False)
    _, letter = await poisoned_prompt(it)
    request = it.ask("replay", letter)
    first, repeated = await it.handle(it.operators, request), await it.handle(it.operators, request)
    assert again(first) == again(repeated) != []


async def test_a_request_that_is_read_again_though_it_was_committed_publishes_nothing() -> None:
    """Somebody has set the group's offsets back."""
    it = Vault()
    _, letter = await poisoned_prompt(it)
    request = it.ask("replay", letter)
    await it.handle(it.operators, request)
    assert code(await it.handle(it.operators, request)) is Code.LETTER_REPLAYED


async def test_what_is_replayed_and_fails_again_keeps_where_it_stood_first() -> None:
    """Its new letter is of another original, and can be replayed in its turn."""
    it = Vault()
    letter = await it.lettered(it.redact, it.inbound(Topic.PROMPTS, b"acme\x1fanna", NOT_AVRO, trace=b"t"))
    for _ in range(3):
        effects = await it.handle(it.operators, it.ask("replay", letter))
        (output,) = again(effects)
        assert dict(output.headers) == {"trace": b"t", FIRST_OFFSET_HEADER: b"0", LETTER_HEADER: f"0@{letter}".encode()}
        following = await it.lettered(it.redact, reread(it, output))
        assert following > letter
        letter = following


async def test_what_is_shown_opens_for_whoever_asked_only() -> None:
    """The original is in the result, sealed to the one-time key; nothing of it is in the clear, and nothing is published again."""
    it, key = Vault(), ReplyKey(SeededEntropy("reply"))
    record, letter = await poisoned_prompt(it)
    effects = await it.handle(it.operators, it.ask("show", letter, public_key=key.public_key))
    assert code(effects) is Code.OK
    assert facts(effects) == ["letter_opened"]
    (result,) = on(effects, Topic.OPERATOR_RESULTS)
    opened = key.open(result["sealed"], reply_aad(ASKED | {"letter_offset": letter}))
    assert Original.from_bytes(opened) == Original(record.key, record.value)
    assert not again(effects)
    assert not any(b"Beispiel" in (output.value or b"") for output in effects.outputs)


@pytest.mark.parametrize("public_key", [None, b"", bytes(31), bytes(32)])
async def test_without_a_usable_key_nothing_is_shown(public_key: bytes | None) -> None:
    """None, one that is too short, and one that gives everybody the same secret."""
    it = Vault()
    _, letter = await poisoned_prompt(it)
    effects = await it.handle(it.operators, it.ask("show", letter, public_key=public_key))
    assert code(effects) is Code.OPERATOR_REQUEST_INVALID
    assert on(effects, Topic.OPERATOR_RESULTS)[0]["sealed"] is None


@pytest.mark.parametrize("command", ["show", "replay"])
async def test_what_came_before_an_erasure_is_neither_shown_nor_replayed(command: str) -> None:
    """Also when the subject has enrolled anew since; what came after it is."""
    it, key = Vault(), ReplyKey(SeededEntropy("reply"))
    await it.accepted(it.prompt(event_id="event-0"))
    _, letter = await poisoned_prompt(it)
    it.freshness.ends = {"prompts": 2}
    await it.handle(it.requests, it.request("erase"))
    assert code(await it.handle(it.operators, it.ask(command, letter, public_key=key.public_key))) is Code.SUBJECT_ERASED
    await it.accepted(it.prompt(event_id="event-2"))
    effects = await it.handle(it.operators, it.ask(command, letter, public_key=key.public_key))
    assert code(effects) is Code.SUBJECT_ERASED
    assert not again(effects)
    _, later = await poisoned_prompt(it, event_id="event-3")
    assert code(await it.handle(it.operators, it.ask(command, later, public_key=key.public_key))) is Code.OK


async def test_letters_about_masked_requests_go_with_their_subject() -> None:
    """They are keyed by a reference, and may hold what no detector found."""
    it, key = Vault(), ReplyKey(SeededEntropy("reply"))
    effects = await it.handle(it.redact, it.prompt())
    (issued,) = [output for output in effects.outputs if output.topic == Topic.REQUESTS]
    record = it.inbound(Topic.REQUESTS, issued.key, issued.value)
    it.carry_out(Effects(outputs=it.desk.letters.outputs(record, Code.INTERNAL_ERROR)))
    letter = max(offset for topic, _, offset in it.archive.records if topic == Topic.DEAD_LETTERS)
    assert code(await it.handle(it.operators, it.ask("show", letter, public_key=key.public_key))) is Code.OK
    await it.handle(it.requests, it.request("erase"))
    assert code(await it.handle(it.operators, it.ask("show", letter, public_key=key.public_key))) is Code.SUBJECT_ERASED


async def test_an_erasure_that_overtakes_a_replay_holds() -> None:
    """Replayed before the erasure is decided, read after it, at an offset beyond its fence: refused, and nobody is enrolled."""
    it = Vault()
    _, letter = await poisoned_prompt(it)
    it.freshness.ends = {"prompts": 1}
    erasure = await it.requests.prepare(it.request("erase"))  # it has asked where the topics end
    (output,) = again(await it.handle(it.operators, it.ask("replay", letter)))
    it.carry_out(erasure.decide(0, it.state))
    record = reread(it, output)
    assert record.offset >= it.freshness.ends["prompts"]
    effects = await it.handle(it.redact, record)
    assert [response["code"] for response in on(effects, "responses")] == [Code.SUBJECT_ERASED]
    assert not it.vault.key_count(it.digest)


@pytest.mark.parametrize("command", ["show", "replay"])
async def test_a_letter_whose_subject_has_rows_elsewhere_is_left_alone(command: str) -> None:
    """Since the partition count was changed, or the record came to the wrong partition: here nobody knows of an erasure."""
    it = Vault()
    _, letter = await poisoned_prompt(it)
    it.operators = replace(it.operators, partitions=1_000_003)
    effects = await it.handle(it.operators, it.ask(command, letter))
    assert code(effects) is Code.LETTER_MISPLACED
    assert again(effects) == []


async def test_a_consent_that_is_replayed_after_an_erasure_is_forgotten() -> None:
    """Like one that was said before it."""
    it = Vault()
    letter = await it.lettered(it.consents, it.consent("marketing", "grant"), poisoned=True)
    it.freshness.ends = {"consents": 1}
    erasure = await it.requests.prepare(it.request("erase"))
    (output,) = again(await it.handle(it.operators, it.ask("replay", letter)), Topic.CONSENTS)
    it.carry_out(erasure.decide(0, it.state))
    effects = await it.handle(it.consents, reread(it, output))
    assert effects == Effects()


async def test_an_erasure_that_failed_is_replayed() -> None:
    """Rights are exercised by it, once."""
    it = Vault()
    await it.accepted()
    letter = await it.lettered(it.requests, it.request("erase"), poisoned=True)
    (output,) = again(await it.handle(it.operators, it.ask("replay", letter)), Topic.SUBJECT_REQUESTS)
    assert "subject_erased" in facts(await it.handle(it.requests, reread(it, output)))


async def test_a_withdrawal_since_then_counts() -> None:
    """The prompt is read anew."""
    it = Vault()
    await it.handle(it.consents, it.consent("marketing", "grant"))
    _, letter = await poisoned_prompt(it, purpose="marketing")
    it.clock.advance(1)
    await it.handle(it.consents, it.consent("marketing", "withdraw"))
    (output,) = again(await it.handle(it.operators, it.ask("replay", letter)))
    effects = await it.handle(it.redact, reread(it, output))
    assert [response["code"] for response in on(effects, "responses")] == [Code.CONSENT_WITHDRAWN]


async def test_codes_that_ended_a_record_and_topics_between_roles_are_not_replayed() -> None:
    """Whoever sent it was answered, or it would be wrong again."""
    it = Vault()
    replayed = {Code.NOT_AVRO, Code.UNKNOWN_SCHEMA, Code.SCHEMA_NOT_APPROVED, Code.UNDECODABLE, Code.INTERNAL_ERROR}
    for number, each in enumerate(Code):
        for topic in Topic:
            record = replace(it.prompt(), topic=topic, offset=1_000 + number)
            it.carry_out(Effects(outputs=it.desk.letters.outputs(record, each)))
            letter = max(offset for name, _, offset in it.archive.records if name == Topic.DEAD_LETTERS)
            effects = await it.handle(it.operators, it.ask("replay", letter))
            may = each in replayed and topic in {Topic.PROMPTS, Topic.PROMPTS_BULK, Topic.CONSENTS, Topic.SUBJECT_REQUESTS}
            assert code(effects) is (Code.OK if may else Code.LETTER_NOT_REPLAYABLE), (each, topic)
            assert len(again(effects, topic)) == (1 if may else 1 if topic in {Topic.OPERATOR_RESULTS, Topic.AUDIT_EVENTS} else 0)


@pytest.mark.parametrize(
    "change",
    [
        lambda _: {"proof": None},
        lambda _: {"proof": b""},
        lambda _: {"proof": bytes(16)},
        lambda _: {"code": "undecodable"},
        lambda _: {"role": "egress"},
        lambda letter: {"at": letter["at"] + 1},
        lambda letter: {"lettered_at": letter["lettered_at"] + 1},
        lambda _: {"reference": bytes(16)},
        lambda letter: {"size_bytes": letter["size_bytes"] + 1},
        lambda _: {"epoch": 2},
        lambda letter: {"source_offset": 7, "sealed": reseal(letter, 7)},
        lambda letter: {"topic": "consents", "sealed": reseal(letter, letter["source_offset"], "consents")},
        lambda letter: {"source_partition": 1, "sealed": reseal(letter, letter["source_offset"], partition=1)},
        lambda letter: {"sealed": reseal(letter, letter["source_offset"])},
    ],
)
async def test_a_letter_that_vault_did_not_write_is_not_replayed(change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Anybody with the topic can seal; no field of a letter can be changed, and the same original sealed by another is not vault's."""
    it = Vault()
    _, letter = await poisoned_prompt(it)
    forge(it, letter, change)
    effects = await it.handle(it.operators, it.ask("replay", letter))
    assert code(effects) is Code.LETTER_UNPROVEN
    assert not again(effects)


def reseal(letter: dict[str, Any], offset: int, topic: str = "prompts", partition: int = 0) -> bytes:
    """An original of somebody's own, sealed as any role can."""
    return OPENER.sealer(1).seal(Original(b"acme\x1fanna", b"forged").to_bytes(), letter_aad(topic, partition, offset))


async def test_a_letter_that_does_not_open_is_said_to_be_unreadable() -> None:
    """Sealed to another epoch, altered, or not what a letter holds."""
    it = Vault()
    _, letter = await poisoned_prompt(it)
    aad = letter_aad("prompts", 0, 0)
    for sealed in (b"", b"\x01" * 80, OPENER.sealer(1).seal(b"\x02", aad), OPENER.sealer(1).seal(b"\x01" + bytes(7), aad)):
        forge(it, letter, lambda _, sealed=sealed: {"sealed": sealed})
        assert code(await it.handle(it.operators, it.ask("replay", letter))) is Code.LETTER_UNREADABLE
    it.archive.replace_value(Topic.DEAD_LETTERS, letter, b"?")
    assert code(await it.handle(it.operators, it.ask("replay", letter))) is Code.LETTER_UNPROVEN


async def test_what_is_not_there_any_more_and_what_never_was_are_told_apart() -> None:
    """By where the topic begins."""
    it = Vault()
    _, first = await poisoned_prompt(it)
    _, second = await poisoned_prompt(it, event_id="event-2")
    del it.archive.records[Topic.DEAD_LETTERS, 0, first]
    assert code(await it.handle(it.operators, it.ask("show", first))) is Code.LETTER_EXPIRED
    assert code(await it.handle(it.operators, it.ask("show", second + 1))) is Code.LETTER_MISSING


async def test_a_letter_past_its_retention_is_not_replayed_though_the_broker_has_it() -> None:
    """And the row that says that it was replayed goes only later."""
    it = Vault()
    _, letter = await poisoned_prompt(it)
    assert code(await it.handle(it.operators, it.ask("replay", letter))) is Code.OK
    (row,) = [key for key in it.state.rows if key[:1] == b"L"]
    it.clock.advance(LETTERS_KEPT_MS / 1000)
    it.swept()
    assert row in it.state.rows
    assert code(await it.handle(it.operators, it.ask("replay", letter))) is Code.LETTER_EXPIRED
    it.clock.advance(REMEMBERED_MS / 1000)
    it.swept()
    assert not [key for key in it.state.rows if key[:1] in {b"L", b"X"}]


async def test_an_original_that_does_not_fit_its_topic_any_more_is_not_replayed() -> None:
    """Its producer had compressed it. Refused by the broker, it would end the worker, at every start again."""
    it = Vault()
    assert LARGEST_REPLAY_BYTES + 10_000 < MAX_INPUT_BYTES
    large = b"x" * (LARGEST_REPLAY_BYTES - 11)
    for value, headers, expected in (
        (large, {}, Code.LETTER_TOO_LARGE),
        (large[1:], {}, Code.OK),
        (large[1:], {"h": b""}, Code.LETTER_TOO_LARGE),
    ):
        letter = await it.lettered(it.redact, it.inbound(Topic.PROMPTS, b"acme\x1fannabel", value, **headers))
        assert code(await it.handle(it.operators, it.ask("replay", letter))) is expected


@pytest.mark.parametrize(
    "fields",
    [
        {"operator": ""},
        {"operator": "Jane Doe"},
        {"operator": "DE89370400440532013000"},
        {"operator": "4111-1111-1111-1111"},
        {"reason": "x"},
        {"reason": "mail of jane.doe@example.com"},
        {"reason": "call +49 30 901820"},
        {"reason": "x" * 121},
        {"reason": "two\nlines"},
        {"letter_partition": 1},
    ],
)
async def test_a_request_without_a_name_and_a_reason_that_may_be_kept_is_refused(fields: dict[str, Any]) -> None:
    """What was said does not reach the audit log; nothing is opened."""
    it = Vault()
    _, letter = await poisoned_prompt(it)
    effects = await it.handle(it.operators, it.ask("replay", letter, **fields))
    (result,), (event,) = on(effects, Topic.OPERATOR_RESULTS), on(effects, Topic.AUDIT_EVENTS)
    assert (result["code"], event["fact"], event["code"]) == ("operator_request_invalid", "letter_refused", "operator_request_invalid")
    if "letter_partition" not in fields:
        assert (event["operator"], event["reason"]) == (None, None)
    assert not again(effects)


async def test_a_request_that_nobody_waits_for_any_more_is_not_carried_out() -> None:
    """Vault was away; the operator was told so."""
    it = Vault()
    _, letter = await poisoned_prompt(it)
    request = it.ask("replay", letter)
    it.clock.advance(31)
    effects = await it.handle(it.operators, request)
    assert code(effects) is Code.OPERATOR_REQUEST_LATE
    assert not again(effects)


async def test_a_broker_that_is_away_is_asked_again_for_as_long_as_the_operator_waits() -> None:
    """Then the request is late."""
    it = Vault()
    _, letter = await poisoned_prompt(it)
    it.archive.refusals = 3
    assert code(await it.handle(it.operators, it.ask("replay", letter))) is Code.OK
    it.archive.refusals = 10_000
    assert code(await it.handle(it.operators, it.ask("replay", letter))) is Code.OPERATOR_REQUEST_LATE


async def test_a_request_that_cannot_be_read_or_fails_is_dead_lettered() -> None:
    """And that letter is not replayed."""
    it = Vault()
    letter = await it.lettered(it.operators, it.inbound(Topic.OPERATOR_REQUESTS, None, NOT_AVRO))
    assert code(await it.handle(it.operators, it.ask("replay", letter))) is Code.LETTER_NOT_REPLAYABLE
    poisoned = it.operators.poisoned(it.ask("show", letter)).decide(0, it.state)
    assert [each["code"] for each in on(poisoned, Topic.DEAD_LETTERS)] == ["internal_error"]


async def test_letters_of_other_roles_are_shown_and_never_replayed() -> None:
    """They hold no proof: egress and notary have no key to make one."""
    it, key = Vault(), ReplyKey(SeededEntropy("reply"))
    letters = replace(it.desk.letters, prove=None)
    it.carry_out(Effects(outputs=letters.outputs(it.prompt(), Code.INTERNAL_ERROR)))
    letter = max(offset for topic, _, offset in it.archive.records if topic == Topic.DEAD_LETTERS)
    assert code(await it.handle(it.operators, it.ask("replay", letter))) is Code.LETTER_UNPROVEN
    assert code(await it.handle(it.operators, it.ask("show", letter, public_key=key.public_key))) is Code.OK
