"""Whatever the values are, what a plan drops or hides is not in what is left."""

from __future__ import annotations

from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from streamgate.client import Prompt
from streamgate.codec import SchemaSet, packaged_schemas
from streamgate.errors import Refused
from streamgate.minimise import Limits, Treatment, minimise, plan

SCHEMA: Final = SchemaSet.load(packaged_schemas()).latest("prompts")
NAMES: Final = sorted(path.partition(".")[2] for path, rule in SCHEMA.rules.items() if path.startswith("context."))
TEXTS: Final = [name for name in NAMES if name not in {"birth_date", "order_total"}]
VALUES = st.dictionaries(st.sampled_from(TEXTS), st.text(alphabet="abcdefgh0123", min_size=12, max_size=24), max_size=6)


@settings(max_examples=200, deadline=None)
@given(VALUES, st.sampled_from(["support", "clinical", "hr"]))
def test_hidden_values_are_not_in_plain_segments(values: dict[str, str], purpose: str) -> None:
    """A value that is dropped, sealed, masked, generalised or for another purpose stands in no segment that may leave as it is."""
    record = Prompt(tenant="acme", subject="s", purpose=purpose, messages=[("user", "hello there")], context=dict(values)).record(1)
    left = minimise(plan(SCHEMA, purpose), record, Limits())
    open_texts = " ".join(segment.text for segment in left.context if segment.treatment is Treatment.PLAIN)
    for name, value in values.items():
        rule = SCHEMA.rules[f"context.{name}"]
        hidden = rule.action in {"drop", "seal", "mask", "generalise"} or (rule.purposes and purpose not in rule.purposes)
        if hidden and not any(value == other for key, other in values.items() if key != name):
            assert value not in open_texts


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3), max_leaves=8)
)
def test_any_messages_are_minimised_or_refused(messages: object) -> None:
    """Whatever stands where messages belong, the answer is a result or a refusal."""
    record = Prompt(tenant="acme", subject="s", purpose="support", messages=[("user", "x")]).record(1) | {"messages": messages}
    try:
        minimise(plan(SCHEMA, "support"), record, Limits())
    except Refused:
        return
