"""How a process's results stand in the ledger: the fields of a row, and the inbox indexes its item is found by."""

import json

from fallbacks.plan import InboxQueue
from tasks.reasons import Reason
from tasks.run.process import Process, Result


def result_names(process: Process) -> list[str]:
    """The fields of a row that hold its result."""
    return ["decision", process.keyed_by]


def result_fields(process: Process, result: Result) -> dict[str, str]:
    """What these fields say of a result."""
    return {"decision": json.dumps(result, ensure_ascii=False), process.keyed_by: process.key(result)}


def item_facets(process: Process, queue: InboxQueue, reason: Reason | None, result: Result | None) -> list[str]:
    """The inbox indexes an item stands in besides the whole: by queue, reason and the process's own facets."""
    facets = [f"queue:{queue.value}"]
    if reason is not None:
        facets.append(f"reason:{reason.value}")
    return facets + list(facets_of(process, result).values())


def facets_of(process: Process, result: Result | None) -> dict[str, str]:
    """The process's own, by name: `team:cards`. What is of no group stands in an index, too: `team:`."""
    groups = {name: f"{name}:" for name in process.facet_names if name != process.keyed_by}
    found = process.facets(result) if result else {}
    return groups | {name: f"{name}:{value}" for name, value in found.items()}
