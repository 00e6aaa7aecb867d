"""The provider's side of a call: the port, budgets, breaker, retries, and what a failure means.

It is not the client: no byte goes out here (``streamgate.adapters.openai_chat`` sends them), and no clock is read.
"""

from streamgate.provider._amount import NOTHING, Amount, limit
from streamgate.provider._batch import NOT_BEGUN, BatchLine, BatchModel, BatchStatus, ProviderBatch
from streamgate.provider._batch_reply import identifier, read_batch, read_line
from streamgate.provider._breaker import Breaker
from streamgate.provider._budgets import Budgets, Reserved, Shares
from streamgate.provider._call import ChatCall, ChatModel, ChatReply, Quota, RateHeaders
from streamgate.provider._classify import CODE_OF, NOT_BILLED, RETRYABLE, classify, failed
from streamgate.provider._estimate import TokenEstimate, estimate_tokens
from streamgate.provider._failure import CallFailed, Reason
from streamgate.provider._fallback import FALLS_BACK, Left, Providers
from streamgate.provider._foreign import Foreign
from streamgate.provider._headers import duration_seconds, rate_headers, retry_after_seconds
from streamgate.provider._join import Entry, Known, State
from streamgate.provider._member import Member
from streamgate.provider._pool import Announcement, Ghost, Holding, Pool, Report
from streamgate.provider._price import PRICE_DECIMALS, SCALE, Price, Prices, amount_of, money_of, percent_of, plain
from streamgate.provider._purse import Hold, MoneyLimit, Payable, Period, Purse, Scope, Whose
from streamgate.provider._queue import Claim, Ticket
from streamgate.provider._reply import InvalidReply, error_codes, read_reply
from streamgate.provider._retry import RetryPolicy
from streamgate.provider._spent import Bill, SpendAccount, Spent, day_from, day_of, day_text, month_of
from streamgate.provider._want import Need
from streamgate.provider._window import WINDOW_SECONDS, Window

__all__ = [
    "CODE_OF",
    "FALLS_BACK",
    "NOTHING",
    "NOT_BEGUN",
    "NOT_BILLED",
    "PRICE_DECIMALS",
    "RETRYABLE",
    "SCALE",
    "WINDOW_SECONDS",
    "Amount",
    "Announcement",
    "BatchLine",
    "BatchModel",
    "BatchStatus",
    "Bill",
    "Breaker",
    "Budgets",
    "CallFailed",
    "ChatCall",
    "ChatModel",
    "ChatReply",
    "Claim",
    "Entry",
    "Foreign",
    "Ghost",
    "Hold",
    "Holding",
    "InvalidReply",
    "Known",
    "Left",
    "Member",
    "MoneyLimit",
    "Need",
    "Payable",
    "Period",
    "Pool",
    "Price",
    "Prices",
    "ProviderBatch",
    "Providers",
    "Purse",
    "Quota",
    "RateHeaders",
    "Reason",
    "Report",
    "Reserved",
    "RetryPolicy",
    "Scope",
    "Shares",
    "SpendAccount",
    "Spent",
    "State",
    "Ticket",
    "TokenEstimate",
    "Whose",
    "Window",
    "amount_of",
    "classify",
    "day_from",
    "day_of",
    "day_text",
    "duration_seconds",
    "error_codes",
    "estimate_tokens",
    "failed",
    "identifier",
    "limit",
    "money_of",
    "month_of",
    "percent_of",
    "plain",
    "rate_headers",
    "read_batch",
    "read_line",
    "read_reply",
    "retry_after_seconds",
]
