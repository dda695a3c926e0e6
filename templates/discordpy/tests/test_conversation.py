"""The whole bot on a local Discord."""


def test_commands_are_answered(bot):
    assert bot.ask("!ping") == "Pong!"
    assert bot.ask("!choose tea") == "tea"


def test_a_slash_command_is_answered(bot):
    answered = bot.command("coin")
    assert answered["message"]["content"] in ("It is heads.", "It is tails.")


def test_buttons_are_answered(bot):
    asked = bot.command("poll", question="Shall we?")["message"]
    assert asked["content"] == "Shall we?"
    pressed = bot.control(
        "POST", "/click", channel="general", message=asked["id"], user="bob", label="Yes", wait=20
    )
    assert pressed["message"]["content"] == "bob says yes."
