"""What the bot says, without Discord."""

from bot_main import app


def test_ping_is_answered() -> None:
    assert app.answer("!ping") == "Pong!"


def test_other_messages_are_ignored() -> None:
    assert app.answer("hello") is None
