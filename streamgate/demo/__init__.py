"""The demo: embedded broker, simulated provider, sample traffic, and an honest look at what came through.

Every role runs in this one process, so it does not keep promise 6, and the embedded broker cannot keep all of 3 and 5; it says so.
"""

from streamgate.demo._bench import BenchOptions, bench
from streamgate.demo._delivery import bench_delivery
from streamgate.demo._options import DemoOptions
from streamgate.demo._report import Report
from streamgate.demo._run import run
from streamgate.demo._screen import show

__all__ = ["BenchOptions", "DemoOptions", "Report", "bench", "bench_delivery", "run", "show"]
