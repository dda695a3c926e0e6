"""A bot's client for Discord's HTTP API, through the rest service or directly."""

from __future__ import annotations

import asyncio
import secrets
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Self, TypeVar, Unpack, overload

import aiohttp
import msgspec

from nescord_core._version import USER_AGENT
from nescord_core.errors import DiscordHTTPError, TransportError
from nescord_core.payloads import Interaction, Message
from nescord_core.rest.client.bodies import InteractionDataBody, MessageArguments, MessageReferenceBody
from nescord_core.rest.client.errors import error_of, mask
from nescord_core.rest.client.operations_base import merged
from nescord_core.rest.client.pagination import every
from nescord_core.rest.client.parameters import UNSET, Call, FileLike
from nescord_core.rest.client.request import Request, build
from nescord_core.rest.client.retries import NoRoomError, unreachable, until_answered
from nescord_core.rest.client.usual_names import UsualNames
from nescord_core.rest.client.wrong_arguments import check
from nescord_core.tracing import cause, spans

__all__ = ["RestClient", "close_all"]

EPHEMERAL = 1 << 6
T = TypeVar("T")

_open_clients: weakref.WeakSet[RestClient] = weakref.WeakSet()


class RestClient(UsualNames):
    """Calls Discord's HTTP API: one method for every operation, named after its operationId.

    The usual ones have a second name, such as `send_message`, `react`, `kick` and `edit_response`.

    ``token`` and ``url`` default to the configuration: DISCORD_BOT_TOKEN, and NESCORD_REST_URL for the rest
    service. ``url`` may also be Discord's own or a sandbox's (``https://discord.com/api/v10``); the client
    then waits out 429s itself. ``secret`` is NESCORD_SECRET. ``timeout`` (seconds) grows with the size of the
    body; ``patience`` (seconds) limits the retries of a repeatable call.

    Calls raise the exceptions of nescord_core.errors: `BadRequest`, `Unauthorized`, `Forbidden`, `NotFound`,
    `RateLimited`, `DiscordServerError`, all of them `DiscordHTTPError`; and `TransportError` if the service
    is unreachable. A call is retried only if that cannot take effect twice. `create_message` is one of those:
    it gives every message a nonce that Discord enforces (unless you pass one).
    """

    def __init__(
        self,
        token: str | None = None,
        url: str | None = None,
        *,
        secret: str | None = None,
        timeout: float = 60.0,
        patience: float = 10.0,
    ) -> None:
        self._token = token
        self._url = url
        self._secret = secret
        self._timeout = timeout
        self._patience = patience
        self._sessions: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, aiohttp.ClientSession]
        self._sessions = weakref.WeakKeyDictionary()
        self._configured = False

    # ------------------------------------------------------------------ everyday conveniences

    async def reply(self, message: Message, **fields: Unpack[MessageArguments]) -> Message:
        """Reply to a message in its channel; takes the arguments of `create_message`."""
        reference: MessageReferenceBody = {"message_id": message.id, "fail_if_not_exists": False}
        return await self.create_message(message.channel_id, message_reference=reference, **fields)

    async def respond(
        self,
        interaction: Interaction,
        *,
        ephemeral: bool = False,
        files: Sequence[FileLike] = (),
        **data: Unpack[InteractionDataBody],
    ) -> None:
        """Respond to an interaction with a message, within 3 s of its creation, or Discord shows a failure.

        Takes ``content=``, ``embeds=``, ``components=``, ``files=``... If it takes longer, call `defer` first
        and then `update_original_webhook_message(interaction.application_id, interaction.token, ...)`.
        https://discord.com/developers/docs/interactions/receiving-and-responding
        """
        if ephemeral:
            data["flags"] = (data.get("flags") or 0) | EPHEMERAL
        await self.create_interaction_response(
            interaction.id, interaction.token, type=4, data=data, files=files
        )

    async def defer(self, interaction: Interaction, *, ephemeral: bool = False) -> None:
        """Acknowledge an interaction to respond later; its token then lasts 15 minutes."""
        data: InteractionDataBody = {"flags": EPHEMERAL} if ephemeral else {}
        await self.create_interaction_response(interaction.id, interaction.token, type=5, data=data)

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = UNSET,
        params: Mapping[str, Any] | None = None,
        files: Sequence[Any] = (),
        reason: str | None = None,
        headers: Mapping[str, str] | None = None,
        **call: Unpack[Call],
    ) -> Any:
        """Call any route, including those without a method here; ``path`` starts with ``/``.

        Returns decoded JSON, bytes of another content type, or None.
        """
        check(call, ("json", "params", "headers"))
        request = build(
            method.upper(), path, query=params, json=json, files=files, reason=reason, headers=headers
        )
        return await self._send(request.with_call(**call))

    @overload
    def every(
        self,
        operation: Callable[..., Awaitable[list[T]]],
        *place: Any,
        total: int | None = None,
        **query: Any,
    ) -> AsyncIterator[T]: ...

    @overload
    def every(
        self, operation: Callable[..., Awaitable[Any]], *place: Any, total: int | None = None, **query: Any
    ) -> AsyncIterator[Any]: ...

    def every(
        self, operation: Callable[..., Awaitable[Any]], *place: Any, total: int | None = None, **query: Any
    ) -> AsyncIterator[Any]:
        """Iterate over a paginated listing: ``async for m in rest.every(rest.list_messages, id)``.

        ``total`` limits the number of items; all other arguments are the operation's (``after=`` iterates
        from old to new). Pages are requested as they are needed.
        """
        return every(operation, *place, total=total, **query)

    # ------------------------------------------------------------------ life

    async def close(self) -> None:
        """Close the connections of the running loop; the next call opens new ones."""
        session = self._sessions.pop(asyncio.get_running_loop(), None)
        if session is not None:
            await session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # ------------------------------------------------------------------ sending

    async def _fetch(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        json: Any = UNSET,
        form: Mapping[str, Any] | None = None,
        files: Sequence[Any] = (),
        extra: Mapping[str, Any] | None = None,
        reason: str | None = None,
        **call: Unpack[Call],
    ) -> Any:
        check(call, [*(json if isinstance(json, Mapping) else ()), *(query or ()), *(form or ())])
        if _is_message(method, path) and json.get("nonce", UNSET) is UNSET:
            json = {**json, "nonce": secrets.token_hex(12), "enforce_nonce": True}
        body = json if json is UNSET else merged(json, extra)
        whole_form = None if form is None else merged(form, extra)
        request = build(method, path, query=query, json=body, form=whole_form, files=files, reason=reason)
        return await self._send(request.with_call(**call))

    async def _send(self, call: Request) -> Any:
        names = tuple(part.filename for part in call.parts if part.filename is not None)
        report = cause.Call(call.method, call.path, call.json, names)
        with cause.reporting(report), spans.calling(call.method, call.path) as span:
            try:
                report.status, answer = await until_answered(
                    self._send_once, call, timeout=self._timeout, patience=self._patience
                )
            except DiscordHTTPError as error:
                report.status = error.status
                raise
            finally:
                span.result(report.status)
        return answer

    async def _send_once(self, call: Request, started: float) -> tuple[int, Any]:
        self._configure()
        assert self._url is not None
        url = cause.base_url(self._url)
        remaining, headers = self._timeout + call.size / 100_000, call.headers
        if call.timeout is not None:
            remaining = max(started + call.timeout - asyncio.get_running_loop().time(), 0.001)
            # The service drops a queued request whose caller has given up.
            headers = {**headers, "X-Nescord-Deadline": f"{remaining:.3f}"}
        if spans.active is not None and not spans.is_of_discord(url):
            headers = {**headers, **spans.active.headers()}
        timeout = aiohttp.ClientTimeout(total=remaining, sock_connect=10)
        data: aiohttp.FormData | bytes | None = _form(call) if call.parts else call.body
        try:
            async with self._session().request(
                call.method, f"{url}{call.path}", data=data, headers=headers, timeout=timeout
            ) as answer:
                body = await answer.read()
        except aiohttp.ClientConnectorError as error:
            raise unreachable(url, error) from error
        except (aiohttp.ClientError, OSError) as error:  # including time-outs
            name = str(error) or type(error).__name__
            raise TransportError(f"{call.method} {mask(call.path)}: no response ({name}).") from error
        if answer.status == 503 and "X-Nescord-Error" in answer.headers:
            raise NoRoomError(call, body, answer.headers)
        if answer.status >= 400:
            raise error_of(answer.status, call.method, call.path, body, answer.headers)
        if not body:
            return answer.status, None
        return answer.status, msgspec.json.decode(body) if answer.content_type == "application/json" else body

    def _configure(self) -> None:
        """Load missing settings from the configuration, at the first call rather than at import."""
        if self._configured:
            return
        if self._url is None or self._token is None:
            from nescord_core import config

            configured = config.load()
            self._url = self._url or configured["rest.url"]
            self._token = self._token or configured.token
            self._secret = self._secret or configured["security.secret"]
        self._url = self._url.rstrip("/")
        self._configured = True

    def _session(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        session = self._sessions.get(loop)
        if session is None or session.closed:
            session = aiohttp.ClientSession(headers=self._credentials(), auto_decompress=True)
            self._sessions[loop] = session
            _open_clients.add(self)
        return session

    def _credentials(self) -> dict[str, str]:
        headers = {"User-Agent": USER_AGENT}
        if self._token:
            headers["Authorization"] = f"Bot {self._token.removeprefix('Bot ')}"
        if self._secret:
            headers["X-Nescord-Secret"] = self._secret
        return headers


async def close_all() -> None:
    """Close the connections of every client in the running loop; the runtime calls it when it ends."""
    for client in list(_open_clients):
        await client.close()


def _is_message(method: str, path: str) -> bool:
    return method == "POST" and path.startswith("/channels/") and path.endswith("/messages")


def _form(call: Request) -> aiohttp.FormData:
    form = aiohttp.FormData(quote_fields=False)
    for part in call.parts:
        value = part.data if part.filename is not None else part.data.decode()
        form.add_field(part.name, value, content_type=part.content_type, filename=part.filename)
    return form
