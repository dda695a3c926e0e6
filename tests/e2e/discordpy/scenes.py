"""The user's actions for each program."""

from __future__ import annotations

from collections.abc import Callable

from support.sandbox.person import PATIENCE, Person

__all__ = ["SCENES"]


def checks(me: Person) -> None:
    me.ask_all(
        "!p", "!add 2", "!add x", "!add", "!who bob some words", "!who nobody", "!secret", "!rare", "!rare"
    )


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
    me.notes[-2:] = sorted(said)  # the event and the answer race on any transport
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
    me.ask_all(*["!part"] * 7)


def sharded(me: Person) -> None:
    me.ask("!noted")


SCENES: dict[str, Callable[[Person], None]] = {
    each.__name__: each
    for each in (
        *(checks, hybrid, groups, complete, menus, buttons, selects, modals, persistent, pages, reactions),
        *(background, helping, extensions, edits, game, greeter, invites, webhooks, by_hand, cached, sharded),
    )
}
