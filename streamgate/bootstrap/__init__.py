"""The one composition root: settings and policy in, running workers and finished commands out. Only here adapters are picked."""

from streamgate.bootstrap._admin import (
    Decision,
    Right,
    apply_topics,
    check_topics,
    create_keys,
    notice,
    publish_consent,
    request_right,
    verify_audit,
)
from streamgate.bootstrap._installation import Installation, load
from streamgate.bootstrap._worker import Detection, Worker, build_worker, run_worker

__all__ = [
    "Decision",
    "Detection",
    "Installation",
    "Right",
    "Worker",
    "apply_topics",
    "build_worker",
    "check_topics",
    "create_keys",
    "load",
    "notice",
    "publish_consent",
    "request_right",
    "run_worker",
    "verify_audit",
]
