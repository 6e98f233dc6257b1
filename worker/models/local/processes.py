"""Many tickets on several cores: forked, so that the weights are there once."""

import multiprocessing
import os
import warnings
from collections.abc import Sequence
from itertools import chain

from tasks.conversation import Conversation
from tasks.ticket import Ticket
from worker.models.local.model import AT_ONCE, Guess, LocalModel

WORTH = 4 * AT_ONCE
"""Tickets; for fewer a process is not worth its start."""

_forked = list[tuple[LocalModel, Sequence[Sequence[Ticket]]]]()
"""In a forked process the one model that it reads with, and what there is to read: nothing of it is sent."""


def read_ahead(model: LocalModel, tickets: Sequence[Ticket]) -> None:
    """Let a model know what it will make of these, in the place of those before. On every core."""
    plain = [ticket for ticket in tickets if not isinstance(ticket, Conversation)]
    texts = (ticket.text for ticket in plain)
    model.known = dict(zip(texts, guesses_of(model, plain, os.cpu_count() or 1), strict=True))


def guesses_of(model: LocalModel, tickets: Sequence[Ticket], processes: int) -> list[Guess]:
    """What `LocalModel.guesses` says, by so many processes; by this one where there are few tickets, or no fork."""
    if processes < 2 or len(tickets) < WORTH or "fork" not in multiprocessing.get_all_start_methods():
        return model.guesses(tickets)
    parts = [tickets[start : start + AT_ONCE] for start in range(0, len(tickets), AT_ONCE)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads or not: what is forked takes no lock of theirs
        pool = multiprocessing.get_context("fork").Pool(processes, _forked.append, ((model, parts),))
    with pool:
        return list(chain.from_iterable(pool.imap(_read, range(len(parts)))))


def _read(part: int) -> list[Guess]:
    ((model, parts),) = _forked
    return model.guesses(parts[part])
