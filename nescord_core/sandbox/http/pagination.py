"""Returns pages of lists that the model returns whole. Clients request pages until one is empty."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nescord_core.sandbox.http.model_routes import model_answer
from nescord_core.sandbox.http.operation_call import Call

__all__ = ["id_of_user", "own_id", "page_by_id", "page_of_archive"]

Payload = dict[str, Any]


def page_by_id(
    call: Call, whole: Sequence[Payload], key: Callable[[Payload], int], *, default_limit: int
) -> list[Payload]:
    """Return the requested page, by ascending id. With ``before`` and ``after``, only ``before`` counts."""
    limit, before = int(call.query.get("limit", default_limit)), call.query.get("before")
    found = sorted(whole, key=key)
    if before is not None:
        return [each for each in found if key(each) < int(before)][-limit:]
    after = int(call.query.get("after", 0))
    return [each for each in found if key(each) > after][:limit]


def page_of_archive(call: Call, key: Callable[[Payload], str], *, width: int = 0) -> Payload:
    """Return the requested page of archived threads, newest first."""
    whole = model_answer(call)
    limit, before = int(call.query.get("limit", 50)), call.query.get("before", "").replace("Z", "+00:00")
    found = sorted(whole["threads"], key=key, reverse=True)
    older = [each for each in found if not before or key(each) < before.zfill(width)]
    ids = {each["id"] for each in older[:limit]}
    members = [each for each in whole["members"] if each["id"] in ids]
    return {"threads": older[:limit], "members": members, "has_more": len(older) > limit}


def own_id(user: Payload) -> int:
    """Return the id of an object."""
    return int(user["id"])


def id_of_user(entry: Payload) -> int:
    """Return the id of the user that an object (a ban, a member) is about."""
    return int(entry["user"]["id"])
