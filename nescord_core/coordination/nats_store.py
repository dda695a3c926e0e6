"""The store on NATS JetStream: a bucket is a stream with one message per subject.

nats-py's key-value API is not used: it has no first sequence number, so that revisions of a bucket that was
lost would begin at 1 again, and its watches do not survive the loss of a stream.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from nescord_core.coordination.store import (
    Change,
    Entry,
    InSync,
    Removed,
    RevisionConflict,
    StoreUnreachable,
    Written,
)
from nescord_core.errors import ConfigError

try:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.errors import Error as NatsError
    from nats.errors import NoRespondersError
    from nats.js import JetStreamContext, api
    from nats.js.errors import APIError, NoStreamResponseError, NotFoundError
except ImportError:
    raise ConfigError(
        "The hosts' shared store needs the client library nats-py, which is not installed.",
        where="cluster.url (NESCORD_CLUSTER_URL)",
        hint="Install it: pip install 'nescord[cluster]'.",
    ) from None

__all__ = ["NatsBucket", "NatsStore", "open_store"]

log = logging.getLogger("nescord.store")

T = TypeVar("T")

TIMEOUT = 2.0
"""Seconds for the server to respond."""
RECONNECT_DELAY = 0.25
PING_INTERVAL = 2
"""Seconds between pings; two without an answer mean that the connection is dead."""
REPLICAS = 3
"""Copies of a bucket where the servers form a cluster; a server on its own keeps one."""
REVISIONS_PER_SECOND = 10_000
"""First revision of a new bucket for each second since 1970, so that it exceeds those of a lost one."""

DUPLICATE_WINDOW = 120.0
HEARTBEAT = 1.0
"""Seconds after which a watch hears from the server when nothing changes."""
MISSED_HEARTBEATS = 3
INACTIVE = 10.0
"""Seconds after which the server forgets a watch whose connection is gone."""

_WRONG_REVISION = (10071, 10164)
_NAME_IN_USE = 10058
_NO_MESSAGE = 10037
_NO_PEERS = (10005, 10074)
"""The server has no peers for so many replicas, or is no cluster."""
_OPERATION = "KV-Operation"
_EXPECTED = "Nats-Expected-Last-Subject-Sequence"


@dataclass(frozen=True, slots=True)
class BucketSettings:
    """A bucket's name and the seconds after which its keys expire; None for never."""

    name: str
    ttl: float | None = None

    @property
    def stream(self) -> str:
        """The name of its stream, the same as in other clients of the server."""
        return f"KV_{self.name}"

    @property
    def prefix(self) -> str:
        """What precedes the key in a subject."""
        return f"$KV.{self.name}."

    @property
    def duplicate_window(self) -> float:
        """Seconds in which the server recognises duplicates; it may not exceed the time to live."""
        return min(self.ttl or DUPLICATE_WINDOW, DUPLICATE_WINDOW)


class NatsStore:
    """A connection to the server, or to a cluster of servers, that is made again whenever it is lost.

    ``connections`` counts how often it was made. Use it as ``open_store``.
    """

    def __init__(self, url: str, *, timeout: float = TIMEOUT) -> None:
        self._servers = [part if "://" in part else f"nats://{part}" for part in url.split(",")]
        self._timeout = timeout
        self._client = Client()
        self._connected = asyncio.Event()
        self.connections = 0
        self.error = ""

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection now, as far as is known."""
        return self._client.is_connected

    def bucket(self, name: str, ttl: float | None = None) -> NatsBucket:
        """Return a bucket, which is created when it is first used."""
        return NatsBucket(self, BucketSettings(name, ttl))

    async def run(self) -> None:
        """Keep the connection until cancelled."""
        try:
            while True:
                closed = asyncio.Event()
                with suppress(NatsError, OSError, TimeoutError):
                    await self._connect(closed)
                    await closed.wait()
                await asyncio.sleep(RECONNECT_DELAY)
        finally:
            self._connected.clear()
            with suppress(NatsError, OSError, TimeoutError):
                await self._client.close()

    async def jetstream(self) -> JetStreamContext:
        """Return the connection's JetStream. Raises StoreUnreachable if there is none within the time-out."""
        if not self._connected.is_set():
            try:
                async with asyncio.timeout(self._timeout):
                    await self._connected.wait()
            except TimeoutError:
                raise self.unreachable(self.error or "no connection") from None
        return self._client.jetstream(timeout=self._timeout)

    def unreachable(self, reason: str) -> StoreUnreachable:
        """Return the error to raise."""
        return StoreUnreachable(
            f"the hosts' shared store does not respond ({reason}).",
            hint="Check the NATS server at cluster.url (NESCORD_CLUSTER_URL): password, JetStream.",
        )

    async def _connect(self, closed: asyncio.Event) -> None:
        async def on_error(error: Exception) -> None:
            self.error = type(error).__name__

        async def on_disconnect() -> None:
            self._connected.clear()

        async def on_connect() -> None:
            self.connections += 1
            self.error = ""
            self._connected.set()

        async def on_close() -> None:
            self._connected.clear()
            closed.set()

        self._client = Client()
        await self._client.connect(
            self._servers,
            name="nescord",
            error_cb=on_error,
            disconnected_cb=on_disconnect,
            reconnected_cb=on_connect,
            closed_cb=on_close,
            max_reconnect_attempts=-1,
            reconnect_time_wait=RECONNECT_DELAY,  # type: ignore[arg-type]  # it sleeps for it
            ping_interval=PING_INTERVAL,
            # A write that waits for a new connection would arrive when its sender no longer counts on it.
            pending_size=0,
        )
        await on_connect()


class NatsBucket:
    """One bucket of a NatsStore."""

    def __init__(self, store: NatsStore, settings: BucketSettings) -> None:
        self._store = store
        self._settings = settings
        self._prepared_for = 0

    async def create(self, key: str, value: bytes) -> int:
        """Write a key that does not exist."""
        try:
            return await self._publish(key, value, 0)
        except RevisionConflict:
            # A deleted key leaves a marker, whose revision the new write has to name.
            message = await self._last(key)
            if message is None or not _is_removal(message):
                raise
            return await self._publish(key, value, message.seq or 0)

    async def update(self, key: str, value: bytes, revision: int) -> int:
        """Write a key that is at this revision."""
        return await self._publish(key, value, revision)

    async def delete(self, key: str, revision: int) -> None:
        """Remove a key that is at this revision."""
        await self._publish(key, b"", revision, {_OPERATION: "DEL"})

    async def get(self, key: str) -> Entry | None:
        """Return the entry, or None."""
        message = await self._last(key)
        if message is None or _is_removal(message):
            return None
        return Entry(key, message.data or b"", message.seq or 0)

    async def watch(self, pattern: str = ">") -> AsyncIterator[Change]:
        """Yield what exists, then what changes."""
        async with self._consumer(pattern) as consumer:
            in_sync = consumer.is_empty
            if in_sync:
                yield InSync()
            while True:
                message = await consumer.next()
                if message.data or not _is_heartbeat(message):
                    yield self._change(message, is_initial=not in_sync)
                if not in_sync and (_is_heartbeat(message) or message.metadata.num_pending == 0):
                    in_sync = True
                    yield InSync()

    async def _publish(
        self, key: str, value: bytes, revision: int, headers: dict[str, str] | None = None
    ) -> int:
        async def publish(js: JetStreamContext) -> int:
            expected = {_EXPECTED: str(revision), **(headers or {})}
            ack = await js.publish(self._settings.prefix + key, value, headers=expected)
            return ack.seq

        return await self._with_stream(publish)

    async def _last(self, key: str) -> api.RawStreamMsg | None:
        async def read(js: JetStreamContext) -> api.RawStreamMsg | None:
            # Read from the leader: a replica may lag behind, and answers a direct read with an older value.
            try:
                return await js.get_last_msg(self._settings.stream, self._settings.prefix + key)
            except NotFoundError as error:
                if error.err_code == _NO_MESSAGE:
                    return None
                raise

        return await self._with_stream(read)

    async def _with_stream(self, call: Callable[[JetStreamContext], Coroutine[Any, Any, T]]) -> T:
        """Call the server, and create the bucket where it is missing."""
        js = await self._store.jetstream()
        connection = self._store.connections
        try:
            if self._prepared_for != connection:
                await self._prepare(js)
                self._prepared_for = connection
            try:
                return await call(js)
            except (NoStreamResponseError, NoRespondersError, NotFoundError):
                await self._prepare(js)
                return await call(js)
        except APIError as error:
            if error.err_code in _WRONG_REVISION:
                raise RevisionConflict(error.description) from None
            raise self._store.unreachable(error.description or str(error)) from error
        except (NatsError, OSError, TimeoutError) as error:
            raise self._store.unreachable(self._store.error or type(error).__name__) from error

    async def _prepare(self, js: JetStreamContext) -> None:
        """Create the bucket, or give an existing one this host's time to live."""
        try:
            try:
                await self._create(js, REPLICAS)
            except APIError as error:
                if error.err_code not in _NO_PEERS:
                    raise
                await self._create(js, 1)
        except APIError as error:
            if error.err_code != _NAME_IN_USE:
                raise
            config = (await js.stream_info(self._settings.stream)).config
            if (config.max_age or None) != self._settings.ttl:
                log.info("the keys of %s now expire after %s s", self._settings.name, self._settings.ttl)
                config.max_age = self._settings.ttl
                config.duplicate_window = self._settings.duplicate_window
                await js.update_stream(config)

    async def _create(self, js: JetStreamContext, replicas: int) -> None:
        settings = self._settings
        await js.add_stream(
            api.StreamConfig(
                name=settings.stream,
                subjects=[f"{settings.prefix}>"],
                max_msgs_per_subject=1,
                max_age=settings.ttl,
                storage=api.StorageType.FILE,
                discard=api.DiscardPolicy.NEW,
                num_replicas=replicas,
                first_seq=int(time.time() * REVISIONS_PER_SECOND),
                duplicate_window=settings.duplicate_window,
            )
        )
        log.info("created the bucket %s (replicas: %d)", settings.name, replicas)

    @asynccontextmanager
    async def _consumer(self, pattern: str) -> AsyncIterator[_Consumer]:
        """Subscribe to the last message of every key, and to the following ones."""
        settings = self._settings
        js = await self._store.jetstream()
        consumer = _Consumer(self._store)
        try:
            inbox = js._nc.new_inbox()
            subscription = await js._nc.subscribe(inbox, cb=consumer.put)
        except (NatsError, OSError) as error:
            raise self._store.unreachable(type(error).__name__) from error
        try:
            info = await self._with_stream(
                lambda js: js.add_consumer(
                    settings.stream,
                    api.ConsumerConfig(
                        deliver_subject=inbox,
                        deliver_policy=api.DeliverPolicy.LAST_PER_SUBJECT,
                        filter_subject=settings.prefix + pattern,
                        ack_policy=api.AckPolicy.NONE,
                        idle_heartbeat=HEARTBEAT,
                        inactive_threshold=INACTIVE,
                        mem_storage=True,
                        num_replicas=1,
                    ),
                )
            )
            delivered = info.delivered.consumer_seq if info.delivered else 0
            consumer.is_empty = not info.num_pending and not delivered
            yield consumer
        finally:
            with suppress(NatsError, OSError, TimeoutError):
                await subscription.unsubscribe()

    def _change(self, message: Msg, *, is_initial: bool) -> Change:
        key = message.subject.removeprefix(self._settings.prefix)
        revision = message.metadata.sequence.stream
        if _is_removal(message):
            return Removed(key, revision)
        return Written(Entry(key, message.data, revision), is_initial)


class _Consumer:
    """What the server sends to one watch, without gaps: a gap, like silence, ends the watch."""

    def __init__(self, store: NatsStore) -> None:
        self._store = store
        self._connection = store.connections
        self._messages: asyncio.Queue[Msg] = asyncio.Queue()
        self._last = 0
        self.is_empty = False

    async def put(self, message: Msg) -> None:
        """Take a message from the client."""
        self._messages.put_nowait(message)

    async def next(self) -> Msg:
        """Return the next message or heartbeat."""
        try:
            async with asyncio.timeout(HEARTBEAT * MISSED_HEARTBEATS):
                message = await self._messages.get()
        except TimeoutError:
            raise self._store.unreachable("no heartbeat") from None
        if self._store.connections != self._connection:
            raise self._store.unreachable("the connection was lost")
        if _is_heartbeat(message):
            sent = int((message.headers or {}).get("Nats-Last-Consumer", self._last))
        else:
            sent = message.metadata.sequence.consumer
            self._last += 1
        if sent != self._last:
            raise self._store.unreachable("messages were lost")
        return message


def _is_removal(message: Msg | api.RawStreamMsg) -> bool:
    return (message.headers or {}).get(_OPERATION) in ("DEL", "PURGE")


def _is_heartbeat(message: Msg) -> bool:
    return (message.headers or {}).get("Status") == "100"


@asynccontextmanager
async def open_store(url: str, *, timeout: float = TIMEOUT) -> AsyncIterator[NatsStore]:
    """Connect to the server at a nats:// or tls:// URL, or several separated by commas, in the background."""
    store = NatsStore(url, timeout=timeout)
    log.info("coordinating with other hosts through %s", _without_credentials(url))
    async with asyncio.TaskGroup() as tasks:
        connecting = tasks.create_task(store.run(), name="connection to the store")
        try:
            yield store
        finally:
            connecting.cancel()


def _without_credentials(url: str) -> str:
    return ", ".join(part.rpartition("@")[2].rpartition("//")[2] for part in url.split(","))
