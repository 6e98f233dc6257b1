"""A model's API on 127.0.0.1, in each make's form: a rule-based agent over real HTTP, with each failure by a switch."""

from worker.simulator.faults import Fault, FaultName
from worker.simulator.server import Simulator, run_in_thread

__all__ = ["Fault", "FaultName", "Simulator", "run_in_thread"]
