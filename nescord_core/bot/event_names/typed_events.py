"""`listener.on`; the generated typed_events.pyi declares which payload the handlers of each event take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["TypedEvents"]


class TypedEvents:
    """The base of `WsListener`, so that type checkers see one overload of `on` for each payload."""

    _on: Callable[..., Any]
    """Registers a function; defined by `WsListener`."""

    def on(self, event: Any = None, *, ordered: bool | None = None) -> Any:
        """Register a function for an event: ``message_create``, ``EventType.MESSAGE_CREATE``, ``*`` for all.

        Without an event, it is the one that the function is named after (``on_message_create``), or the only
        one with the payload that the function's annotation names.

        The function is async or plain and takes the payload, or the payload and its `EventInfo`. A plain one,
        and an async one up to its first await, runs in the order of the guild's events. With ``ordered`` the
        guild's next event starts only after this handler has finished. Several ``on`` may be stacked. Raises
        EntryError, with file and line, for an unknown event or an unsuitable function.
        """
        return self._on(event, ordered=ordered)
