"""The soak: real workers on a real broker, a seeded list of faults, and a checker that reads every topic afterwards.

The checker and the schedule are pure. It shows faults that it was made to look for; it proves nothing about others.
"""

from streamgate.demo.soak._check import Verdict, check
from streamgate.demo.soak._options import SoakOptions
from streamgate.demo.soak._run import Outcome, planned, soak
from streamgate.demo.soak._screen import document, show_outcome, show_plan

__all__ = ["Outcome", "SoakOptions", "Verdict", "check", "document", "planned", "show_outcome", "show_plan", "soak"]
