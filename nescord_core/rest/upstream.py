"""The connection to Discord: one request, one answer, nothing decoded on the way."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from nescord_core.errors import TransportError
from nescord_core.rest.bodies import Body

__all__ = ["NoAnswer", "Reply", "Upstream"]

SLOWEST_UPLOAD = 64 * 1024
"""Bytes per second: how much longer than a small request a large one may take."""
CONNECT_TIMEOUT = 10.0
AUTO_HEADERS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
"""Headers that aiohttp would make up where the caller sent none."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, byte for byte."""

    status: int
    reason: str
    headers: CIMultiDictProxy[str]
    body: bytes


class NoAnswer(TransportError):
    """No whole answer came. ``reached`` is false when the request certainly was not sent."""

    def __init__(self, message: str, *, reached: bool, timed_out: bool = False) -> None:
        super().__init__(message)
        self.reached = reached
        self.timed_out = timed_out


class Upstream:
    """A pool of connections to the API; ``timeout`` in seconds for a small request."""

    def __init__(self, *, timeout: float) -> None:
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Upstream:
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=AUTO_HEADERS,
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=60),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, method: str, url: URL, headers: CIMultiDict[str], body: Body) -> Reply:
        """Ask once; redirects are answers like any other. Raises `NoAnswer`."""
        assert self._session is not None
        timeout = aiohttp.ClientTimeout(
            total=self._timeout + body.size / SLOWEST_UPLOAD, sock_connect=CONNECT_TIMEOUT
        )
        try:
            async with self._session.request(
                method, url, headers=headers, data=body.payload(), allow_redirects=False, timeout=timeout
            ) as response:
                content = await response.read()
                return Reply(response.status, response.reason or "", response.headers, content)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NoAnswer(f"Discord's API could not be reached: {_what(error)}.", reached=False) from error
        except TimeoutError as error:
            raise NoAnswer("Discord's API did not answer in time.", reached=True, timed_out=True) from error
        except (aiohttp.ClientError, OSError) as error:
            raise NoAnswer(f"The connection to Discord's API broke: {_what(error)}.", reached=True) from error


def _what(error: BaseException) -> str:
    """Name an error without the URL in it: the URL may hold a webhook's token."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
