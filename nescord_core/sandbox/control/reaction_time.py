"""Decides how soon a person can use what the bot has sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["RECENT", "USES", "ReactionTime"]

PAUSES = (0.01,) * 5
"""Seconds between the request of a script and the action: together less than any person needs to react.

Several, because one would be over at once in a process that stood still meanwhile; then the response, which
stood still as well, would lose its head start.
"""

RECENT = 1.0
"""Seconds after a write of the bot in which actions are held back."""

USES = frozenset({"click", "select", "submit_modal", "react", "unreact", "vote"})
"""Actions on what the bot has sent. What starts something new (a message, a command) is never held back."""


@dataclass(slots=True)
class ReactionTime:
    """Keeps scripts from using a message or a form before the bot has the response to sending it.

    The control API shows a message at once, while the response may still be on its way through proxies.
    Libraries register a view or a modal once they have the response, and silently drop an interaction with an
    unknown one (discord.py: `Messageable.send`, `InteractionResponse.send_modal`). No person is that fast.
    """

    written_at: float = float("-inf")
    """When the bot's latest write was answered."""

    def written(self, now: float) -> None:
        """Note that a request of the bot that may have sent or changed something has been answered."""
        self.written_at = now

    def pauses(self, action: str, now: float) -> Sequence[float]:
        """Return the seconds to hold an action back, as pauses to make one after the other."""
        return PAUSES if action in USES and now - self.written_at < RECENT else ()
