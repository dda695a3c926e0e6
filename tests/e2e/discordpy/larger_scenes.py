"""The user's actions for each of the larger programs."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from support.sandbox.person import PATIENCE, Person

__all__ = ["SCENES"]


def tickets(me: Person) -> None:
    panel = me.ask("!panel")
    me.use(panel, "click", custom_id="tickets:open")
    me.hear()
    place = me.channel_called("ticket-alice")
    opening = me.messages(place)[-1]
    me.note(opening)
    me.call("/say", channel=place, user="alice", content="it does not work")
    me.ask("!threads")
    me.use(opening, "click", custom_id="tickets:close")
    me.notes += sorted([me.heard(), me.heard()])
    me.ask("!threads")


def polls(me: Person) -> None:
    message = me.ask("!ask Tea? yes no maybe")
    for user, choice in (("alice", "yes"), ("bob", "no"), ("alice", "no"), ("olivia", "yes")):
        me.use(message, "click", user=user, custom_id=f"vote-{choice}")
    # The view's own time-out fires three seconds later, at a moment that the scene cannot control.
    me.heard_until("time is up")
    me.look(message)
    me.command("ask", options={"question": "Slash?", "choices": "a b"})
    poll = me.ask("!native")
    for answers in ([1], [1, 2], []):
        me.call("/vote", channel=poll["channel_id"], message=poll["id"], user="bob", answers=answers)
        me.notes += [me.heard()] if answers != [] else sorted([me.heard(), me.heard()])
    me.ask("!end")


def economy(me: Person) -> None:
    me.ask_all("$bal", "$DAILY", "$daily", "$money bob", "$pay bob 20", "$pay bob all", "$pay bob none")
    me.ask_all("$pay bob -1", "$pay bob 5000", "$pay", "$villa", "$top")
    me.command("work", options={"hours": 3})
    me.command("work")
    me.ask("$bal")


def moderation(me: Person) -> None:
    me.call("/join", user="troll", guild=me.guild)
    for number in range(3):
        me.say(f"noise {number}", user="bob")
    me.ask("-purge 3 bob")
    me.ask("-purge 300")
    me.ask("-purge 1", user="bob")
    me.ask_all(
        "-warn bob troll 'being loud' and rude", "-warn troll again", "-mute troll 2", "-nick troll Imp"
    )
    me.ask_all(
        "-nick troll", "-role add troll member", "-role remove troll member", "-role burn troll member"
    )
    me.ask_all("-slow 7", "-slow 0", "-lock")
    me.ask_all("-kick troll bad manners", "-kick nobody x", "-kick olivia x", "-audit")
    me.say("-ban bob worse")
    me.notes += sorted([me.heard(), me.heard()])
    me.say("-unban bob")
    me.notes += sorted([me.heard(), me.heard()])
    me.call("/join", user="bob", guild=me.guild)


def starboard(me: Person) -> None:
    said = me.say("a wise word")
    place = {"channel": said["channel_id"], "message": said["id"], "emoji": "⭐"}
    me.call("/react", **place, user="bob")
    copy = me.hear()
    me.call("/react", **place, user="olivia")
    me.hear()
    me.look(copy)
    me.call("/unreact", **place, user="bob")
    me.hear()
    me.look(copy)
    me.say("clear", reply_to=said["id"])
    me.hear()


def watching(me: Person) -> None:
    place = {"channel": me.channel, "guild": me.guild}
    said = me.say("before")
    me.call("/edit", channel=said["channel_id"], message=said["id"], content="after", user="alice")
    me.call("/pin", channel=said["channel_id"], message=said["id"], user="olivia")
    me.ask("!log")
    me.call("/delete", channel=said["channel_id"], message=said["id"], user="alice")
    me.call("/typing", **place, user="bob")
    me.call("/join", user="watched", guild=me.guild)
    role = me.call("/roles", name="Watchers", guild=me.guild, permissions="8")
    me.call("/give_role", user="watched", role=role["id"], guild=me.guild)
    me.edit("roles", role["id"], name="Watchmen", color=255)
    me.ask("!log")
    me.call("/voice", user="bob", channel="Lounge", guild=me.guild)
    me.call("/voice", user="bob", channel="Lounge", guild=me.guild, mute=True)
    me.call("/voice", user="bob", channel=None, guild=me.guild)
    made = me.call("/channels", name="watched", guild=me.guild, topic="old")
    me.edit("channels", made["id"], topic="new")
    me.remove("channels", made["id"])
    me.remove("roles", role["id"])
    me.call("/leave", user="watched", guild=me.guild)
    me.ask("!log")
    me.ask("!rename Elsewhere")
    me.ask("!log")
    guild = me.call("/guilds", name="Second")
    me.ask("!log")
    me.remove("guilds", guild["id"])
    me.ask("!log")


def rolemenu(me: Person) -> None:
    message = me.ask("!menu")
    me.use(message, "select", custom_id="roles", values=["member"])
    me.use(message, "select", custom_id="users", values=["bob", "olivia"])
    me.use(message, "select", custom_id="channels", values=["general"])
    me.use(message, "select", custom_id="plain", values=["1"])
    me.use(message, "select", custom_id="any", values=["alice", "moderator"])
    me.hear()


def forms(me: Person) -> None:
    for values in ({"Name": "Ada", "Age": "36", "About": "sums"}, {"Name": "Bo", "Age": "old", "About": "x"}):
        opened = me.command("apply")
        me.fill(opened, values)
        me.hear()
    opened = me.command("survey")
    me.fill(opened, {"colour": ["Blue"], "friend": ["bob"], "why": "because"})
    opened = me.command("Report", target=me.say("rude words")["id"])
    me.fill(opened, {"reason": "rude"})


def loops(me: Person) -> None:
    for text in ("!notes", "!state", "!again", "!unload"):
        me.ask(text)


def layouts(me: Person) -> None:
    message = me.ask("!page")
    me.use(message, "click", custom_id="more")
    me.use(message, "click", custom_id="more")
    me.notes.append(me.texts(me.look(message)))
    me.use(message, "click", custom_id="beside")
    me.ask("!kinds")


def forum(me: Person) -> None:
    me.ask("!board")
    me.hear()


def meetings(me: Person) -> None:
    me.ask("!meet")
    me.hear()
    me.ask("!stage")


def answers(me: Person) -> None:
    place = {"channel": me.channel, "guild": me.guild, "user": "alice"}
    me.call("/interact", **place, command="answer late")
    me.heard_until("second")
    me.call("/interact", **place, command="answer original")
    while (said := me.heard()) != "deleted":  # the first answer may be seen before or after its edit
        edited = said
    me.notes.append(edited)
    me.command("answer twice")
    me.heard_until("InteractionResponded")
    me.command("answer callback")
    me.heard_until("callback")
    me.command("answer upload", options={"text": "words", "loud": True})
    me.heard_until("WORDS")
    for label in ("Yes", "No"):
        asked = me.command("answer confirm")
        asked = asked["message"]
        me.call(
            "/click",
            channel=asked["channel_id"],
            message=asked["id"],
            user="alice",
            label=label,
            wait=PATIENCE,
        )
        while me.heard() != "confirmed":
            pass
        me.look(asked)


def files(me: Person) -> None:
    content = base64.b64encode(b"some bytes").decode()
    me.say("here", files=[["note.txt", content]])
    me.hear()
    me.ask("!picture")
    me.hear()
    me.hear()
    me.ask("!mention bob")
    me.hear()
    me.hear()
    me.say("!forward")
    me.heard_until("original")
    me.hear()
    me.command("store", options={"note": "nothing"})


def converting(me: Person) -> None:
    me.ask_all("!flags --member bob --days 3 --reason a b --reason c", "!flags --days 1", "! greedy 1 2 3 x")
    me.ask_all("!union #general", "!union general", "!union moderator", "!union bob", "!union 12", "!union z")
    me.ask_all("!pick red slow", "!pick green", "!pick blue never", "!remind 5m 3 a b", "!remind 5m a")
    me.ask_all(
        "!remind 5", "!point 1,2 @everyone 0.2", "!point 1,x y", "!point 1,2 a 7", "!raw   spaced  out"
    )
    me.ask("!q 'a' \"b c\"")
    me.hear()
    me.ask_all('!q "open', "!q a b c", "!config", "!config other", "!config SET x on", "!config set y 2.5")
    said = me.say("find me")
    link = f"{said['channel_id']}-{said['id']}"
    me.ask_all(
        f"!objects {link} 🎉", f"!objects {link} <:pixel:{said['id']}> Sandbox 5", "!objects 1 x", "!nothing"
    )


def slash(me: Person) -> None:
    whole: dict[str, Any] = {"text": "word", "number": 1.5, "level": 2, "mood": "g", "is_true": True}
    me.command("all", options=whole)
    more = {
        "kind": "b",
        "member": "bob",
        "role": "member",
        "channel": "general",
        "anyone": "moderator",
        "shout": "hey",
    }
    me.command("all", options=whole | more)
    me.command("all", options=whole | {"shout": "fail"})
    me.command("all", options=whole, user="bob")
    for name in ("admin", "rarely", "rarely", "moderate", "anywhere", "fails"):
        me.command(name, user="alice" if name != "admin" else "olivia")
    me.heard_until("ZeroDivisionError")
    me.command("rarely", user="olivia")
    me.command("moderate", user="olivia")
    me.command("outer inner leaf", options={"word": "green"})
    me.heard_until("completed")
    for command, option in (("outer inner leaf", "word"), ("all", "shout")):
        body = {"command": command, "option": option, "value": "a", "wait": PATIENCE}
        me.answered(me.call("/autocomplete", channel=me.channel, guild=me.guild, user="alice", **body))
    for where in ("here", "copy", "clear", "everywhere"):
        me.say(f"!sync {where}")  # a bot without the intent cannot read it
        me.ask(f"<@{me.bot}> sync {where}")


def logged(me: Person) -> None:
    for text in ("!note tidy", "!show", "!library"):
        me.ask(text)


def direct(me: Person) -> None:
    me.ask("!write alice how are you?")
    me.call("/dm", user="alice", content="fine")
    me.hear()
    me.hear()
    me.call("/dm", user="bob", content="hello")
    me.hear()
    me.call("/dm", user="bob", content="!users")
    me.ask("!hello")
    me.ask("!users")


def queueing(me: Person) -> None:
    me.say("!play one")
    me.notes += sorted([me.heard(), me.heard()])
    me.ask("!play two")
    me.ask("!queue")
    playing = next(each for each in me.messages(me.channel) if each["content"] == "now playing one")
    me.use(playing, "click", label="skip")
    me.heard_until("now playing two")
    me.ask("!join")
    me.call("/voice", user="alice", channel="Lounge", guild=me.guild)
    me.ask("!join")
    me.ask("!leave")
    me.call("/voice", user="alice", channel=None, guild=me.guild)


def founding(me: Person) -> None:
    me.ask("!found")
    me.hear()
    me.ask("!emoji")
    me.hear()
    me.ask("!members")
    me.hear()
    me.ask("!wrong")


def levels(me: Person) -> None:
    me.say("hello")
    me.say("and so on")
    me.hear()
    me.ask_all(
        "+points", "+points bob", "+prefix =", "=points", "=reload points", "=points", "=help", "=help points"
    )
    me.ask("=prefix ?", user="bob")
    me.ask("=prefix +")


SCENES: dict[str, Callable[[Person], None]] = {
    each.__name__: each
    for each in (
        *(tickets, polls, economy, moderation, starboard, watching, rolemenu, forms, loops, layouts, forum),
        *(meetings, answers, files, converting, slash, direct, queueing, founding, levels, logged),
    )
}
