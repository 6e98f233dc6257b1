"""Which decided tickets of the version before a new version of the local model takes over as evidence."""

from collections.abc import Callable, Sequence

from fallbacks.autonomy.standing import observe
from fallbacks.ledger.past.examples import Example
from tasks.run.process import Process
from tasks.ticket import MAX_BODY_CHARS, Ticket
from worker.models.local.model import LocalModel
from worker.models.local.processes import read_ahead


def left_by(
    model: LocalModel, least: float, process: Process, examples: Sequence[Example]
) -> Callable[[Example], bool]:
    """Whether it does not take one of the examples over: see `fallbacks/autonomy/carried.py`. least: its threshold."""
    read_ahead(model, list(map(_ticket, examples)))

    def left(example: Example) -> bool:
        guess = model.guess(_ticket(example))
        stands = not model.why_not(guess) and round(guess.confidence, 4) >= least
        if stands and process.key({"label": guess.label}) == process.key(example.agent or {}):
            return False
        return observe(example, process).agreed or not model.has_learned(example.text)

    return left


def _ticket(example: Example) -> Ticket:
    return Ticket(source="carried", subject="", body=example.text[:MAX_BODY_CHARS])
