"""Messages as Discord's client shows them, and interactions while they wait and when they fail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from support.sandbox.browser import Page, binary, browser
from support.sandbox.raw_gateway import RawGateway
from support.sandbox.running import RunningSandbox, rest_ok, running_sandbox
from support.sandbox.running_rest import PNG

pytestmark = pytest.mark.skipif(binary() is None, reason="there is no chromium on this machine")

LAST = "[...document.querySelectorAll('#messages .message')].at(-1)"


async def upload(sandbox: RunningSandbox, channel: str, body: Any, *names: str) -> None:
    form = aiohttp.FormData()
    form.add_field("payload_json", json.dumps(body), content_type="application/json")
    for number, name in enumerate(names):
        data = PNG if name.endswith(".png") else b"\n".join(b"line %d" % each for each in range(20))
        form.add_field(f"files[{number}]", data, filename=name)
    url, headers = f"{sandbox.url}/api/v10/channels/{channel}/messages", {}
    headers["Authorization"] = f"Bot {sandbox.token}"
    async with sandbox.http.post(url, data=form, headers=headers) as answer:
        assert answer.status < 300, await answer.text()


async def general(sandbox: RunningSandbox) -> str:
    found: str = (await sandbox.get("/state"))["guilds"][0]["channels"][0]["id"]
    return found


async def callback(sandbox: RunningSandbox, gateway: RawGateway, answer: Any) -> Any:
    d = (await gateway.until("INTERACTION_CREATE", timeout=20.0))["d"]
    await rest_ok(sandbox, "POST", f"/interactions/{d['id']}/{d['token']}/callback", answer)
    return d


async def opened(page: Page, sandbox: RunningSandbox) -> None:
    await page.open(f"{sandbox.url}/")
    await page.until("document.querySelector('#channel-name').textContent === '# general'")


async def count(page: Page, selector: str) -> int:
    found: int = await page.evaluate(f"document.querySelectorAll({json.dumps(selector)}).length")
    return found


async def test_embeds_files_and_layout_components(tmp_path: Path) -> None:
    embed = {
        "title": "News",
        "author": {"name": "who", "icon_url": "attachment://icon.png"},
        "footer": {"text": "foot", "icon_url": "attachment://icon.png"},
        "thumbnail": {"url": "attachment://small.png"},
        "image": {"url": "https://elsewhere.example/picture.png"},
    }
    media = [{"media": {"url": f"attachment://{name}.png"}, "spoiler": name == "b"} for name in "ab"]
    inside = [
        {"type": 12, "items": media},
        {"type": 14, "divider": False, "spacing": 2},
        {"type": 14},
        {"type": 13, "file": {"url": "attachment://notes.txt"}},
    ]
    layout = {"flags": 1 << 15, "components": [{"type": 17, "accent_color": 0, "components": inside}]}
    async with running_sandbox(rate_limits=False) as sandbox, browser(tmp_path) as page:
        channel = await general(sandbox)
        await upload(sandbox, channel, {"embeds": [embed]}, "icon.png", "small.png")
        await upload(sandbox, channel, layout, "a.png", "b.png", "notes.txt")
        files = ("one.png", "two.png", "SPOILER_three.png", "notes.txt", "song.mp3", "data.bin")
        await upload(sandbox, channel, {"content": "files"}, *files)
        await opened(page, sandbox)
        await page.until("document.querySelector('.preview')?.textContent.includes('line 7')")
        assert await count(page, ".embed .author .icon, .embed .footer .icon") == 2
        right = "document.querySelector('.thumbnail').getBoundingClientRect().left"
        assert await page.evaluate(f"{right} > document.querySelector('.embed .title').offsetLeft + 100")
        elsewhere = "document.querySelector('.embed .elsewhere').textContent"
        assert await page.evaluate(elsewhere) == "🖼 Picture at elsewhere.example"
        # What an embed or a component shows is no attachment again.
        assert await count(page, ".files") == 1
        assert await count(page, ".container .gallery[data-count='2'] img") == 2
        assert await count(page, ".container .separator.large:not(.line)") == 1
        assert await count(page, ".container .separator.line") == 1
        assert await page.evaluate("document.querySelector('.container .tile a').textContent") == "notes.txt"
        assert await count(page, ".files .gallery img") == 3
        assert await count(page, ".files audio") == 1
        tiles = "[...document.querySelectorAll('.files .tile a')].map((each) => each.textContent).join()"
        assert await page.evaluate(tiles) == "notes.txt,song.mp3,data.bin"
        covered = ".files .spoiler:not(.shown)"
        assert await count(page, covered) == 1
        await page.click(covered)
        assert await count(page, covered) == 0
        await page.click(".files .plain")
        await page.until("document.querySelector('.preview').textContent.includes('line 19')")
        assert page.problems == []


async def test_select_menus_and_polls(tmp_path: Path) -> None:
    options = [
        {"label": f"Option {each}", "value": each, "description": "about", "emoji": {"name": "🔴"}}
        for each in "abc"
    ]
    menus = [
        {"type": 3, "custom_id": "one", "placeholder": "Pick one", "options": options},
        {"type": 3, "custom_id": "two", "min_values": 2, "max_values": 2, "options": options},
        {"type": 8, "custom_id": "where", "channel_types": [2]},
    ]
    answers = [{"poll_media": {"text": each}} for each in ("Tea", "Coffee", "Milk")]
    poll = {"question": {"text": "Which?"}, "answers": answers, "duration": 1, "allow_multiselect": True}
    async with (
        running_sandbox(rate_limits=False) as sandbox,
        RawGateway(sandbox.gateway_url) as gateway,
        browser(tmp_path) as page,
    ):
        await gateway.identify(sandbox.token, intents=0)
        channel = await general(sandbox)
        rows = [{"type": 1, "components": [each]} for each in menus]
        await rest_ok(sandbox, "POST", f"/channels/{channel}/messages", {"components": rows})
        await opened(page, sandbox)
        await page.until("document.querySelectorAll('.opener').length === 3")
        assert await count(page, "#messages select") == 0
        assert await page.evaluate("document.querySelector('.opener').textContent") == "Pick one▾"
        await page.click(".opener[data-custom-id=one]")
        await page.until("document.querySelectorAll('.select li').length === 3")
        await page.press("ArrowDown", 40)
        await page.press_enter()
        d = await callback(sandbox, gateway, {"type": 6})
        assert d["data"]["values"] == ["b"]
        assert await page.evaluate("document.querySelector('.opener').textContent") == "🔴 Option b▾"
        # Several values are sent when the list closes, and only as many as are asked for.
        await page.click(".opener[data-custom-id=two]")
        await page.click(".select li[data-value=a]")
        await page.press("Escape", 27)
        await page.until("!document.querySelector('.select ul')")
        await page.click(".opener[data-custom-id=two]")
        for each in "abc":
            await page.click(f".select li[data-value={each}]")
        assert await count(page, ".select [aria-selected=true]") == 2
        await page.click("#topic")
        d = await callback(sandbox, gateway, {"type": 6})
        assert sorted(d["data"]["values"]) == ["a", "b"]
        await page.click(".opener[data-custom-id=where]")
        await page.until("document.querySelector('.select li')?.textContent.includes('Lounge')")
        assert await count(page, ".select li") == 1
        await page.press("Escape", 27)

        await rest_ok(sandbox, "POST", f"/channels/{channel}/messages", {"poll": poll})
        await page.until("document.querySelectorAll('.poll button.answer').length === 3")
        assert await page.evaluate("document.querySelector('.poll .foot .s1').disabled")
        await page.click(".poll .foot .plain")
        await page.until("document.querySelectorAll('.poll .bar').length === 3")
        await page.click(".poll .foot .plain")
        await page.click(".poll button.answer")
        await page.click(".poll button.answer:nth-of-type(2)")
        await page.click(".poll .foot .s1")
        await page.until("document.querySelector('.poll .marks').textContent.startsWith('2 votes')")
        assert await count(page, ".poll .answer.me") == 2
        await page.click(".poll .foot .plain")
        await page.until("document.querySelector('.poll .marks').textContent.startsWith('0 votes')")
        assert await count(page, ".poll button.answer") == 3
        assert page.problems == []


async def test_interactions_wait_and_fail_where_they_belong(tmp_path: Path) -> None:
    button = {"type": 2, "style": 1, "label": "Go", "custom_id": "go"}
    async with (
        running_sandbox(rate_limits=False) as sandbox,
        RawGateway(sandbox.gateway_url) as gateway,
        browser(tmp_path) as page,
    ):
        await gateway.identify(sandbox.token, intents=0)
        application, channel = gateway.ready["application"]["id"], await general(sandbox)
        command = {"name": "late", "description": "Answers late or never"}
        await rest_ok(sandbox, "POST", f"/applications/{application}/commands", command)
        await rest_ok(
            sandbox,
            "POST",
            f"/channels/{channel}/messages",
            {"content": "here", "components": [{"type": 1, "components": [button]}]},
        )
        await opened(page, sandbox)
        await page.until("document.querySelector('#bot-state').textContent === 'online'")
        # A button waits, and its message says that nothing came of it.
        await page.click("#messages .row button")
        await page.until("document.querySelector('#messages .row .waiting')")
        await page.until("document.querySelector('.countdown')")
        failed = "document.querySelector('.interaction.failed')?.textContent"
        await page.until(f"{failed} === 'This interaction failed'")
        assert not await page.evaluate("document.querySelector('#messages .row button').disabled")
        assert await page.evaluate("document.querySelector('#toast').hidden")
        await gateway.until("INTERACTION_CREATE", timeout=20.0)
        # Once more with an answer, which is for this user only.
        await page.click("#messages .row button")
        answer = {"type": 4, "data": {"content": "thanks", "flags": 64}}
        await callback(sandbox, gateway, answer)
        await page.until(f"{LAST}.textContent.includes('Only you can see this · Dismiss message')")
        await page.until("document.querySelectorAll('.interaction').length === 0")
        await page.click(".message.private .plain")
        await page.until("!document.querySelector('.message.private')")
        # A command has a row of its own until its answer is there, or until it is dismissed.
        await page.evaluate("document.querySelector('#content').focus()")
        await page.type("/late")
        await page.until("document.querySelector('#suggest-list li')")
        await page.press_enter()
        await page.until(f"{LAST}.textContent.includes('Sending command…')")
        d = await callback(sandbox, gateway, {"type": 5})
        await page.until(f"{LAST}.textContent.includes('is thinking…')")
        await page.until("document.querySelectorAll('.countdown').length === 0")
        path = f"/webhooks/{application}/{d['token']}/messages/@original"
        await rest_ok(sandbox, "PATCH", path, {"content": "at last"})
        await page.until(f"{LAST}.textContent.includes('at last')")
        assert not await page.evaluate(f"{LAST}.textContent.includes('edited')")
        await page.type("/late")
        await page.until("document.querySelector('#suggest-list li')")
        await page.press_enter()
        await page.until(f"{LAST}.textContent.includes('The application did not respond')")
        await page.click(".message.command .plain")
        await page.until("!document.querySelector('.message.command')")
        assert page.problems == []


async def test_days_new_messages_threads_posts_and_conversations(tmp_path: Path) -> None:
    async with running_sandbox(rate_limits=False) as sandbox, browser(tmp_path) as page:
        said = await sandbox.post("/say", channel="general", user="alice", content="Release?")
        forum = await sandbox.post("/channels", name="ideas", kind="forum", guild="Sandbox")
        await sandbox.post("/thread", channel=forum["id"], user="bob", name="Dark mode", content="please")
        thread = await sandbox.post(
            "/thread", channel="general", user="bob", name="Planning", message=said["id"]
        )
        await sandbox.post("/say", channel=thread["id"], user="alice", content="tomorrow")
        await opened(page, sandbox)
        await page.until("document.querySelectorAll('#messages .divider.day').length === 1")
        await sandbox.post("/say", channel="random", user="bob", content="one")
        await sandbox.post("/say", channel="random", user="bob", content="two")
        await page.until("document.querySelector('#channels .unread')?.textContent === 'random'")
        await page.click("#channels .unread")
        await page.until("document.querySelector('.divider.new + .message')?.textContent.includes('one')")
        await page.click(f"#channels button[data-id='{thread['id']}']")
        await page.until("document.querySelector('#channel-name').textContent === '⌙ Planning'")
        shown = "document.querySelector('#messages').textContent"
        await page.until(f"{shown}.includes('Release?') && {shown}.includes('tomorrow')")
        assert "#Planning" not in await page.evaluate(shown)
        await page.click(f"#channels button[data-id='{forum['id']}']")
        await page.until("document.querySelector('.post')?.textContent.startsWith('Dark modebob · ')")
        await sandbox.post("/dm", user="bob", content="psst")
        await page.click("#guilds button[data-id=direct]")
        await page.until("document.querySelector('#channel-name').textContent === '@ Sandbox Bot'")
        await page.until("!document.querySelector('#channels .unread')")
        people = "[...document.querySelectorAll('#people button')].map((e) => e.textContent).join()"
        assert await page.evaluate(people) == "bob,Sandbox BotAPP", "the bot is offline"
        assert page.problems == []
