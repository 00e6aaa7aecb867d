"""The provider's side of a call: the port, budgets, breaker, retries, and what a failure means.

It is not the client: no byte goes out here (``streamgate.adapters.openai_chat`` sends them), and no clock is read.
"""

from streamgate.provider._breaker import Breaker
from streamgate.provider._budget import WINDOW_SECONDS, Budget, Left, ModelBudget, Reserved, Wait
from streamgate.provider._budgets import Budgets
from streamgate.provider._call import ChatCall, ChatModel, ChatReply, Quota, RateHeaders
from streamgate.provider._classify import CODE_OF, RETRYABLE, classify, failed
from streamgate.provider._estimate import TokenEstimate, estimate_tokens
from streamgate.provider._failure import CallFailed, Reason
from streamgate.provider._headers import duration_seconds, rate_headers, retry_after_seconds
from streamgate.provider._reply import InvalidReply, error_codes, read_reply
from streamgate.provider._retry import RetryPolicy

__all__ = [
    "CODE_OF",
    "RETRYABLE",
    "WINDOW_SECONDS",
    "Breaker",
    "Budget",
    "Budgets",
    "CallFailed",
    "ChatCall",
    "ChatModel",
    "ChatReply",
    "InvalidReply",
    "Left",
    "ModelBudget",
    "Quota",
    "RateHeaders",
    "Reason",
    "Reserved",
    "RetryPolicy",
    "TokenEstimate",
    "Wait",
    "classify",
    "duration_seconds",
    "error_codes",
    "estimate_tokens",
    "failed",
    "rate_headers",
    "read_reply",
    "retry_after_seconds",
]
