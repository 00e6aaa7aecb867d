"""Another partition count: every row of a data subject ends where they belong, none is lost, none stands twice, and what it refers to is there."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from streamgate.consent import ConsentEvent, ConsentState, Decision
from streamgate.errors import Code, Status
from streamgate.pipeline._home import home_of_subject
from streamgate.pipeline._outcome import Outcome, Phase, Source
from streamgate.pipeline._vaultstate import DIGEST, VaultState, expiry_row, timer_row
from streamgate.pipeline.ports.stage import Row
from streamgate.pipeline.repartition import Repartition
from streamgate.rights import Enrolment, admits, enrol, erase
from streamgate.types import Subject
from streamgate.vault import StateSealer
from tests.fakes.kms import FakeKms
from tests.fakes.state import FakeState

SEALER = StateSealer(FakeKms())
FENCES = {"prompts": 70, "consents": 30}
Partitions = dict[int, dict[bytes, bytes]]


@dataclass(frozen=True)
class Person:
    """A data subject and what is held of them."""

    name: int
    enrolled: bool
    erased: bool
    decided: bool
    prompts: int
    """At least one where nothing else is held."""

    @property
    def subject(self) -> Subject:
        return Subject("acme", f"s-{self.name}")

    @property
    def enrolment(self) -> Enrolment | None:
        if not self.enrolled and not self.erased:
            return None
        number = self.name.to_bytes(16, "big")
        enrolled = enrol(None, 5, reference=number, key_id=number[8:]) if self.enrolled else None
        return erase(enrolled, 6, FENCES) if self.erased else enrolled

    @property
    def consents(self) -> ConsentState:
        return ConsentState({None: ConsentEvent(None, Decision.WITHDRAW, 5, 29)})

    def outcome(self, number: int) -> Outcome:
        """The first is open, where nobody was erased; the others have ended."""
        opened = Outcome(
            phase=Phase.OPEN,
            tenant="acme",
            subject_id=self.subject.subject_id,
            event_id=f"e-{number}",
            purpose="support",
            basis="contract",
            reply_topic="responses",
            model="m",
            incarnation=1,
            digest="ab",
            arrived_ms=1,
            deadline_ms=9,
            opened_by=Source("prompts", number),
        )
        if number == 0 and not self.erased:
            return opened
        ended = opened.decided(Status.ANSWERED, Code.OK, Source("completions", number), 7).settled(100 + number)
        return ended.forget() if self.erased else ended

    def rows(self) -> list[Row]:
        vault, digest, enrolment = (
            VaultState(FakeState(), SEALER),
            SEALER.digest(b"subject", b"acme", f"s-{self.name}".encode()),
            self.enrolment,
        )
        rows = [] if enrolment is None else [vault.enrolment_row(self.subject, enrolment)]
        if enrolment is not None and self.enrolled and not self.erased:
            rows += [vault.key_row(digest, enrolment, b"wrapped"), vault.reference_row(digest, enrolment)]
        if self.decided and not self.erased:
            rows.append(vault.consents_row(self.subject, self.consents))
        for number in range(self.prompts):
            key, outcome = vault.outcome_key(self.subject, f"e-{number}"), self.outcome(number)
            timer = timer_row(9, key) if outcome.phase is Phase.OPEN else expiry_row(9, key)
            rows += [vault.outcome_row(key, outcome), timer]
        return rows


people = st.lists(
    st.builds(Person, st.integers(0, 500), st.booleans(), st.booleans(), st.booleans(), st.integers(1, 3)), unique_by=lambda each: each.name
)
counts = st.lists(st.integers(1, 9), min_size=2, max_size=3, unique=True).map(sorted)
READ = {number: {"prompts": 1_000 + number, "consents": 2_000 + number} for number in range(9)}


def stood(crowd: list[Person], count: int) -> Partitions:
    """Every row where it belongs under a count."""
    found: Partitions = {number: {} for number in range(9)}
    for person in crowd:
        for row in person.rows():
            found[home_of_subject(person.subject) % count][row.key] = row.value or b""
    return found


def changed(partitions: Partitions, before: int, after: int, kills: list[int]) -> None:
    """The command, killed after so many moves and run again, once for each number."""
    for most in (*kills, 10**6):
        for number in range(before):
            for move in list(Repartition(SEALER, after, READ).moves(number, dict(partitions[number])))[:most]:
                partitions[move.to] |= dict(move.rows)
                for key in move.gone:
                    del partitions[number][key]


@settings(max_examples=150, deadline=None)
@given(people, counts, st.lists(st.integers(0, 3), max_size=3))
def test_everything_of_a_subject_moves_together(crowd: list[Person], steps: list[int], kills: list[int]) -> None:
    """From count to count, with kills in between: the same rows, each once, on murmur2 modulo the count, and all of them open."""
    partitions = stood(crowd, steps[0])
    for before, after in pairwise(steps):
        changed(partitions, before, after, kills)
        assert not any(list(Repartition(SEALER, after).moves(number, rows)) for number, rows in partitions.items())
    held = sorted((key, number) for number, rows in partitions.items() for key in rows)
    assert held == sorted((row.key, home_of_subject(person.subject) % steps[-1]) for person in crowd for row in person.rows())
    for person in crowd:
        whole(person, partitions[home_of_subject(person.subject) % steps[-1]], steps)


def whole(person: Person, rows: dict[bytes, bytes], steps: list[int]) -> None:
    """What is held of a person is what was held, as it must read where it stands now."""
    state = FakeState()
    state.rows = dict(rows)
    vault, home = VaultState(state, SEALER), home_of_subject(person.subject)
    digest = vault.digest(person.subject)
    places = [home % count for count in steps]
    left = next((place for place, later in pairwise(places) if place != later), None)
    enrolment, was = vault.enrolment(digest), person.enrolment
    if enrolment is not None and was is not None:
        came = next((place for place, earlier in zip(places[:0:-1], places[-2::-1], strict=True) if place != earlier), None)
        assert enrolment == (was if came is None else was.moved(READ[came]))
        assert not person.erased or not admits(enrolment, "prompts", (FENCES if came is None else READ[came])["prompts"] - 1)
    if enrolment is not None and enrolment.erased_at_ms is None:
        assert vault.wrapped_key(digest, enrolment) == b"wrapped"
        assert vault.referenced(enrolment.reference) == (digest, 1)
    assert (vault.consents(digest) != ConsentState()) == (person.decided and not person.erased)
    for number in range(person.prompts):
        now, before = vault.outcome(vault.outcome_key(person.subject, f"e-{number}")), person.outcome(number)
        assert now == (before if left is None else before.moved(left))
        assert now is not None
        assert now.response_partition == (None if before.response_offset is None else left)


@settings(deadline=None)
@given(people, counts)
def test_a_survey_counts_what_moves(crowd: list[Person], steps: list[int]) -> None:
    """Before: who belongs elsewhere, and which prompts have not ended. Afterwards nobody; and no row is more or less."""
    before, after = steps[0], steps[-1]
    partitions = stood(crowd, before)
    surveyed = [Repartition(SEALER, after).survey(number, rows) for number, rows in partitions.items()]
    homes = [home_of_subject(person.subject) for person in crowd]
    assert sum(each.moving for each in surveyed) == sum(home % before != home % after for home in homes)
    assert sum(each.open_prompts for each in surveyed) == sum(not person.erased for person in crowd)
    assert (sum(each.subjects for each in surveyed), sum(each.unplaced for each in surveyed)) == (len(crowd), 0)
    changed(partitions, before, after, [])
    again = [Repartition(SEALER, after).survey(number, rows) for number, rows in partitions.items()]
    assert sum(each.moving for each in again) == 0
    assert sum(each.rows for each in again) == sum(each.rows for each in surveyed)


def test_keys_are_of_this_length() -> None:
    """Digests and timers are read out of keys by their place."""
    key = VaultState(FakeState(), SEALER).outcome_key(Subject("acme", "s"), "e")
    assert len(key) == 1 + 2 * DIGEST
    assert timer_row(5, key).key.endswith(key)
