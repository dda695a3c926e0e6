"""The whole bot on a local Discord."""

from nescord_core.testing import RunningBot


def test_ping_is_answered(bot: RunningBot) -> None:
    assert bot.ask("!ping") == "Pong!"


def test_other_messages_are_ignored(bot: RunningBot) -> None:
    said = bot.say("hello")
    bot.say("!ping")
    assert bot.hear(after=said["id"])["content"] == "Pong!"
