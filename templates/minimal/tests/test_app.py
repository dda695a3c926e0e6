from bot_main import app


def test_ping_is_answered():
    assert app.answer("!ping") == "Pong!"


def test_other_messages_are_left_alone():
    assert app.answer("hello") is None
