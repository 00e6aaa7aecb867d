"""What replicas say of shared limits survives being written and read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streamgate.adapters._share_records import Said, from_record, to_record
from streamgate.codec import SchemaSet, encode, packaged_schemas, parse_frame
from streamgate.provider import Amount, Announcement, Ghost, Holding, Known, Report, State
from streamgate.types import Topic

SCHEMA = SchemaSet.load(packaged_schemas()).latest(Topic.BUDGET)
NUMBERS = st.integers(0, 2**40)
NAMES = st.text(max_size=20)
AMOUNTS = st.builds(Amount, NUMBERS, NUMBERS)
USED = st.lists(AMOUNTS, max_size=12).map(tuple)
MILLISECONDS = st.integers(0, 10**7).map(lambda number: number / 1000)
HOLDINGS = st.dictionaries(NAMES, st.builds(Holding, AMOUNTS, AMOUNTS, USED), max_size=3)
OFFSETS = st.integers(-1, 2**40)
REPORTS = st.dictionaries(NAMES, st.builds(Report, AMOUNTS, AMOUNTS, AMOUNTS, USED, AMOUNTS), max_size=3)
DEAD = st.lists(st.tuples(NAMES, NUMBERS), max_size=3).map(tuple)
STATES = st.builds(
    State,
    NAMES,
    NAMES,
    OFFSETS,
    st.dictionaries(NAMES, st.builds(Known, NUMBERS, MILLISECONDS, HOLDINGS), max_size=3),
    st.lists(st.builds(Ghost, NAMES, AMOUNTS, MILLISECONDS), max_size=3).map(tuple),
    OFFSETS,
)
REPORTED = st.builds(Announcement, NAMES, NUMBERS, REPORTS, OFFSETS, DEAD, leaving=st.booleans())
JOINING = st.builds(Announcement, NAMES, NUMBERS, st.just({}), joining=st.just(True))


@given(st.one_of(STATES, REPORTED, JOINING))
def test_what_is_said_is_what_is_heard(said: Said) -> None:
    """In the bytes of its schema."""
    frame = parse_frame(encode(SCHEMA, to_record(said)))
    assert from_record(SCHEMA.decode(frame.payload)) == said
