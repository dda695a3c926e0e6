"""Tests as a bot's author writes them. Copied as test_bot.py and run by pytest."""

import pytest

from nescord_core.errors import NescordError
from nescord_core.testing import (
    AsyncChannel,
    AsyncGuild,
    AsyncSandbox,
    AsyncUser,
    Channel,
    Guild,
    NoMessage,
    Sandbox,
    User,
)


@pytest.fixture
def asked(alice, channel):
    """A fixture of the project's own, on the kit's."""
    return alice, channel


@pytest.fixture
def carol(sandbox: Sandbox) -> User:
    """A user that exists before those of the kit."""
    return sandbox.user("carol")


def test_users_are_who_they_say(carol: User, alice: User, bob: User, channel: Channel) -> None:
    for user in (alice, bob):
        user.send(channel, "!ping")
        assert channel.next().content == f"Pong, {user.name}!"
    assert len({carol.id, alice.id, bob.id}) == 3


def test_messages(alice: User, bob: User, channel: Channel, guild: Guild) -> None:
    alice.send(channel, "!ping")
    assert channel.next().content == "Pong, alice!"
    bob.send(guild.channel("random"), "!ping")
    assert guild.channel("random").next("Pong, bob!").author.bot
    alice.upload(channel, ("a.txt", b"hello"), content="!upload")
    assert channel.next(matching=r"^\d+ bytes$").content == "5 bytes"
    assert [each.content for each in channel.messages()][:2] == ["!ping", "Pong, alice!"]


def test_an_older_answer_is_never_taken(alice: User, channel: Channel) -> None:
    first = alice.send(channel, "!ping")
    assert channel.next().content == "Pong, alice!"
    alice.send(channel, "!pin")
    assert channel.next().content == "pinned"
    # The system message about the pin, which the bot has written as well, is not one of its answers.
    assert channel.next().content == "that was all"
    assert channel.next(after=first).content == "Pong, alice!"
    with pytest.raises(NoMessage, match=r"within 0\.1 s"):
        channel.next("never", timeout=0.1)


def test_interactions(alice: User, bob: User, channel: Channel, sandbox: Sandbox) -> None:
    assert alice.slash("roll", sides=6, file=("a.txt", b"!")).content == "1 of 6!"
    assert alice.slash("roll", sides=6).ephemeral
    sandbox.advance(minutes=2)
    assert alice.slash("roll", sides=6).content == "1 of 6"
    opened = alice.slash("form")
    assert alice.submit(opened, name="Ada").content == "hi Ada"
    said = alice.send(channel, "to be quoted")
    assert bob.menu("Quote", said).content == "> to be quoted"
    bob.react(said, "👍")
    assert channel.next().content == "👍 bob"
    with pytest.raises(NescordError, match="no option"):
        alice.slash("roll", eyes=6)
    with pytest.raises(AssertionError, match="opens no form"):
        alice.submit(alice.slash("roll", sides=2), name=alice.slash("roll", sides=2).modal)


def test_views_end_with_the_clock(alice: User, bob: User, channel: Channel, sandbox: Sandbox) -> None:
    alice.send(channel, "!panel")
    panel = channel.next("panel")
    assert alice.click(panel, "Go").content == "went"
    assert bob.choose(panel, "tea").content == "tea for bob"
    sandbox.advance(minutes=9)
    assert alice.click(panel, "Go").content == "went"  # which starts its time-out again
    sandbox.advance(minutes=9)
    assert channel.message(panel).content == "panel"
    sandbox.advance(minutes=2)
    assert channel.next().content == "the panel is closed"
    assert channel.message(panel).content == "closed"


def test_waits_and_loops_follow_the_clock(asked, sandbox: Sandbox) -> None:
    alice, channel = asked
    alice.send(channel, "!wait")
    channel.next("well?")
    alice.send(channel, "something")
    assert channel.next().content == "you said something"
    alice.send(channel, "!wait")
    channel.next("well?")
    sandbox.advance(seconds=61)
    assert channel.next().content == "too late"
    alice.send(channel, "!start")
    channel.next("tick 1")
    sandbox.advance(minutes=15)
    assert [channel.next().content for _ in range(3)] == ["tick 2", "tick 3", "tick 4"]


def test_faults(alice: User, channel: Channel, sandbox: Sandbox) -> None:
    sandbox.fault(rest={"method": "POST", "route": "/channels/*/messages", "status": 403, "count": 50})
    alice.send(channel, "!ping")
    with pytest.raises(NoMessage):
        channel.next(timeout=0.3)


@pytest.mark.parametrize("number", range(2))
def test_each_test_has_a_world_of_its_own(alice: User, channel: Channel, guild: Guild, number: int) -> None:
    assert [each.content for each in channel.messages()] == []
    alice.send(channel, "!seen")
    assert alice.next_dm().content == "guilds: 2"
    guild.create_role("helper")
    guild.give_role(alice, "helper")
    assert alice.slash("roll", sides=6).content == "1 of 6"


@pytest.mark.asyncio
async def test_asynchronous(
    alice: AsyncUser, channel: AsyncChannel, guild: AsyncGuild, sandbox: AsyncSandbox
) -> None:
    await alice.send(channel, "!ping")
    assert (await channel.next()).content == "Pong, alice!"
    assert (await alice.slash("form")).modal["title"] == "Form"
    news = await guild.create_channel("news")
    carol = await sandbox.user("carol", home=news)
    await carol.join(guild)
    await carol.send(news, "!wait")
    await news.next("well?")
    await sandbox.advance(minutes=2)
    assert (await news.next()).content == "too late"


def test_that_fails(alice: User, channel: Channel) -> None:
    alice.send(channel, "!fail")
    channel.next("before the error")
    assert channel.next("what never comes", timeout=0.2)
