"""A person in a channel of a sandbox, who uses a bot and records what it does."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

from support.processes.commands import fetch

__all__ = ["PATIENCE", "Person", "plain"]

PATIENCE = 20.0
_ID = re.compile(r"\d{15,}|[0-9a-zA-Z_-]{60,}")


class Person:
    """A person in a channel of the sandbox, who records what the bot does."""

    def __init__(self, port: int, channel: str, guild: str) -> None:
        self.notes: list[Any] = []
        self._port = port
        self.guild = guild
        self.channel = channel
        self._last, self._heard = "0", ""
        self._rooms = 0
        self.bot = fetch("GET", f"http://127.0.0.1:{port}/sandbox/state?tail=0")[1]["bot"]["id"]

    def call(self, path: str, **body: Any) -> Any:
        status, answer = fetch("POST", f"http://127.0.0.1:{self._port}/sandbox{path}", body)
        assert status == 200, (path, body, answer)
        return answer

    def edit(self, kind: str, which: str, **changes: Any) -> Any:
        return self._change("PATCH", f"/{kind}/{which}", changes)

    def remove(self, kind: str, which: str) -> None:
        self._change("DELETE", f"/{kind}/{which}", {})

    def _change(self, method: str, path: str, body: Any) -> Any:
        status, answer = fetch(method, f"http://127.0.0.1:{self._port}/sandbox{path}", body)
        assert status == 200, (method, path, answer)
        return answer

    def say(self, content: str, user: str = "alice", **more: Any) -> Any:
        """Send a message, and take the next one as the response."""
        place = {"channel": self.channel, "guild": self.guild}
        said = self.call("/say", **place, user=user, content=content, **more)
        self._last = said["id"]
        return said

    def hear(self) -> Any:
        """Note the bot's next message."""
        place = {"channel": self.channel, "guild": self.guild}
        message = self.call("/wait", **place, after=self._last, timeout=PATIENCE)
        self._last, self._heard = message["id"], message["content"]
        self.note(message)
        return message

    def heard(self) -> str:
        """Return the text of the bot's next message, which is not noted."""
        self.hear()
        self.notes.pop()
        return str(plain(self._heard))

    def heard_until(self, text: str) -> None:
        """Note the bot's messages up to one with this text in it, sorted."""
        said = [self.heard()]
        while text not in said[-1]:
            said.append(self.heard())
        self.notes += sorted(said)

    def ask(self, content: str, user: str = "alice") -> Any:
        self.say(content, user)
        return self.hear()

    def ask_all(self, *texts: str) -> None:
        """Ask one after the other, four in a channel: Discord lets a bot send five in five seconds."""
        home = self.channel
        for number, text in enumerate(texts):
            if number % 4 == 0:
                self._rooms += 1
                self.channel = f"{home}-{self._rooms}"
                self.call("/channels", name=self.channel, guild=self.guild)
            self.ask(text)
        self.channel = home

    def note(self, message: Any) -> None:
        embeds = [
            (each.get("title"), each.get("description"), each.get("footer")) for each in message["embeds"]
        ]
        files = [each["filename"] for each in message.get("attachments", ())]
        self.notes.append(plain([message["content"], embeds, _labels(message), files]))

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

    def fill(self, opened: Any, values: dict[str, Any], *, user: str = "alice") -> Any:
        """Fill in a modal; fields are named by custom id, or by label where that is unknown."""
        named = {each.get("label"): each["custom_id"] for each in _fields(opened["modal"])}
        given = {named.get(name, name): value for name, value in values.items()}
        body = {"interaction": opened["id"], "user": user, "values": given, "wait": PATIENCE}
        return self.answered(self.call("/modal", **body))

    def answered(self, answer: Any) -> Any:
        self.notes.append([answer["responded"], answer["deferred"], plain(answer.get("choices"))])
        if answer.get("message"):
            self.note(answer["message"])
        if answer.get("modal"):
            self.notes.append(answer["modal"]["title"])
        return answer

    def messages(self, channel: str) -> Any:
        """Return the messages of a channel, oldest first."""
        path = f"/sandbox/messages?channel={channel}&guild={self.guild}&limit=50"
        return fetch("GET", f"http://127.0.0.1:{self._port}{path}")[1]

    def channel_called(self, name: str) -> str:
        state = fetch("GET", f"http://127.0.0.1:{self._port}/sandbox/state?tail=0&guild={self.guild}")[1]
        return str(next(each["id"] for each in state["guilds"][0]["channels"] if each["name"] == name))

    def texts(self, message: Any) -> list[str]:
        """Return the texts of a message's layout."""
        return [each["content"] for each in _walk(message["components"]) if each.get("type") == 10]

    def look(self, message: Any) -> Any:
        """Record the current state of a message."""
        now = next(each for each in self.messages(message["channel_id"]) if each["id"] == message["id"])
        self.note(now)
        return now


def plain(value: Any) -> Any:
    """Leave out ids, which are others in every world."""
    if isinstance(value, str):
        return _ID.sub("ID", value)
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def _walk(components: Any) -> Iterator[Any]:
    for each in components or ():
        yield each
        yield from _walk(each.get("components"))
        yield from _walk([inner for inner in (each.get("component"), each.get("accessory")) if inner])


def _fields(modal: Any) -> list[Any]:
    return [each for each in _walk(modal["components"]) if each.get("custom_id")]


def _labels(message: Any) -> list[Any]:
    return [
        [item.get("label") or item.get("custom_id"), bool(item.get("disabled"))]
        for item in _walk(message.get("components"))
        if item.get("custom_id") or item.get("label")
    ]
