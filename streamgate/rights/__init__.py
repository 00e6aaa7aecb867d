"""What a data subject may ask for: enrolment and erasure as a state table, the documents that answer a request, the privacy notice.

It decides and writes text; it destroys no key and reads no topic: the pipeline does.
"""

from streamgate.rights._enrolment import Enrolment, Standing, admits, enrol, erase, standing
from streamgate.rights._export import Held, Use, export_document
from streamgate.rights._horizons import NOT_KEPT_EMBEDDED, Horizons
from streamgate.rights._notice import generate
from streamgate.rights._receipt import Destroyed, erasure_receipt
from streamgate.rights._words import Rule

__all__ = [
    "NOT_KEPT_EMBEDDED",
    "Destroyed",
    "Enrolment",
    "Held",
    "Horizons",
    "Rule",
    "Standing",
    "Use",
    "admits",
    "enrol",
    "erase",
    "erasure_receipt",
    "export_document",
    "generate",
    "standing",
]
