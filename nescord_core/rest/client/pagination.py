"""Paginated listings as one async iterator.

For the direction of a listing, its cursor and its page size see
https://discord.com/developers/docs/reference#snowflake-ids-in-pagination and each operation's own page.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

__all__ = ["PAGES", "Paging", "every"]


@dataclass(frozen=True, slots=True)
class Paging:
    """``cursor`` is the item attribute used as cursor; ``items`` the page's attribute, unless it is a list.

    ``forward``: it runs from old to new by default. ``says_more``: the page says whether there is another;
    otherwise a page that is not full is the last. ``from_the_first``: which end comes without a cursor is
    undocumented, so the listing is requested from ``after=0``.
    """

    size: int = 100
    cursor: str = "id"
    items: str = ""
    forward: bool = False
    says_more: bool = False
    from_the_first: bool = False


_THREADS = Paging(items="threads", cursor="thread_metadata.archive_timestamp", says_more=True)
_EVENT_USERS = Paging(cursor="user.id", forward=True)

PAGES: Mapping[str, Paging] = {
    "get_answer_voters": Paging(items="users", forward=True),
    "get_entitlements": Paging(forward=True),
    "get_guild_join_requests": Paging(items="guild_join_requests", forward=True, from_the_first=True),
    "get_sku_subscriptions": Paging(forward=True),
    "list_guild_audit_log_entries": Paging(items="audit_log_entries"),
    "list_guild_bans": Paging(size=1000, cursor="user.id", forward=True),
    "list_guild_members": Paging(size=1000, cursor="user.id", forward=True),
    "list_guild_scheduled_event_exception_users": _EVENT_USERS,
    "list_guild_scheduled_event_users": _EVENT_USERS,
    "list_message_reactions_by_emoji": Paging(forward=True),
    "list_messages": Paging(),
    "list_my_guilds": Paging(size=200, forward=True),
    "list_my_private_archived_threads": Paging(items="threads", says_more=True),
    "list_pins": Paging(size=50, cursor="pinned_at", items="items", says_more=True),
    "list_private_archived_threads": _THREADS,
    "list_public_archived_threads": _THREADS,
    "list_thread_members": Paging(cursor="user_id", forward=True),
}


async def every(
    operation: Callable[..., Awaitable[Any]], *place: Any, total: int | None = None, **query: Any
) -> AsyncIterator[Any]:
    """Yield the items of all pages, at most ``total``."""
    paging = _paging_of(operation)
    if operation.__name__ == "list_thread_members":
        query.setdefault("with_member", True)  # otherwise there is one page with all of them
    if paging.from_the_first and "before" not in query:
        query.setdefault("after", 0)
    forward = "after" in query or (paging.forward and "before" not in query)
    while total is None or total > 0:
        size = paging.size if total is None else min(paging.size, total)
        page = await operation(*place, limit=size, **query)
        items = list(getattr(page, paging.items) if paging.items else page)
        if not paging.says_more:
            items.sort(key=attrgetter(paging.cursor), reverse=not forward)
        for item in items:
            yield item
        if not items or not (page.has_more if paging.says_more else len(items) >= size):
            return
        total = None if total is None else total - len(items)
        query["after" if forward else "before"] = attrgetter(paging.cursor)(items[-1])


def _paging_of(operation: Callable[..., Any]) -> Paging:
    name = getattr(operation, "__name__", "")
    paging = PAGES.get(name)
    if paging is None:
        raise TypeError(f"{name or operation} is not paginated; these are: {', '.join(PAGES)}.")
    return paging
