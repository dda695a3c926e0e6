"""One walk for the bots of all client libraries: what people do, and what a bot has to make of it.

Each bot in tests/e2e/stock answers to the same words, commands and components. The test acts and looks only
through the sandbox's control API.
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.stock.bot import StockBot, running_client
from support.stock.comparison import Stage, running_stage

__all__ = ["STEPS", "Step", "Walk", "components_v2", "poll", "walk_with"]

COMMANDS = {"add", "slow", "fruit", "greet", "Who", "Shout", "upload"}
FILE = base64.b64encode(b"hello").decode()


@dataclass
class Walk:
    """A walk in progress; ``panel`` is the message with the components."""

    stage: Stage
    bot: StockBot
    panel: str = ""
    people: dict[str, str] = field(default_factory=dict)

    async def post(self, path: str, **body: Any) -> Any:
        return await self.stage.sandbox.post(path, **body)

    async def ask(self, word: str, answer: str) -> Any:
        """Say a word as alice; return the bot's message with that content."""
        said = await self.post("/say", channel="general", user="alice", content=word)
        return await self.hear(answer, after=said["id"])

    async def hear(self, answer: str, after: str = "0") -> Any:
        """Wait for the bot's message in #general with exactly that content."""
        pattern = f"^{re.escape(answer)}$"
        return await self.post("/wait", channel="general", regex=pattern, after=after, timeout=20)

    async def use(self, path: str, **body: Any) -> Any:
        """Start an interaction as alice; return its outcome."""
        return await self.post(path, channel="general", user="alice", wait=10, **body)

    async def newest(self) -> str:
        (message,) = await self.stage.sandbox.get("/messages", channel="general", limit="1")
        return str(message["id"])

    async def totals(self) -> dict[str, int]:
        found: dict[str, int] = (await self.stage.sandbox.get("/gateway"))["totals"]
        return found

    async def until_more(self, name: str, before: dict[str, int]) -> None:
        """Wait until the gateway has counted more of something."""
        for _ in range(200):
            if (await self.totals())[name] > before[name]:
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"no more {name} within 20 s")


def said(used: Any, text: str) -> None:
    """Check the message that an interaction was answered with."""
    assert used["message"] is not None, used
    assert used["message"]["content"] == text, used


Step = Callable[[Walk], Awaitable[None]]


async def ready(walk: Walk) -> None:
    await walk.bot.line("ready")
    state = await walk.stage.sandbox.get("/state")
    assert state["bot_online"]
    walk.people = {each["username"]: each["id"] for each in state["users"]}


async def commands_registered(walk: Walk) -> None:
    assert {each["name"] for each in await walk.stage.sandbox.get("/commands", guild="Sandbox")} == COMMANDS


async def message_in_reply_out(walk: Walk) -> None:
    answer = await walk.ask("!ping", "Pong!")
    assert answer["message_reference"]["message_id"] == answer["referenced_message"]["id"]


async def embed_with_a_file(walk: Walk) -> None:
    sent = await walk.ask("!embed", "Picture")
    image = sent["embeds"][0]["image"]
    assert image["url"].startswith(f"{walk.stage.sandbox.url}/cdn/attachments/"), image
    assert (image["width"], image["height"], sent["attachments"]) == (1, 1, [])
    await walk.hear("Seen rich", after=sent["id"])


async def button_edits_the_message(walk: Walk) -> None:
    walk.panel = (await walk.ask("!panel", "Panel"))["id"]
    used = await walk.use("/click", message=walk.panel, custom_id="edit")
    assert used["responded"]
    said(used, "Clicked")


async def select(walk: Walk) -> None:
    used = await walk.use("/select", message=walk.panel, values=["Blue"], custom_id="colour")
    said(used, "Chose Blue")


async def modal(walk: Walk) -> None:
    opened = await walk.use("/click", message=walk.panel, custom_id="form")
    assert opened["modal"]["title"] == "Form", opened
    values = {"name": "Ada"}
    sent = await walk.post("/modal", interaction=opened["id"], user="alice", values=values, wait=10)
    said(sent, "Hello Ada")


async def slash_command(walk: Walk) -> None:
    used = await walk.use("/interact", command="add", options={"one": 2, "two": 3})
    said(used, "5")


async def deferred_and_follow_up(walk: Walk) -> None:
    before = await walk.newest()
    used = await walk.use("/interact", command="slow")
    said(used, "Done")
    await walk.hear("Followed", after=before)
    await walk.hear("Follow-up has an id", after=before)


async def autocomplete(walk: Walk) -> None:
    found = await walk.use("/autocomplete", command="fruit", option="name", value="ap")
    assert [each["value"] for each in found["choices"]] == ["apple", "apricot"], found
    used = await walk.use("/interact", command="fruit", options={"name": "pear"})
    said(used, "pear!")


async def subcommand_with_user(walk: Walk) -> None:
    used = await walk.use("/interact", command="greet user", options={"who": "bob"})
    said(used, "Hello bob")


async def user_menu(walk: Walk) -> None:
    used = await walk.use("/interact", command="Who", target="bob")
    said(used, "It is bob")


async def message_menu(walk: Walk) -> None:
    target = await walk.post("/say", channel="general", user="bob", content="now")
    used = await walk.use("/interact", command="Shout", target=target["id"])
    said(used, "NOW")


async def attachment_option(walk: Walk) -> None:
    used = await walk.use("/interact", command="upload", options={"file": ["x.txt", FILE]})
    said(used, "x.txt 5")


async def reactions(walk: Walk) -> None:
    await walk.post("/react", channel="general", message=walk.panel, user="alice", emoji="👍")
    await walk.hear("Reacted 👍", after=walk.panel)
    said = await walk.post("/say", channel="general", user="alice", content="!react")
    await walk.hear("reacted", after=said["id"])
    found = await walk.stage.sandbox.get(
        "/messages", channel="general", after=str(int(said["id"]) - 1), limit="50"
    )
    kinds = [each["emoji"]["name"] for each in next(e for e in found if e["id"] == said["id"])["reactions"]]
    assert kinds == ["🎉"]


async def member_join(walk: Walk) -> None:
    before = await walk.newest()
    joined = await walk.post("/join", user="carol")
    walk.people["carol"] = joined["user"]["id"]
    await walk.hear("Welcome carol", after=before)


async def edits_and_deletes(walk: Walk) -> None:
    said = await walk.post("/say", channel="general", user="alice", content="edit me")
    await walk.post("/edit", channel="general", message=said["id"], content="edited")
    await walk.hear("Edited: edited", after=said["id"])
    gone = await walk.post("/say", channel="general", user="alice", content="delete me")
    await walk.hear("noted", after=gone["id"])
    await walk.post("/delete", channel="general", message=gone["id"])
    await walk.hear("Deleted", after=gone["id"])


async def thread(walk: Walk) -> None:
    await walk.ask("!thread", "threaded")
    (inside,) = await walk.stage.sandbox.get("/messages", channel="talk", limit="1")
    assert inside["content"] == "inside"
    before = await walk.newest()
    await walk.post("/thread", channel="general", user="bob", name="topic")
    await walk.hear("Thread topic", after=before)


async def direct_message(walk: Walk) -> None:
    await walk.ask("!dm", "sent")
    (direct,) = (await walk.stage.sandbox.get("/state"))["direct"]
    assert direct["messages"][-1]["content"] == "psst"


async def webhook(walk: Walk) -> None:
    await walk.ask("!webhook", "webhook done")
    found = await walk.stage.sandbox.get("/messages", channel="general", limit="4")
    assert "by hook" in [each["content"] for each in found if each.get("webhook_id")]


def word(name: str, answer: str) -> Step:
    async def step(walk: Walk) -> None:
        await walk.ask(f"!{name}", answer)

    step.__name__ = name
    return step


async def history(walk: Walk) -> None:
    await walk.ask("!history", "history starts with !history")


async def purge(walk: Walk) -> None:
    said = [await walk.post("/say", channel="random", user="bob", content="spam") for _ in range(3)]
    await walk.ask("!purge", "purged 3")
    left = await walk.stage.sandbox.get("/messages", channel="random", limit="50")
    assert not {each["id"] for each in said} & {each["id"] for each in left}


async def poll(walk: Walk) -> None:
    sent = await walk.ask("!poll", "")
    assert sent["poll"]["question"]["text"] == "Which?"


async def components_v2(walk: Walk) -> None:
    before = await walk.post("/say", channel="general", user="alice", content="!layout")
    sent = await walk.hear("", after=before["id"])
    assert [each["type"] for each in sent["components"]] == [17]
    used = await walk.use("/click", message=sent["id"], label="edit")
    assert used["responded"], used


async def typing_voice_and_presence(walk: Walk) -> None:
    alice, before = walk.people["alice"], await walk.newest()
    await walk.post("/typing", channel="general", user="alice")
    await walk.hear(f"Typing {alice}", after=before)
    await walk.post("/voice", user="alice", channel="Lounge")
    await walk.hear(f"Voice {alice}", after=before)
    await walk.post("/presence", user="alice", status="dnd")
    await walk.hear(f"Presence {alice} dnd", after=before)
    await walk.ask("!idle", "idling")
    sessions = (await walk.stage.sandbox.get("/gateway"))["sessions"]
    assert {each["presence"]["status"] for each in sessions} == {"idle"}


async def resumes(walk: Walk) -> None:
    """Lose the connection in each way after which a client resumes; events of the meantime come."""
    for fault in ({"do": "reconnect"}, {"do": "close", "code": 4000}, {"do": "reset"}):
        before = await walk.totals()
        await walk.post("/fault", connections=fault)
        said = await walk.post("/say", channel="general", user="alice", content="!ping")
        await walk.until_more("resumes", before)
        await walk.hear("Pong!", after=said["id"])
        assert (await walk.totals())["identifies"] == before["identifies"], fault


async def invalid_session(walk: Walk) -> None:
    before = await walk.totals()
    await walk.post("/fault", connections={"do": "invalid_session", "resumable": False})
    await walk.until_more("identifies", before)
    await walk.ask("!ping", "Pong!")


STEPS: tuple[Step, ...] = (
    ready,
    commands_registered,
    message_in_reply_out,
    embed_with_a_file,
    button_edits_the_message,
    select,
    modal,
    slash_command,
    deferred_and_follow_up,
    autocomplete,
    subcommand_with_user,
    user_menu,
    message_menu,
    attachment_option,
    reactions,
    member_join,
    edits_and_deletes,
    thread,
    direct_message,
    word("role", "role done"),
    webhook,
    word("members", "members 5"),
    word("channel", "channel done"),
    history,
    purge,
    poll,
    components_v2,
    word("rest", "rest done"),
    typing_voice_and_presence,
    resumes,
    invalid_session,
)


async def walk_with(
    command: Collection[str],
    state_dir: Path | None,
    *,
    environment: dict[str, str] | None = None,
    without: Collection[Step] = (),
    delay: float = 0.0,
) -> None:
    """Run a bot and take it through all steps; with ``state_dir``, through the REST proxy.

    ``without`` are steps for which the library has nothing. ``delay`` is the gateway's, in seconds.
    Every response that the bot got has to conform to Discord's API.
    """
    async with _walking(command, state_dir, environment, delay) as walk:
        for step in STEPS:
            if step not in without:
                await _take(step, walk)
        assert walk.stage.wrong() == []


@asynccontextmanager
async def _walking(
    command: Collection[str], state_dir: Path | None, environment: dict[str, str] | None, delay: float
) -> AsyncIterator[Walk]:
    async with running_stage(state_dir, guilds=1, shards=1, rate_limits=False) as stage:
        await stage.sandbox.post("/fault", gateway={"delay": delay})
        arguments = (*command, stage.url, stage.token)
        async with running_client(*arguments, environment=environment) as bot:
            yield Walk(stage, bot)


async def _take(step: Step, walk: Walk) -> None:
    try:
        await step(walk)
    except AssertionError as error:
        printed = await walk.bot.rest()
        raise AssertionError(f"{step.__name__}: {error}\nThe bot printed:\n{printed}") from error
