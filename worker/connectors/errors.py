"""What connectors raise."""

from worker.config.errors import WorkerError


class UnreadableMailError(WorkerError):
    """A mail cannot be read as a ticket; the message says why. It is kept whole in the inbox."""


class MailboxError(WorkerError):
    """The mailbox refused or did not answer. What was taken stays taken; the rest is still there."""


class MailRefusedError(MailboxError):
    """The mailbox does not give one mail. It stays unseen; the others can be had."""


class UnreadableFileError(WorkerError):
    """A file or folder that holds no mail, or cannot be read. The message says why, without its name."""


class HookFileError(WorkerError):
    """A field map cannot be used. The message is `FILE: reason`."""


class HookRefusedError(WorkerError):
    """A call to a hook does not prove where it comes from."""


class UnmappedError(WorkerError):
    """An event does not fit its field map; the message says where. It is kept whole in the inbox."""
