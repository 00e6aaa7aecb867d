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
from streamgate.bootstrap._installation import Installation, load
from streamgate.bootstrap._spend import BudgetOf, SpendReport, SpentFor, report_spending
from streamgate.bootstrap._worker import Detection, Worker, build_worker, run_worker, telemetry_of

__all__ = [
    "BudgetOf",
    "Decision",
    "Detection",
    "Installation",
    "Right",
    "SpendReport",
    "SpentFor",
    "Worker",
    "apply_topics",
    "build_worker",
    "check_topics",
    "create_keys",
    "follow",
    "load",
    "notice",
    "produce_raw",
    "publish_consent",
    "report_spending",
    "request_right",
    "run_worker",
    "telemetry_of",
    "verify_audit",
]
