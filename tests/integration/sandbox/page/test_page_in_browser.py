"""The page in a real Chromium, with a bot of a few lines on the gateway and the REST API."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from nescord_core.events import Intents
from nescord_core.settings import SANDBOX_TOKEN as TOKEN
from support.sandbox.browser import Page, binary, browser
from support.sandbox.raw_gateway import RawGateway
from support.sandbox.raw_voice import raw_voice
from support.sandbox.running import RunningSandbox, running_sandbox
from support.sandbox.running_rest import PNG

pytestmark = pytest.mark.skipif(binary() is None, reason="there is no chromium on this machine")

BUTTON = [{"type": 1, "components": [{"type": 2, "style": 1, "label": "Again", "custom_id": "again"}]}]
TEXTS = "[...document.querySelectorAll('#messages .message .text')].map((e) => e.textContent)"


async def rest(sandbox: RunningSandbox, path: str, body: Any) -> None:
    url, headers = f"{sandbox.url}/api/v10{path}", {"Authorization": f"Bot {TOKEN}"}
    async with sandbox.http.post(url, json=body, headers=headers) as answer:
        assert answer.status < 300, await answer.text()


async def be_a_bot(sandbox: RunningSandbox) -> None:
    """Answer !ping with Pong! and a button, and the button with a new message."""
    async with RawGateway(sandbox.gateway_url) as gateway:
        await gateway.identify(TOKEN, intents=(Intents.default() | Intents.MESSAGE_CONTENT).value)
        while True:
            payload = await gateway.receive(timeout=60.0)
            if payload.get("t") == "MESSAGE_CREATE" and payload["d"]["content"] == "!ping":
                body = {"content": "Pong! **bold**", "components": BUTTON}
                await rest(sandbox, f"/channels/{payload['d']['channel_id']}/messages", body)
            if payload.get("t") == "INTERACTION_CREATE":
                d = payload["d"]
                answer = {"type": 4, "data": {"content": f"clicked {d['data']['custom_id']}"}}
                await rest(sandbox, f"/interactions/{d['id']}/{d['token']}/callback", answer)


async def texts(page: Page) -> list[str]:
    found: list[str] = await page.evaluate(TEXTS)
    return found


async def test_a_person_types_sees_the_answer_and_clicks_its_button(tmp_path: Path) -> None:
    async with running_sandbox() as sandbox, browser(tmp_path) as page, asyncio.TaskGroup() as group:
        await page.open(f"{sandbox.url}/")
        await page.until("document.querySelector('#link').dataset.state === 'live'")
        await page.until("document.querySelector('#bot-state').textContent.startsWith('offline')")
        bot = group.create_task(be_a_bot(sandbox))
        await page.until("document.querySelector('#bot-state').textContent === 'online'")
        await page.until("document.querySelector('#channel-name').textContent === '# general'")
        await page.evaluate("document.querySelector('#content').focus()")
        await page.type("!ping")
        await page.press_enter()
        await page.until(f"{TEXTS}.includes('Pong! bold')")
        assert await texts(page) == ["!ping", "Pong! bold"]
        assert await page.evaluate("document.querySelector('#messages .text b').textContent") == "bold"
        await page.click("#messages .row button")
        await page.until(f"{TEXTS}.includes('clicked again')")
        assert page.problems == []
        bot.cancel()
        await page.until("document.querySelector('#bot-state').textContent.startsWith('offline')")


async def be_asked(sandbox: RunningSandbox, gateway: RawGateway, answer: dict[str, Any]) -> dict[str, Any]:
    """Take the next interaction and answer it."""
    d: dict[str, Any] = (await gateway.until("INTERACTION_CREATE", timeout=20.0))["d"]
    await rest(sandbox, f"/interactions/{d['id']}/{d['token']}/callback", answer)
    return d


async def test_a_command_opens_a_form_and_its_answer_is_for_its_user_only(tmp_path: Path) -> None:
    field = {"type": 4, "custom_id": "why", "label": "Why?", "style": 2}
    form = {"custom_id": "f", "title": "Tell us", "components": [{"type": 1, "components": [field]}]}
    async with (
        running_sandbox() as sandbox,
        RawGateway(sandbox.gateway_url) as gateway,
        browser(tmp_path) as page,
    ):
        await gateway.identify(TOKEN, intents=0)
        application = gateway.ready["application"]["id"]
        command = {"name": "form", "description": "Fill in a form"}
        await rest(sandbox, f"/applications/{application}/commands", command)
        await page.open(f"{sandbox.url}/")
        await page.until("document.querySelector('#channel-name').textContent === '# general'")
        await page.evaluate("document.querySelector('#content').focus()")
        await page.type("/form")
        await page.until("document.querySelector('#suggest-list li')?.textContent.includes('Fill in a form')")
        await page.press_enter()
        await be_asked(sandbox, gateway, {"type": 9, "data": form})
        await page.until("document.querySelector('#modal').open")
        await page.evaluate("document.querySelector('#modal textarea').focus()")
        await page.type("because")
        await page.click("#modal .s1")
        d = await be_asked(sandbox, gateway, {"type": 4, "data": {"content": "thanks", "flags": 64}})
        assert d["data"]["components"][0]["components"][0]["value"] == "because"
        await page.until(f"{TEXTS}.includes('thanks')")
        assert "Only you" in await page.evaluate("document.querySelector('.message .marks').textContent")
        await page.type("/nothing")
        await page.press_enter()
        await page.until("document.querySelector('#toast').textContent.includes('/form')")


async def test_a_command_and_its_form_take_files(tmp_path: Path) -> None:
    notes, picture = tmp_path / "notes.txt", tmp_path / "picture.png"
    notes.write_bytes(b"some notes")
    picture.write_bytes(PNG)
    upload = {"type": 19, "custom_id": "shots", "max_values": 2, "file_types": ["image", ".txt"]}
    form = {"custom_id": "f", "title": "T", "components": [{"type": 18, "label": "L", "component": upload}]}
    options = [
        {"name": name, "description": "a file", "type": 11, "required": True} for name in ("one", "two")
    ]
    async with (
        running_sandbox() as sandbox,
        RawGateway(sandbox.gateway_url) as gateway,
        browser(tmp_path / "profile") as page,
    ):
        await gateway.identify(TOKEN, intents=0)
        application = gateway.ready["application"]["id"]
        command = {"name": "keep", "description": "Keep files", "options": options}
        await rest(sandbox, f"/applications/{application}/commands", command)
        await page.open(f"{sandbox.url}/")
        await page.until("document.querySelector('#channel-name').textContent === '# general'")
        await focus(page)
        await page.type("/keep one:")
        await page.until("document.querySelector('#suggest-hint').textContent.includes('attach it')")
        await page.press_enter()
        await page.until("document.querySelector('#toast').textContent.includes('one needs a file')")
        assert await value(page) == "/keep one:"
        await page.choose_files("#files", notes, picture)
        await page.until("document.querySelector('#suggest-list').textContent.includes('picture.png')")
        await page.type("picture.png")
        await page.press("Escape", 27)
        await page.press_enter()
        d = await be_asked(sandbox, gateway, {"type": 9, "data": form})
        given = {each["name"]: each["value"] for each in d["data"]["options"]}
        files = d["data"]["resolved"]["attachments"]
        named = {name: files[given[name]]["filename"] for name in given}
        assert named == {"one": "picture.png", "two": "notes.txt"}
        await page.until("document.querySelector('#modal').open && document.querySelector('#uploads').hidden")
        accepted = await page.evaluate("document.querySelector('#modal input').accept")
        assert accepted == "image/*,.txt"
        await page.choose_files("#modal input", picture, notes)
        await page.click("#modal .s1")
        d = await be_asked(sandbox, gateway, {"type": 4, "data": {"content": "kept"}})
        values = d["data"]["components"][0]["component"]["values"]
        sent = [d["data"]["resolved"]["attachments"][each] for each in values]
        assert [each["filename"] for each in sent] == ["picture.png", "notes.txt"]
        await page.until(f"{TEXTS}.includes('kept')")
        assert page.problems == []


async def test_a_direct_message_is_written_as_its_person(tmp_path: Path) -> None:
    async with running_sandbox() as sandbox, browser(tmp_path) as page:
        await sandbox.post("/dm", user="bob", content="one")
        await page.open(f"{sandbox.url}/")
        await page.until("document.querySelector('#channel-name').textContent === '# general'")
        await page.click("#guilds button[data-id=direct]")
        await page.until(f"{TEXTS}.includes('one') && document.querySelector('#user').value === 'bob'")
        await page.evaluate("document.querySelector('#content').focus()")
        await page.type("two")
        await page.press_enter()
        await page.until(f"{TEXTS}.includes('two')")


async def test_nothing_that_is_written_runs_in_the_page(tmp_path: Path) -> None:
    attacks = [
        "<img src=x onerror='window.hit=1'>",
        "<script>window.hit=1</script>",
        "[click](javascript:window.hit=1)",
        "<javascript:window.hit=1>",
        "**<svg onload=window.hit=1>**",
        "```html\n<script>window.hit=1</script>\n```",
        "||<iframe srcdoc='<script>parent.hit=1</script>'>||",
    ]
    async with running_sandbox() as sandbox, browser(tmp_path) as page:
        for text in attacks:
            await sandbox.post("/say", channel="general", user="alice", content=text)
        general = (await sandbox.get("/messages", channel="general"))[0]["channel_id"]
        await sandbox.post("/join", user="<b onclick=window.hit=1>x</b>")
        evil = "<img src=x onerror=window.hit=1>"
        embed = {
            "title": evil,
            "description": evil,
            "url": "https://example.com/%22onmouseover=window.hit=1",
            "footer": {"text": evil},
            "fields": [{"name": evil, "value": evil}],
        }
        await rest(sandbox, f"/channels/{general}/messages", {"embeds": [embed]})
        await page.open(f"{sandbox.url}/")
        await page.until(f"{TEXTS}.length >= {len(attacks)}")
        forbidden = "#messages :is(script, iframe, svg, img), #people b, [onerror], [onclick], [onload]"
        assert await page.evaluate(f"document.querySelectorAll({json.dumps(forbidden)}).length") == 0
        hrefs = "[...document.querySelectorAll('#messages a')].every((a) => /^https?:/.test(a.href))"
        assert await page.evaluate(hrefs) is True
        assert await page.evaluate("window.hit === undefined") is True
        assert attacks[0] in await texts(page)


async def test_edits_deletes_reactions_and_faults_are_shown(tmp_path: Path) -> None:
    async with running_sandbox() as sandbox, browser(tmp_path) as page:
        await page.open(f"{sandbox.url}/")
        await page.until("document.querySelector('#link').dataset.state === 'live'")
        one = await sandbox.post("/say", channel="general", user="alice", content="one")
        two = await sandbox.post("/say", channel="general", user="bob", content="two", reply_to=one["id"])
        await sandbox.post("/edit", channel="general", message=one["id"], content="one again")
        await page.until("document.querySelector('.marks')?.textContent === '(edited)'")
        await page.until("document.querySelector('.quote')?.textContent.startsWith('alice: one')")
        await sandbox.post("/react", channel="general", message=one["id"], user="bob", emoji="👍")
        await page.until("document.querySelector('.reactions button')?.textContent === '👍 1'")
        await sandbox.post("/delete", channel="general", message=two["id"])
        await page.until("document.querySelector('.message.deleted .text')?.textContent === 'two'")
        await sandbox.post("/fault", gateway={"no_heartbeat_ack": True})
        await page.until("!document.querySelector('#faults').hidden")
        await sandbox.call("DELETE", "/fault")
        await page.until("document.querySelector('#faults').hidden")
        await sandbox.post("/typing", channel="general", user="bob")
        await page.until("document.querySelector('#typing').textContent === 'bob is typing…'")
        assert page.problems == []


async def test_the_page_comes_back_by_itself_and_shows_what_it_missed(tmp_path: Path) -> None:
    async with running_sandbox() as sandbox, browser(tmp_path) as page:
        await page.open(f"{sandbox.url}/")
        await page.until("document.querySelector('#link').dataset.state === 'live'")
        sandbox.sandbox.feed.stop()
        await page.until("document.querySelector('#link').dataset.state !== 'live'")
        await sandbox.post("/say", channel="general", user="alice", content="missed")
        await page.until("document.querySelector('#link').dataset.state === 'live'")
        await page.until(f"{TEXTS}.includes('missed')")


async def focus(page: Page) -> None:
    await page.evaluate("document.querySelector('#content').focus()")


async def value(page: Page) -> str:
    found: str = await page.evaluate("document.querySelector('#content').value")
    return found


async def listed(page: Page) -> list[str]:
    rows = "[...document.querySelectorAll('#suggest-list li > span')].map((e) => e.textContent.trim())"
    found: list[str] = await page.evaluate(rows)
    return found


async def test_commands_are_written_with_the_keyboard_alone(tmp_path: Path) -> None:
    options = [
        {"type": 4, "name": "sides", "description": "How many", "required": True, "min_value": 2},
        {"type": 3, "name": "kind", "description": "Which", "choices": [{"name": "fair", "value": "f"}]},
        {"type": 3, "name": "why", "description": "For what", "autocomplete": True},
    ]
    async with (
        running_sandbox() as sandbox,
        RawGateway(sandbox.gateway_url) as gateway,
        browser(tmp_path) as page,
    ):
        await gateway.identify(TOKEN, intents=0)
        application = gateway.ready["application"]["id"]
        command = {"name": "roll", "description": "Roll a die", "options": options}
        await rest(sandbox, f"/applications/{application}/commands", command)
        await page.open(f"{sandbox.url}/")
        await page.until("document.querySelector('#channel-name').textContent === '# general'")
        await focus(page)
        await page.type("/ro")
        await page.until("document.querySelector('#suggest-list li[aria-selected=true]')")
        await page.press("Tab", 9)
        # The required option is put in; without its value, or with a wrong one, nothing is sent.
        assert await value(page) == "/roll sides:"
        await page.press_enter()
        await page.until("document.querySelector('#toast').textContent === 'sides is required.'")
        await page.type("1.5")
        await page.press_enter()
        await page.until("document.querySelector('#toast').textContent === 'sides must be a whole number.'")
        await page.evaluate("document.querySelector('#content').value = '/roll sides:'")
        await page.type("1")
        await page.press_enter()
        await page.until("document.querySelector('#toast').textContent === 'sides must be at least 2.'")
        await page.evaluate("document.querySelector('#content').value = '/roll sides:'")
        await page.type("6 ")
        await page.until("document.querySelectorAll('#suggest-list li').length === 2")
        assert await listed(page) == ["kind:", "why:"]
        await page.type("kind:")
        await page.until("document.querySelector('#suggest-list li')?.textContent.startsWith('fair')")
        await page.press_enter()
        await page.type("why:it is at http://x")
        asked = (await gateway.until("INTERACTION_CREATE", timeout=20.0))["d"]
        choices = {"type": 8, "data": {"choices": [{"name": "Luck", "value": "luck"}]}}
        await rest(sandbox, f"/interactions/{asked['id']}/{asked['token']}/callback", choices)
        await page.until("document.querySelector('#suggest-list li')?.textContent.startsWith('Luck')")
        assert await value(page) == "/roll sides:6 kind:fair why:it is at http://x"
        # The first choice is preselected; the box shows its name, the bot gets its value.
        await page.press_enter()
        assert await value(page) == "/roll sides:6 kind:fair why:Luck "
        await page.press_enter()
        while asked["type"] != 2:
            asked = (await gateway.until("INTERACTION_CREATE", timeout=20.0))["d"]
        given = {each["name"]: each["value"] for each in asked["data"]["options"]}
        assert given == {"sides": 6, "kind": "f", "why": "luck"}
        assert page.problems == []


async def test_names_of_people_channels_and_emoji_are_suggested_and_sent_as_mentions(tmp_path: Path) -> None:
    async with running_sandbox() as sandbox, browser(tmp_path) as page:
        await sandbox.post("/roles", name="Night Shift", guild="Sandbox")
        await page.open(f"{sandbox.url}/")
        await page.until("document.querySelector('#channel-name').textContent === '# general'")
        users = {each["username"]: each["id"] for each in (await sandbox.get("/state"))["users"]}
        channels = {
            each["name"]: each["id"] for each in (await sandbox.get("/state"))["guilds"][0]["channels"]
        }
        await page.until(f"{TEXTS}.length === 0")
        await focus(page)
        await page.type("hi @bo")
        await page.until("document.querySelector('#suggest-list li[aria-selected=true]')")
        assert (await listed(page))[0] == "@bob"
        await page.press_enter()
        assert await value(page) == "hi @bob "
        await page.type("in #ran")
        await page.until("document.querySelector('#suggest-list li')?.textContent.startsWith('#random')")
        await page.press("Tab", 9)
        await page.type(":tada")
        await page.until("document.querySelector('#suggest-list li')?.textContent.includes('🎉')")
        await page.press_enter()
        await page.type("and @sandbox bot, :heart: at 10:30:45 `@bob`")
        await page.press_enter()
        await page.until(f"{TEXTS}.length === 1")
        [sent] = await sandbox.get("/messages", channel="general")
        bot = users["Sandbox Bot"]
        assert sent["content"] == (
            f"hi <@{users['bob']}> in <#{channels['random']}> 🎉 and <@{bot}>, ❤️ at 10:30:45 `@bob`"
        )
        assert {each["id"] for each in sent["mentions"]} == {users["bob"], bot}
        await page.press("ArrowUp", 38)
        assert await value(page) == "hi @bob in #random 🎉 and @Sandbox Bot, ❤️ at 10:30:45 `@bob`"
        await page.press("Escape", 27)
        await page.type("@everyone wait, bob@example.org and @night shift")
        await page.press("Escape", 27)
        await page.press_enter()
        await page.until(f"{TEXTS}.length === 2")
        said = (await sandbox.get("/messages", channel="general"))[-1]
        assert "bob@example.org and <@&" in said["content"]
        assert page.problems == []


async def test_the_inspector_shows_events_requests_and_sets_faults(tmp_path: Path) -> None:
    async with running_sandbox() as sandbox, browser(tmp_path) as page:
        await page.open(f"{sandbox.url}/")
        await page.until("document.querySelector('#channel-name').textContent === '# general'")
        await page.click("#show-inspector")
        await page.until("document.querySelector('#panel').textContent.includes('No such bot is connected')")
        await page.click("#tab-Events")
        said = await sandbox.post("/say", channel="general", user="alice", content="look")
        await page.until("document.querySelector('#panel summary b')?.textContent === 'MESSAGE_CREATE'")
        # Events can be filtered by kind, and stopped while one reads.
        await sandbox.post("/typing", channel="random", user="alice")
        shown = "document.querySelector('#panel').textContent"
        await page.until(f"{shown}.includes('TYPING_START')")
        await page.evaluate("document.querySelector('#panel select').value = 'TYPING_START'")
        await page.evaluate("document.querySelector('#panel select').dispatchEvent(new Event('change'))")
        hidden = "[...document.querySelectorAll('#panel details')].filter((each) => each.hidden)"
        await page.until(f"{hidden}.length && {hidden}.every((each) => each.dataset.kind !== 'TYPING_START')")
        await page.click("#panel .bar button")
        await sandbox.post("/typing", channel="general", user="bob")
        await page.until("document.querySelector('#typing').textContent === 'bob is typing…'")
        assert not await page.evaluate(f"{shown}.includes('bob in #general')")
        await page.click("#panel .bar button")
        await page.until(f"{shown}.includes('bob in #general')")
        await page.click("#tab-REST")
        await rest(sandbox, f"/channels/{said['channel_id']}/messages", {"content": "seen"})
        await page.until(
            "document.querySelector('#panel summary b')?.textContent.startsWith('POST /channels/#general')"
        )
        await page.click("#panel summary")
        await page.until("document.querySelector('#panel pre')?.textContent.includes('seen')")
        # A page that is loaded again shows what it showed before.
        await page.open(f"{sandbox.url}/")
        await page.until("document.querySelector('#channel-name').textContent === '# general'")
        await page.click("#show-inspector")
        await page.click("#tab-Events")
        await page.until("document.querySelector('#panel').textContent.includes('alice: look')")
        assert TOKEN not in await page.evaluate("document.body.textContent")
        await page.click("#tab-Faults")
        await page.until("document.querySelector('#f-refuse_resume')")
        await page.click("#f-refuse_resume")
        await page.until("document.querySelector('#faults').textContent.includes('refuse resume')")
        await page.click("#panel button.s1")
        await page.until("document.querySelector('#faults').hidden")
        await page.click("#tab-Gateway")
        await page.until("document.querySelector('#panel').textContent.includes('session starts left')")
        async with RawGateway(sandbox.gateway_url) as gateway:
            await gateway.identify(TOKEN, intents=1 << 17 | 1)
            await page.until("document.querySelector('#panel').textContent.includes('not document 1 << 17')")
        assert page.problems == []


async def test_a_narrow_window_and_the_other_theme(tmp_path: Path) -> None:
    async with running_sandbox() as sandbox, browser(tmp_path) as page:
        metrics = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        await page.send("Emulation.setDeviceMetricsOverride", **metrics)
        await page.open(f"{sandbox.url}/")
        await page.until("document.querySelector('#channel-name').textContent === '# general'")
        wide = "document.documentElement.scrollWidth <= innerWidth"
        assert await page.evaluate(wide)
        hidden = "getComputedStyle(document.querySelector('#places')).visibility"
        assert await page.evaluate(hidden) == "hidden"
        await page.click("#menu")
        await page.until("document.querySelector('#places').getBoundingClientRect().left === 0")
        await page.click("#channels button[data-sign='♪']")
        await page.until("document.querySelector('#channel-name').textContent === '♪ Lounge'")
        await page.until(f"{hidden} === 'hidden'")
        await page.click("#messages .start button")
        await page.until(
            "document.querySelector('#messages .start').textContent.includes('Connected: alice')"
        )
        before = await page.evaluate("document.documentElement.dataset.theme")
        await page.click("#theme")
        assert await page.evaluate("document.documentElement.dataset.theme") != before
        assert await page.evaluate(wide)


async def test_a_poll_is_voted_on_and_menus_work_by_keyboard(tmp_path: Path) -> None:
    async with running_sandbox() as sandbox, browser(tmp_path) as page:
        said = await sandbox.post("/say", channel="general", user="alice", content="pin me")
        answers = [{"poll_media": {"text": each}} for each in ("Tea", "Coffee")]
        poll = {"question": {"text": "Which?"}, "answers": answers, "duration": 1}
        await rest(sandbox, f"/channels/{said['channel_id']}/messages", {"poll": poll})
        await page.open(f"{sandbox.url}/")
        await page.until("document.querySelectorAll('.poll button.answer').length === 2")
        await page.click(".poll button.answer")
        await page.click(".poll .foot .s1")
        await page.until("document.querySelector('.poll .marks').textContent.startsWith('1 vote ')")
        await page.evaluate("document.querySelector('.message .tools button:last-child').focus()")
        await page.press_enter()
        await page.until("document.activeElement.textContent === 'Start a thread'")
        await page.press("ArrowDown", 40)
        await page.until("document.activeElement.textContent === 'Pin'")
        await page.press_enter()
        await page.until(
            "document.querySelector('.message.system')?.textContent.includes('pinned a message')"
        )
        assert page.problems == []


async def test_the_page_shows_when_the_bot_speaks(tmp_path: Path) -> None:
    async with (
        running_sandbox() as sandbox,
        RawGateway(sandbox.gateway_url) as gateway,
        browser(tmp_path) as page,
    ):
        await gateway.identify(TOKEN, intents=0)
        world, calls = sandbox.sandbox.world, sandbox.sandbox.voice.calls
        await page.open(f"{sandbox.url}/")
        await page.until("document.querySelector('#link').dataset.state === 'live'")
        world.voice_join("Lounge", world.application_id)
        await page.until("document.querySelector('#channels').textContent.includes('♪ Sandbox Bot')")
        [call] = calls.by_guild.values()
        identity = {"server_id": str(call.guild_id), "user_id": str(world.application_id)}
        identity |= {"session_id": call.session_id, "token": call.token}
        async with raw_voice(sandbox.sandbox.voice.endpoint) as voice:
            await voice.describe(identity, "aead_aes256_gcm_rtpsize")
            await voice.send(5, {"speaking": 1, "delay": 0, "ssrc": call.ssrc})
            await page.until("document.querySelector('#channels').textContent.includes('Bot (speaking)')")
            await voice.send(5, {"speaking": 0, "delay": 0, "ssrc": call.ssrc})
            await page.until("!document.querySelector('#channels').textContent.includes('(speaking)')")
        assert page.problems == []
