"""The whole bot on a local Discord."""


def test_commands_are_answered(bot):
    assert bot.ask("!ping").startswith("Pong!")
    assert "!roll: rolls dice" in bot.ask("!help")
    assert "=" in bot.ask("!roll 3d6")


def test_who_does_not_use_a_command_is_left_alone(bot):
    bot.say("hello")
    assert bot.ask("!ping").startswith("Pong!")
