"""Every error this package raises."""


class FallbacksError(Exception):
    """Base of the package's errors."""


class IdempotencyConflict(FallbacksError):
    """The id or key was used before with another body. Nothing was changed."""

    def __init__(self, ticket_id: str) -> None:
        super().__init__(f"ticket {ticket_id!r} was accepted before with another body")
        self.ticket_id = ticket_id


class UnknownTicket(FallbacksError):
    """There is no ticket with this id."""

    def __init__(self, ticket_id: str) -> None:
        super().__init__(f"there is no ticket {ticket_id!r}")
        self.ticket_id = ticket_id


class Stale(FallbacksError):
    """A person acted on something that changed meanwhile, or that somebody else holds. Nothing was changed.

    state, version, holder: how it is now.
    """

    def __init__(self, message: str, *, state: str, version: int, holder: str) -> None:
        super().__init__(message)
        self.state = state
        self.version = version
        self.holder = holder


class BooksUnreachable(FallbacksError):
    """The store did not answer, or refused to write. Whoever waits must try again; nothing may be assumed."""
