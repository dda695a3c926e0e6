"""Paginated listings: every item once, in order, without a superfluous request."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

import pytest

from nescord_core.discord_api import contract
from nescord_core.rest.client.operations import Operations
from nescord_core.rest.client.pagination import PAGES, every


class Messages:
    """Answers as Discord does: newest first, whichever way it is queried."""

    def __init__(self, count: int) -> None:
        self.ids = range(1, count + 1)
        self.asked: list[dict[str, Any]] = []

    async def list_messages(self, _channel: int, **query: Any) -> list[SimpleNamespace]:
        self.asked.append(query)
        limit = query["limit"]
        if "after" in query:
            found = [i for i in self.ids if i > query["after"]][:limit]
        else:
            found = [i for i in self.ids if i < query.get("before", 1 << 62)][-limit:]
        return [SimpleNamespace(id=i) for i in reversed(found)]


async def ids(messages: Messages, **options: Any) -> list[int]:
    return [each.id async for each in every(messages.list_messages, 5, **options)]


async def test_from_new_to_old_by_itself_and_from_old_to_new_after_something() -> None:
    assert await ids(Messages(250)) == list(range(250, 0, -1))
    assert await ids(Messages(250), before=131) == list(range(130, 0, -1))
    assert await ids(Messages(250), after=0) == list(range(1, 251))
    assert await ids(Messages(250), after=120) == list(range(121, 251))


@pytest.mark.parametrize(
    ("count", "total", "limits"),
    [
        (250, None, [100, 100, 100]),
        (200, None, [100, 100, 100]),
        (250, 120, [100, 20]),
        (250, 100, [100]),
        (30, 500, [100]),
        (0, None, [100]),
        (250, 0, []),
    ],
)
async def test_asks_for_no_more_than_is_wanted(count: int, total: int | None, limits: list[int]) -> None:
    messages = Messages(count)
    got = await ids(messages, total=total)
    assert len(got) == min(count, count if total is None else total)
    assert [query["limit"] for query in messages.asked] == limits


async def test_a_page_is_asked_for_when_it_is_needed() -> None:
    messages = Messages(250)
    async for each in every(messages.list_messages, 5):
        if each.id == 150:
            break
    assert len(messages.asked) == 2


async def test_pages_that_say_themselves_whether_there_is_more() -> None:
    async def list_pins(_channel: int, *, limit: int, before: str = "z") -> SimpleNamespace:
        assert limit == 50
        left = [time for time in ("e", "d", "c", "b", "a") if time < before]
        items = [SimpleNamespace(pinned_at=time) for time in left[:2]]
        return SimpleNamespace(items=items, has_more=len(left) > 2)

    assert [each.pinned_at async for each in every(list_pins, 5)] == ["e", "d", "c", "b", "a"]


async def test_requests_to_join_come_oldest_first_or_before_something() -> None:
    asked: list[dict[str, Any]] = []

    async def get_guild_join_requests(_guild: int, **query: Any) -> SimpleNamespace:
        asked.append(query)
        low, high = query.get("after", 0), query.get("before", 1 << 62)
        found = [i for i in range(1, 251) if low < i < high]
        found = found[: query["limit"]] if "after" in query else found[-query["limit"] :]
        return SimpleNamespace(guild_join_requests=[SimpleNamespace(id=i) for i in found])

    listed = [each.id async for each in every(get_guild_join_requests, 5, status="SUBMITTED")]
    assert listed == list(range(1, 251))
    assert [query["after"] for query in asked] == [0, 100, 200]
    assert all(query["status"] == "SUBMITTED" for query in asked)
    before = [each.id async for each in every(get_guild_join_requests, 5, before=150)]
    assert before == list(range(149, 0, -1))


async def test_what_has_no_pages_is_refused_by_name() -> None:
    async def get_channel(_channel: int) -> None: ...

    with pytest.raises(TypeError, match=r"get_channel is not paginated; .*list_messages"):
        await anext(every(get_channel, 5))


def test_each_operation_of_the_document_that_takes_a_cursor_is_known() -> None:
    paged = set()
    for operation in contract.operations().values():
        query = {p.name for p in operation.parameters if p.location == "query"}
        if "limit" in query and query & {"before", "after"}:
            paged.add(operation.operation_id)
    assert set(PAGES) == paged


def test_every_paged_operation_is_known_and_takes_its_cursor() -> None:
    for name, paging in PAGES.items():
        parameters = inspect.signature(getattr(Operations, name)).parameters
        assert "limit" in parameters
        assert ("after" if paging.forward else "before") in parameters
