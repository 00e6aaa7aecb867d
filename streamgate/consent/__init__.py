"""Who may be processed for what: the policy's values, a subject's decisions, and the one decision made of both.

It knows no topics, no keys and no files: ``streamgate.config`` reads the policy file, the pipeline stores the state.
"""

from streamgate.consent._basis import Basis
from streamgate.consent._decide import Allowed, Applied, Denied, apply, decide
from streamgate.consent._policy import Controller, Policy, Provider, Purpose, Tenant, policy_version
from streamgate.consent._state import ConsentEvent, ConsentState, Decision

__all__ = [
    "Allowed",
    "Applied",
    "Basis",
    "ConsentEvent",
    "ConsentState",
    "Controller",
    "Decision",
    "Denied",
    "Policy",
    "Provider",
    "Purpose",
    "Tenant",
    "apply",
    "decide",
    "policy_version",
]
