"""Settings and policy: read once at start, validated whole, every mistake listed at once.

Only ``streamgate.bootstrap``, ``streamgate.demo`` and ``streamgate.cli`` read settings. Nothing here reads the environment or a file on
import, and building ``Settings`` reads neither: ``load`` is given both.
"""

from streamgate.config._init import init
from streamgate.config._load import CONFIG_VARIABLE, DEFAULT_FILE, load
from streamgate.config._money import Money, MoneyBudget, Price
from streamgate.config._money_names import check_money
from streamgate.config._policy import load_policy
from streamgate.config._policy_providers import check_access
from streamgate.config._roles import check_role
from streamgate.config._secret import read_secret
from streamgate.config._sections import (
    Budget,
    DeadLetters,
    Egress,
    Kafka,
    Limits,
    Notary,
    ProviderAccess,
    Runtime,
    Schemas,
    Telemetry,
    Vault,
)
from streamgate.config._settings import Settings
from streamgate.config._show import reference, show

__all__ = [
    "CONFIG_VARIABLE",
    "DEFAULT_FILE",
    "Budget",
    "DeadLetters",
    "Egress",
    "Kafka",
    "Limits",
    "Money",
    "MoneyBudget",
    "Notary",
    "Price",
    "ProviderAccess",
    "Runtime",
    "Schemas",
    "Settings",
    "Telemetry",
    "Vault",
    "check_access",
    "check_money",
    "check_role",
    "init",
    "load",
    "load_policy",
    "read_secret",
    "reference",
    "show",
]
