"""Feeds events to discord.py's parser and tracks the tasks that discord.py starts for each."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import discord

from nescord_core.bot.discordpy import intent_filter, internals
from nescord_core.bot.discordpy.guild_cache import GuildCache
from nescord_core.bot.registration import place_of
from nescord_core.payloads import EventInfo, View
from nescord_core.tracing.cause import cause
from nescord_core.tracing.handler_run import HandlerRun, is_own, within

__all__ = ["ParserFeed"]

log = logging.getLogger(__name__)


class _EventTasks:
    """The unfinished tasks of one event: those that its parsing started, and what they dispatch in turn.

    A command's `on_command_error` is one of the latter. Tasks that outlive the event dispatch for themselves.
    """

    def __init__(self) -> None:
        self.unfinished: set[asyncio.Task[Any]] = set()
        self.is_over = False

    def add(self, task: asyncio.Task[Any]) -> None:
        """Add a task, unless the event is over."""
        if not self.is_over and not task.done():
            self.unfinished.add(task)
            task.add_done_callback(self.unfinished.discard)

    async def finish(self, timeout: float) -> None:
        """Wait for all of them, for at most ``timeout`` seconds; cancelled, cancel them."""
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout
        try:
            while self.unfinished and (left := until - loop.time()) > 0:
                await asyncio.wait(self.unfinished, timeout=left)
        except asyncio.CancelledError:
            for task in self.unfinished:
                task.cancel()
            raise
        finally:
            self.is_over = True


_current: ContextVar[_EventTasks | None] = ContextVar("nescord_event_tasks", default=None)
"""The event that a task belongs to: a task inherits it from the one that started it."""


_OWN_TASKS = {"CommandTree-invoker": "app command", "discord-ui-view-": "view", "discord-ui-modal-": "modal"}
"""The tasks in which discord.py runs commands, views and forms, by the start of their names."""

_ANSWERS = frozenset({"GUILD_MEMBERS_CHUNK", "RATE_LIMITED"})


def _ignore(_kind: str, _data: dict[str, Any]) -> None:
    """Do nothing."""


class ParserFeed:
    """Feeds events to a client; an event is done when its tasks are, or after ``timeout`` seconds.

    ``end`` is called with an exception of a handler that ends the program: `sys.exit()`; ``answered`` with
    the events that answer a member request, once they are parsed.
    """

    def __init__(
        self,
        client: discord.Client,
        cache: GuildCache,
        *,
        timeout: float,
        end: Callable[[BaseException], object],
        answered: Callable[[str, dict[str, Any]], object] = _ignore,
    ) -> None:
        self._client = client
        self._end = end
        self._answered = answered
        self._state = internals.connection(client)
        self._cache = cache
        self._timeout = timeout
        self._running: set[_EventTasks] = set()
        self._turn = asyncio.Lock()
        internals.note_dispatched(client, _note_dispatched)

    async def take(self, payload: View, event: EventInfo) -> None:
        """Handle an event; events are parsed in the order of the calls."""
        async with self._turn:
            tasks = _EventTasks()
            with _tasks_started(self._end_on_exit, tasks):
                self._parse(payload.raw, event)
            # Its tasks see the cache as this event left it: the next event waits for their first step.
            await asyncio.sleep(0)
        if event.type == "READY":
            self._cache.greet(event.shard_id)
        if event.type in {"READY", "GUILD_CREATE"}:
            return  # their tasks wait for other events
        self._running.add(tasks)
        try:
            await tasks.finish(self._timeout)
        finally:
            self._running.discard(tasks)

    async def _end_on_exit(self, coroutine: Any) -> Any:
        """Await it. If it exits the program, its event is done, or it would end the next process, too."""
        try:
            return await coroutine
        except (SystemExit, KeyboardInterrupt) as error:
            self._end(error)

    def running(self) -> list[str]:
        """Return the names of the functions that events wait for."""
        return [_function_of(task) for each in self._running for task in each.unfinished]

    def leave(self) -> None:
        """No more events follow: log and cancel what waits for one, and log the views that are lost."""
        waiting = sorted({_function_of(task) for each in self._running for task in each.unfinished})
        events = sorted(set(internals.pending_waits(self._client)))
        if events:
            log.warning("wait_for ends with this process: %s (in %s)", ", ".join(events), ", ".join(waiting))
        views = sorted(
            f"{name} (message {at})" if at else name for name, at in internals.lost_views(self._client)
        )
        if views:
            log.warning("views that are not persistent end with this process: %s", ", ".join(views))
        internals.cancel_waits(self._client)

    def _parse(self, data: dict[str, Any], event: EventInfo) -> None:
        kind, past = event.type, self._cache.is_past(event)
        intents, own_id = self._client.intents.value, str(self._state.self_id)
        if not intent_filter.is_allowed(kind, data, intents=intents, own_id=own_id):
            return
        data = intent_filter.filtered(kind, data, intents=intents, own_id=own_id)
        if self._is_outdated(data, event, past=past):
            return  # what it says has been dispatched when the cache was filled
        if self._client._enable_debug_events:
            frame = {"t": kind, "s": event.seq, "op": 0, "d": data}
            self._state.dispatch("socket_raw_receive", json.dumps(frame))
        self._state.dispatch("socket_event_type", kind)
        if event.stale:
            log.warning("an interaction arrived too late to be answered (event %d)", event.seq)
            return
        if kind == "READY":
            self._cache.note_session(event)
            if self._cache.joins(event.shard_id):
                self._cache.add_shard(data)
                return
        elif kind == "RESUMED":
            data["__shard_id__"] = event.shard_id
        if (parse := internals.parser(self._state, kind)) is not None:
            with self._keep_member_count(event, past):
                parse(data)
        if kind in _ANSWERS:
            self._answered(kind, data)

    def _is_outdated(self, data: dict[str, Any], event: EventInfo, *, past: bool) -> bool:
        """Return whether an event about the set of guilds is outdated by the cache."""
        match event.type:
            case "READY":
                return past
            case "GUILD_CREATE" if past:
                guild = self._client.get_guild(int(data["id"]))
                return self._cache.is_over(event) or (guild is not None and not guild.unavailable)
            case "GUILD_DELETE":
                return self._cache.is_over(event)
        return False

    @contextmanager
    def _keep_member_count(self, event: EventInfo, past: bool) -> Iterator[None]:
        """Keep the member count: members who joined or left before the cache was filled are already counted.

        That includes a GUILD_UPDATE, which may carry the count at the time it was sent.
        """
        guild = self._client.get_guild(event.guild_id or 0) if past else None
        if guild is None or guild.unavailable:  # GUILD_CREATE will bring the count
            yield
            return
        count = guild._member_count
        yield
        guild._member_count = count


def _note_dispatched(task: asyncio.Task[Any], function: Callable[..., Any]) -> None:
    if (tasks := _current.get()) is not None and not tasks.is_over:
        tasks.add(task)
        _trace(task, lambda task: task.get_name().removeprefix("discord.py: "), function)


def _name_of_own(task: asyncio.Task[Any]) -> str:
    return next((shown for start, shown in _OWN_TASKS.items() if task.get_name().startswith(start)), "")


def _trace(
    task: asyncio.Task[Any],
    name_of: Callable[[asyncio.Task[Any]], str],
    function: Callable[..., Any] | None = None,
) -> None:
    """Note the run of a task with the event that it belongs to, if that is traced and the task has a name.

    The name is read at the end: a task factory gets a task before its name is set.
    """
    if (caused := cause.get()) is None:
        return
    began = time.perf_counter()

    def ended(task: asyncio.Task[Any]) -> None:
        if name := name_of(task):
            ms = round((time.perf_counter() - began) * 1000, 1)
            place = "" if function is None else within(place_of(function))
            caused.handlers.append(HandlerRun(name, place, ms))

    task.add_done_callback(ended)


@contextmanager
def _tasks_started(within: Callable[[Any], Any], tasks: _EventTasks) -> Iterator[None]:
    """Collect the tasks started in the block, which must not await; ``within`` wraps their coroutines."""
    loop = asyncio.get_running_loop()
    previous = loop.get_task_factory()

    def factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **more: Any) -> Any:
        wrapped = within(coroutine)
        task: Any = previous(loop, wrapped, **more) if previous else asyncio.Task(wrapped, loop=loop, **more)
        tasks.add(task)
        _trace(task, _name_of_own)
        return task

    loop.set_task_factory(factory)
    token = _current.set(tasks)
    try:
        yield
    finally:
        _current.reset(token)
        loop.set_task_factory(previous)


def _function_of(task: asyncio.Task[Any]) -> str:
    """Return the name of the bot's own function that a task is in."""
    name: str = task.get_name()
    inner: Any = task.get_coro()
    others = (*discord.__path__, *asyncio.__path__)
    while inspect.iscoroutine(inner):
        if not (inner.cr_code.co_filename.startswith(others) or is_own(inner.cr_code.co_filename)):
            name = inner.cr_code.co_qualname
        inner = inner.cr_await
    return name
