"""The doors of the ledger, and the ids that belong to one of them."""

from collections.abc import Container

from worker.config.errors import WorkerError

HTTP, CELERY, INTAKE, MAIL, COMMAND = "http", "celery", "intake", "mail", "command"


class IdOfHookError(WorkerError):
    """A ticket came by another door under an id as only a helpdesk's hook gives them."""

    def __init__(self, ticket_id: str, hook: str) -> None:
        super().__init__(f"the id {ticket_id!r} is one of the hook {hook!r}: no other door may take it")


def refuse_id_of_hook(ticket_id: str | None, hooks: Container[str]) -> None:
    """Raises `IdOfHookError`. hooks: the names of those that are set up."""
    name, separator, _ = (ticket_id or "").partition(":")
    if separator and name in hooks:
        raise IdOfHookError(ticket_id or "", name)
