"""What is done with each program, as a user would, and what is noted of its answers."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from support.commands import fetch

__all__ = ["SCENES", "Person"]

PATIENCE = 20.0
_ID = re.compile(r"\d{15,}|[0-9a-zA-Z_-]{60,}")


class Person:
    """Somebody in a channel of the sandbox, who writes down what the bot does."""

    def __init__(self, port: int, channel: str, guild: str) -> None:
        self.notes: list[Any] = []
        self._port = port
        self.guild = guild
        self.channel = channel
        self._last = "0"

    def call(self, path: str, **body: Any) -> Any:
        status, answer = fetch("POST", f"http://127.0.0.1:{self._port}/sandbox{path}", body)
        assert status == 200, (path, body, answer)
        return answer

    def say(self, content: str, user: str = "alice") -> Any:
        """Say something, and take what comes next for the answer."""
        said = self.call("/say", channel=self.channel, guild=self.guild, user=user, content=content)
        self._last = said["id"]
        return said

    def hear(self) -> Any:
        """Note the bot's next message."""
        place = {"channel": self.channel, "guild": self.guild}
        message = self.call("/wait", **place, after=self._last, timeout=PATIENCE)
        self._last = message["id"]
        self.note(message)
        return message

    def ask(self, content: str, user: str = "alice") -> Any:
        self.say(content, user)
        return self.hear()

    def note(self, message: Any) -> None:
        embeds = [
            (each.get("title"), each.get("description"), each.get("footer")) for each in message["embeds"]
        ]
        files = [each["filename"] for each in message.get("attachments", ())]
        self.notes.append(_plain([message["content"], embeds, _labels(message), files]))

    def command(self, name: str, *, user: str = "alice", **more: Any) -> Any:
        """Use an application command, as soon as it is known."""
        body = {"channel": self.channel, "guild": self.guild, "user": user, "command": name, "wait": PATIENCE}
        end = time.monotonic() + PATIENCE
        while True:
            url = f"http://127.0.0.1:{self._port}/sandbox/interact"
            status, answer = fetch("POST", url, body | more)
            if status == 200:
                return self.answered(answer)
            assert time.monotonic() < end, answer
            time.sleep(0.1)

    def use(self, message: Any, what: str, *, user: str = "alice", **more: Any) -> Any:
        """Click or select on a message."""
        place = {"channel": message["channel_id"], "message": message["id"]}
        return self.answered(self.call(f"/{what}", **place, user=user, wait=PATIENCE, **more))

    def answered(self, answer: Any) -> Any:
        self.notes.append([answer["responded"], answer["deferred"], _plain(answer.get("choices"))])
        if answer.get("message"):
            self.note(answer["message"])
        if answer.get("modal"):
            self.notes.append(answer["modal"]["title"])
        return answer

    def look(self, message: Any) -> Any:
        """Note what has become of a message."""
        path = f"/sandbox/messages?channel={message['channel_id']}&limit=50"
        found = fetch("GET", f"http://127.0.0.1:{self._port}{path}")[1]
        now = next(each for each in found if each["id"] == message["id"])
        self.note(now)
        return now


def _plain(value: Any) -> Any:
    """Leave out ids, which are others in every world."""
    if isinstance(value, str):
        return _ID.sub("ID", value)
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _labels(message: Any) -> list[Any]:
    rows = message.get("components") or []
    return [
        [item.get("label") or item.get("custom_id") for item in row.get("components", ())] for row in rows
    ]


def checks(me: Person) -> None:
    for text in ("!p", "!add 2", "!add x", "!add", "!who bob some words", "!who nobody"):
        me.ask(text)
    for text in ("!secret", "!rare", "!rare"):
        me.ask(text)


def hybrid(me: Person) -> None:
    me.ask("!hello")
    me.ask("!hello there")
    me.command("hello", options={"name": "slash"})
    me.ask("!tag")
    me.ask("!tag make it")
    me.command("tag make", options={"name": "that"})


def groups(me: Person) -> None:
    me.command("math plus", options={"one": 2, "two": 40})
    me.command("math pick", options={"kind": 2})
    me.hear()
    me.command("broken")


def complete(me: Person) -> None:
    me.command("eat", options={"fruit": "pear"})
    body = {"command": "eat", "option": "fruit", "value": "ap", "wait": PATIENCE}
    me.answered(me.call("/autocomplete", channel=me.channel, user="alice", **body))
    me.command("twice", options={"number": "21", "member": "bob"})


def menus(me: Person) -> None:
    me.command("Shout", target=me.say("quiet words")["id"])
    me.command("Name", target="bob")


def buttons(me: Person) -> None:
    message = me.ask("!counter")
    for custom_id in ("count", "count", "done"):
        me.use(message, "click", custom_id=custom_id)
        me.look(message)
    me.hear()


def selects(me: Person) -> None:
    message = me.ask("!colour")
    me.use(message, "select", custom_id="colour", values=["red", "blue"])
    me.use(message, "select", custom_id="colour", values=["green"], user="bob")


def modals(me: Person) -> None:
    opened = me.command("feedback")
    values = {"name": "Alice", "text": "fine"}
    me.answered(me.call("/modal", interaction=opened["id"], user="alice", values=values, wait=PATIENCE))


def persistent(me: Person) -> None:
    message = me.ask("!panel")
    me.use(message, "click", label="Again")
    me.use(message, "click", label="Number 7")


def pages(me: Person) -> None:
    message = me.ask("!book")
    for custom_id in ("next", "next", "next", "back"):
        me.use(message, "click", custom_id=custom_id)
        me.look(message)


def reactions(me: Person) -> None:
    message = me.ask("!roles")
    body = {"channel": message["channel_id"], "message": message["id"], "user": "bob", "emoji": "👍"}
    me.call("/react", **body)
    me.hear()
    me.call("/unreact", **body)
    me.hear()


def background(me: Person) -> None:
    me.ask("!beats")


def helping(me: Person) -> None:
    for text in ("?help", "?help boo", "?help nothing", "?boo yes"):
        me.ask(text)


def extensions(me: Person) -> None:
    for text in ("!seen", "!half 3", "!half x", "!again", "!seen"):
        me.ask(text)


def edits(me: Person) -> None:
    said = me.say("before")
    place = {"channel": said["channel_id"], "message": said["id"]}
    me.call("/edit", **place, content="after", user="alice")
    me.hear()
    me.call("/delete", **place, user="alice")
    me.hear()


def game(me: Person) -> None:
    me.ask("!guess")
    me.ask("3")
    me.say("not a number")
    message = me.ask("7")
    me.call("/react", channel=message["channel_id"], message=message["id"], user="alice", emoji="👍")
    me.hear()
    me.ask("!quick")


def greeter(me: Person) -> None:
    me.call("/join", user="newcomer", guild=me.guild)
    me.hear()
    role = me.call("/roles", name="Guest", guild=me.guild)
    me.call("/give_role", user="newcomer", role=role["id"], guild=me.guild)
    me.hear()
    me.call("/leave", user="newcomer", guild=me.guild)
    me.hear()


def invites(me: Person) -> None:
    me.say("!invite")
    said = [me.hear()["content"], me.hear()["content"]]
    me.notes[-2:] = sorted(said)  # the event and the answer race with each other on any transport
    me.ask("!world")


def webhooks(me: Person) -> None:
    me.ask("!hook")
    me.ask("!file")
    me.hear()


def by_hand(me: Person) -> None:
    me.say("!state")
    said = [me.hear()["content"], me.hear()["content"]]
    me.notes[-2:] = sorted(said)


def cached(me: Person) -> None:
    me.call("/roles", name="Cached", guild=me.guild, permissions="8")
    me.call("/channels", name="voice", guild=me.guild, kind="voice")
    me.call("/voice", user="bob", channel="voice", guild=me.guild)
    for _ in range(7):
        me.ask("!part")


def sharded(me: Person) -> None:
    me.ask("!noted")


SCENES: dict[str, Callable[[Person], None]] = {
    each.__name__: each
    for each in (
        *(checks, hybrid, groups, complete, menus, buttons, selects, modals, persistent, pages, reactions),
        *(background, helping, extensions, edits, game, greeter, invites, webhooks, by_hand, cached, sharded),
    )
}
