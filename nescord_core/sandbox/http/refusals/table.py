"""The table of refusals, by operationId, and what they have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from nescord_core.sandbox.http.operation_call import Call
from nescord_core.sandbox.http.refusals.error_codes import SENT
from nescord_core.sandbox.world.simcord.model import BackendError, Channel, Message, channel_accessible

__all__ = ["Refusal", "Refusals", "bot_may", "refuse", "visible_channel", "visible_message"]

Refusal = Callable[[Call], None]
"""Raises a BackendError for a call that Discord refuses."""


class Refusals:
    """The refusals of one module."""

    def __init__(self) -> None:
        self._refusals: list[tuple[str, Refusal]] = []

    def before(self, *operation_ids: str) -> Callable[[Refusal], Refusal]:
        """Run the decorated function before the routes of these operations."""

        def enter(refusal: Refusal) -> Refusal:
            self._refusals += [(each, refusal) for each in operation_ids]
            return refusal

        return enter

    def items(self) -> Iterable[tuple[str, Refusal]]:
        """Return the operations with their refusals."""
        return self._refusals


def refuse(code: int) -> BackendError:
    """Return the error with this code, to raise."""
    status, message = SENT[code]
    return BackendError(status, code, message)


def visible_channel(call: Call, channel_id: int | None = None) -> Channel | None:
    """Return a channel, by default the one in the path; None if the route answers that it is not there."""
    model = call.world.model
    found = model.channels.get(call.id("channel_id") if channel_id is None else channel_id)
    if found is None or not channel_accessible(model, found.id, model.bot_user.id):
        return None
    return found


def visible_message(call: Call) -> Message | None:
    """Return the message in the path; None if the route answers that it is not there."""
    channel = visible_channel(call)
    messages = {} if channel is None else call.world.model.messages.get(channel.id, {})
    return messages.get(call.id("message_id"))


def bot_may(call: Call, channel: Channel, *permissions: str) -> bool:
    """Return whether the bot has these permissions in a channel."""
    model = call.world.model
    try:
        model.require_permissions(channel.guild_id, model.bot_user.id, channel.id, *permissions)
    except BackendError:
        return False
    return True
