"""The base of the generated operations: turns calls into requests, and responses into payloads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, Unpack

from nescord_core.rest.client.parameters import Call, given

__all__ = ["Caller"]

T = TypeVar("T")


class Caller:
    """One method for each form of response."""

    async def _fetch(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        json: Any = None,
        form: Mapping[str, Any] | None = None,
        files: Sequence[Any] = (),
        extra: Mapping[str, Any] | None = None,
        reason: str | None = None,
        **call: Unpack[Call],
    ) -> Any:
        """Send a request (see `RestClient`). Returns decoded JSON, bytes of another type, or None."""
        raise TypeError(f"{type(self).__name__} cannot send {method} {path}: it has no transport.")

    async def _one(self, method: str, path: str, reader: Callable[..., T], **request: Any) -> T:
        return _payload(reader, await self._fetch(method, path, **request))

    async def _maybe(self, method: str, path: str, reader: Callable[..., T], **request: Any) -> T | None:
        answer = await self._fetch(method, path, **request)
        return None if answer is None else _payload(reader, answer)

    async def _many(self, method: str, path: str, reader: Callable[..., T], **request: Any) -> list[T]:
        answer = await self._fetch(method, path, **request)
        return [_payload(reader, item) for item in answer or ()]

    async def _nothing(self, method: str, path: str, **request: Any) -> None:
        await self._fetch(method, path, **request)

    async def _bytes(self, method: str, path: str, **request: Any) -> bytes:
        return bytes(await self._fetch(method, path, **request))


def merged(json: Any, extra: Mapping[str, Any] | None) -> Any:
    """Return the body to send: the given arguments, and fields that the method has no argument for."""
    if not isinstance(json, Mapping):
        return json
    return {**given(json), **(extra or {})}


def _payload(reader: Callable[..., T], answer: Any) -> T:
    # A success without a body (202: not ready yet) becomes an empty payload.
    return reader() if answer is None else reader(answer)
