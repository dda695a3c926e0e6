"""The whole bot on a local Discord. Each test has a server, channels and users of its own."""

from nescord_core.testing import Channel, User


def test_ping_is_answered(alice: User, channel: Channel) -> None:
    alice.send(channel, "!ping")
    assert channel.next().content == "Pong!"


def test_other_messages_are_ignored(alice: User, channel: Channel) -> None:
    said = alice.send(channel, "hello")
    alice.send(channel, "!ping")
    assert channel.next(after=said).content == "Pong!"
