"""Which fields survive: schema and purpose give a plan, plan and record give what may be looked at. Default deny.

What it is not: a detector or a masker. It never sees a key, and what it calls free text is still raw.
"""

from streamgate.minimise._envelope import EVENT_ID_CHARACTERS, Envelope, read_envelope
from streamgate.minimise._limits import Limits
from streamgate.minimise._minimise import minimise
from streamgate.minimise._plan import Plan, plan
from streamgate.minimise._values import Minimised, RawMessage, Segment, Treatment

__all__ = [
    "EVENT_ID_CHARACTERS",
    "Envelope",
    "Limits",
    "Minimised",
    "Plan",
    "RawMessage",
    "Segment",
    "Treatment",
    "minimise",
    "plan",
    "read_envelope",
]
