"""A worker whose clock is wrong: ``python -m tests.fault.skewed_worker EGRESS_MS worker --role ROLE``.

Egress is so much ahead of the right time, which may be negative; vault as far behind it by a tenth of that. The notary is right.
"""

from __future__ import annotations

import sys
import time

from streamgate.adapters.system import SystemClock
from streamgate.cli import main

if __name__ == "__main__":
    ahead_ms = int(sys.argv.pop(1))
    skew_ms = {"egress": ahead_ms, "vault": -ahead_ms // 10}.get(sys.argv[-1], 0)
    vars(sys.modules[SystemClock.__module__])["SystemClock"].now_ms = lambda _self: time.time_ns() // 1_000_000 + skew_ms
    main()
