"""The one composition root: settings and policy in, running workers and finished commands out. Only here adapters are picked."""

from streamgate.bootstrap._admin import (
    Decision,
    Right,
    apply_topics,
    check_topics,
    create_keys,
    follow,
    notice,
    produce_raw,
    publish_consent,
    request_right,
    verify_audit,
)
from streamgate.bootstrap._dead_letters import Answer, Command, Letter, Place, ask_about_letters, list_letters
from streamgate.bootstrap._installation import Installation, load
from streamgate.bootstrap._repartition import Moved, repartition
from streamgate.bootstrap._spend import BudgetOf, SpendReport, SpentFor, report_spending
from streamgate.bootstrap._worker import Detection, Worker, build_worker, run_worker, telemetry_of
from streamgate.pipeline._original import Original
from streamgate.topology import where

__all__ = [
    "Answer",
    "BudgetOf",
    "Command",
    "Decision",
    "Detection",
    "Installation",
    "Letter",
    "Moved",
    "Original",
    "Place",
    "Right",
    "SpendReport",
    "SpentFor",
    "Worker",
    "apply_topics",
    "ask_about_letters",
    "build_worker",
    "check_topics",
    "create_keys",
    "follow",
    "list_letters",
    "load",
    "notice",
    "produce_raw",
    "publish_consent",
    "repartition",
    "report_spending",
    "request_right",
    "run_worker",
    "telemetry_of",
    "verify_audit",
    "where",
]
