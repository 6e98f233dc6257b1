"""Which decided tickets of the version before a new version of the local model takes over as evidence."""

from collections.abc import Callable

from fallbacks.autonomy.standing import observe
from fallbacks.ledger.examples import Example
from tasks.run.process import Process
from tasks.ticket import MAX_BODY_CHARS, Ticket
from worker.models.local.model import LocalModel


def left_by(model: LocalModel, least: float, process: Process) -> Callable[[Example], bool]:
    """Whether it does not take an example over: see `fallbacks/autonomy/carried.py`. least: its threshold."""

    def left(example: Example) -> bool:
        ticket = Ticket(source="carried", subject="", body=example.text[:MAX_BODY_CHARS])
        guess = model.guess(ticket)
        stands = not model.why_not(guess) and round(guess.confidence, 4) >= least
        if stands and process.key({"label": guess.label}) == process.key(example.agent or {}):
            return False
        return observe(example, process).agreed or not model.has_learned(example.text)

    return left
