"""Outcomes to whom they are addressed: the webhook, the queue, and the helpdesks that tickets came from."""

from collections.abc import Mapping

from fallbacks.delivery.outbox import Message, OutcomeSender, Receipt


class Receivers:
    """An `OutcomeSender` over others, by the receiver's name; `hook:zendesk` is found under `hook`."""

    def __init__(self, senders: Mapping[str, OutcomeSender]) -> None:
        self._senders = senders

    async def send(self, message: Message) -> tuple[Receipt, str]:
        """Pass it on. What nobody receives any more waits, as for a receiver that is down: it may be set again."""
        sender = self._senders.get(message.to.partition(":")[0])
        if sender is None:
            return Receipt.FAILED, f"no receiver {message.to!r} is set"
        return await sender.send(message)
