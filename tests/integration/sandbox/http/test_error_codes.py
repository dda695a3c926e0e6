"""Every JSON error code that the sandbox sends, by a call that causes it; and the page that lists them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nescord_core.sandbox.http.refusals.error_codes import CANNOT_HAPPEN, MISSING, SENT, UNLISTED
from nescord_core.sandbox.world.world import ActionError
from support.sandbox.error_causes import cases
from support.sandbox.error_causes.registry import CAUSES, channel, code_of, interaction, say, thread, user
from support.sandbox.running_rest import Rest, emoji

assert cases.__all__, "imported for the causes that it registers"
PAGE = Path(__file__).parents[4] / "docs" / "sandbox" / "errors.md"
CODES = Path(__file__).parents[3] / "support" / "sandbox" / "discord_error_codes.txt"


@pytest.mark.parametrize("code", sorted(CAUSES))
async def test_a_call_is_refused_with_discords_code(rest: Rest, code: int) -> None:
    assert await CAUSES[code](rest) == code


def test_every_code_of_discord_is_sent_or_explained() -> None:
    explained = [each for codes in (*CANNOT_HAPPEN.values(), *MISSING.values()) for each in codes]
    assert len(set(explained)) == len(explained)
    assert not SENT.keys() & set(explained)
    listed = {int(each) for each in CODES.read_text().split()}
    assert SENT.keys() | set(explained) == listed | UNLISTED
    assert CAUSES.keys() == SENT.keys()


def rows_of_page() -> list[str]:
    rows = [f"| {code} | {message} |" for code, (_, message) in sorted(SENT.items())]
    for reasons in (CANNOT_HAPPEN, MISSING):
        rows += [f"| {', '.join(map(str, sorted(codes)))} | {reason} |" for reason, codes in reasons.items()]
    return rows


def test_the_page_lists_the_same_codes() -> None:
    shown = [each for each in PAGE.read_text().splitlines() if each.startswith("| ") and each[2].isdigit()]
    assert shown == rows_of_page()


async def test_types_of_channels_without_threads_webhooks_or_invites(rest: Rest) -> None:
    inside, post = await thread(rest), {"name": "t", "type": 11}
    sent = await say(rest, {"content": "x"}, inside)
    for path, body in (
        (f"{inside}/threads", post),
        (f"{inside}/messages/{sent['id']}/threads", {"name": "t"}),
        (f"{await channel(rest, 2)}/threads", post),
        (f"{await channel(rest, 13)}/threads", post),
        (f"{inside}/webhooks", {"name": "hook"}),
        (f"{inside}/invites", {}),
        (f"{await channel(rest, 4)}/webhooks", {"name": "hook"}),
        (f"{await channel(rest, 4)}/invites", {}),
    ):
        assert await code_of(rest, "POST", path, body) == 50024, path


async def test_the_token_of_an_interaction_is_valid_from_its_first_response_on(rest: Rest) -> None:
    callback = await interaction(rest)
    token = callback.split("/")[3]
    path = f"/webhooks/{rest.world.application_id}/{token}"
    assert await code_of(rest, "POST", path, {"content": "x"}) == 10015
    assert await code_of(rest, "GET", f"{path}/messages/@original") == 10015
    await rest.ok("POST", callback, {"type": 5})
    await rest.ok("POST", path, {"content": "x"})


async def test_a_message_reopens_an_archived_thread_unless_it_is_locked(rest: Rest) -> None:
    heard: list[tuple[str, Any]] = []
    rest.world.subscribe(lambda event, payload, *_: heard.append((event, payload)))
    path = await thread(rest)
    number = path.rsplit("/", 1)[1]
    sent = await say(rest, {"content": "x"}, path)
    for method, where, body in (
        ("POST", f"{path}/messages", {"content": "y"}),
        ("PATCH", path, {"archived": False, "name": "other"}),
    ):
        await rest.ok("PATCH", path, {"archived": True})
        heard.clear()
        await rest.ok(method, where, body)
        assert heard[0][0] == "THREAD_UPDATE"
        assert heard[0][1]["thread_metadata"]["archived"] is False
    await rest.ok("PATCH", path, {"archived": True})
    rest.world.say(number, "alice", "somebody else")
    assert (await rest.ok("GET", path))["thread_metadata"]["archived"] is False

    await rest.ok("PATCH", path, {"archived": True})
    reaction = f"{path}/messages/{sent['id']}/reactions/{emoji('👍')}/@me"
    for method, where, change in (
        ("PUT", reaction, None),
        ("PUT", f"{path}/messages/pins/{sent['id']}", None),
        ("PUT", f"{path}/thread-members/{user(rest, 'bob')}", None),
        ("PATCH", path, {"locked": True}),
    ):
        assert await code_of(rest, method, where, change) == 50083
    with pytest.raises(ActionError, match="is archived"):
        rest.world.react(number, sent["id"], "bob", "👍")
    with pytest.raises(ActionError, match="is archived"):
        rest.world.pin(number, sent["id"], "olivia")
    await rest.ok("DELETE", f"{path}/messages/{sent['id']}")
    hook = rest.world.model.create_webhook(
        rest.world.find_channel("general").id, "hook", rest.world.application_id
    )
    base = f"/webhooks/{hook.id}/{hook.token}"
    said = await rest.ok("POST", f"{base}?wait=true&thread_id={number}", {"content": "x"})
    await rest.ok("PATCH", path, {"archived": True})
    edit = f"{base}/messages/{said['id']}?thread_id={number}"
    assert await code_of(rest, "PATCH", edit, {"content": "y"}) == 50083

    await rest.ok(
        "PUT", f"/applications/{rest.world.application_id}/commands", [{"name": "x", "description": "d"}]
    )
    rest.world.interact(number, "alice", "x")
    assert (await rest.ok("GET", path))["thread_metadata"]["archived"] is False, (
        "a command reopens it as well"
    )

    await rest.ok("PATCH", path, {"archived": False, "locked": True})
    await rest.ok("PATCH", path, {"archived": True})
    assert await code_of(rest, "POST", f"{path}/messages", {"content": "x"}) == 50083
    with pytest.raises(ActionError, match="refuses"):
        rest.world.say(number, "bob", "x")
