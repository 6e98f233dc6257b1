"""Every error this package raises."""

from tasks.language import _


class FallbacksError(Exception):
    """Base of the package's errors."""


class IdempotencyConflict(FallbacksError):
    """The id or key was used before with another body. Nothing was changed."""

    def __init__(self, ticket_id: str) -> None:
        super().__init__(_("ticket %(ticket)s was accepted before with another body", ticket=repr(ticket_id)))
        self.ticket_id = ticket_id


class SourceLimited(FallbacksError):
    """A source sends more tickets than it may. wait_ms: until it may send another."""

    def __init__(self, source: str, wait_ms: int) -> None:
        super().__init__(f"the source {source!r} sends more tickets a minute than it may")
        self.wait_ms = wait_ms


class MessageConflict(FallbacksError):
    """The ticket has a message with this id and another body. Nothing was changed."""

    def __init__(self, ticket_id: str, message_id: str) -> None:
        super().__init__(f"ticket {ticket_id!r} has a message {message_id!r} with another body")
        self.ticket_id = ticket_id


class ConversationFull(FallbacksError):
    """With this message the conversation would be larger than it may. Nothing was changed."""

    def __init__(self, ticket_id: str) -> None:
        super().__init__(f"the conversation of ticket {ticket_id!r} has no room for it (DESKHAND_CONVERSATION_CHARS)")
        self.ticket_id = ticket_id


class UnknownTicket(FallbacksError):
    """There is no ticket with this id."""

    def __init__(self, ticket_id: str) -> None:
        super().__init__(_("there is no ticket %(ticket)s", ticket=repr(ticket_id)))
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


class NotAllowed(FallbacksError):
    """This person may not do it, though others may. Nothing was changed."""


class OtherGroup(NotAllowed):
    """The ticket is with a group, such as a team, that this person does not work for. group: e.g. "team:cards"."""

    def __init__(self, ticket_id: str, group: str) -> None:
        whose = group.replace(":", " ").replace("_", " ")
        super().__init__(f"{ticket_id} is with {whose}, for whom you do not work: ask them to give it to yours")
        self.ticket_id = ticket_id
        self.group = group


class StoreUnreachable(FallbacksError):
    """The store did not answer, or refused to write. Whoever waits must try again; nothing may be assumed."""


class HistoryUnreachable(StoreUnreachable):
    """The history did not answer, or refused to write. What has ended stays in the store meanwhile; nothing is lost."""


class UserExists(FallbacksError):
    """Somebody has this name already. Nothing was changed."""

    def __init__(self, name: str) -> None:
        super().__init__(_("there is already a user %(name)s", name=repr(name)))
        self.name = name


class UnknownUser(FallbacksError):
    """Nobody has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(_("there is no user %(name)s", name=repr(name)))
        self.name = name


class SignInThrottled(FallbacksError):
    """Too many tries to sign in with this name or from this address."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(_("too many tries to sign in; wait %(minutes)s minutes", minutes=retry_after_seconds // 60))
        self.retry_after_seconds = retry_after_seconds


class UnknownApiKey(FallbacksError):
    """There is no API key with this id."""

    def __init__(self, key_id: str) -> None:
        super().__init__(_("there is no API key %(key)s: `deskhand keys list` shows them", key=repr(key_id)))
        self.key_id = key_id


class WebhookSecretError(FallbacksError):
    """A webhook secret is not `whsec_` and base64."""


class AlertRefused(FallbacksError):
    """The receiver of alerts did not take one. Says nothing of its address, which may be a secret."""


class WebhookMessageGone(FallbacksError):
    """There is no outcome message with this id, or its week is over."""

    def __init__(self, message_id: str) -> None:
        super().__init__(f"there is no webhook message {message_id!r}, or its week is over")
        self.message_id = message_id
