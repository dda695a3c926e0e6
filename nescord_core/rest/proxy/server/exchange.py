"""The interface between a caller's connection and a request that no task is needed for."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Protocol

from nescord_core.rest.proxy.server.response import EncodedResponse, Response

__all__ = ["Caller", "PendingResponse"]


class Caller(Protocol):
    """What a pending response ends with: one of the two, once."""

    def respond(self, answer: EncodedResponse | Response) -> None:
        """Send the response."""
        ...

    def wait_for(self, work: Coroutine[Any, Any, Response]) -> None:
        """Send what the coroutine returns; until that has begun to run, `PendingResponse.cancel` may come."""
        ...


class PendingResponse:
    """A response that is on its way and that no task waits for."""

    __slots__ = ()

    def begin(self, caller: Caller) -> None:
        """Name the caller; nothing comes before this."""
        raise NotImplementedError

    def cancel(self) -> None:
        """Give up: the caller has left."""
        raise NotImplementedError
