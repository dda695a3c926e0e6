def test_the_bot_answers(bot):
    assert bot.ask("!ping") == "Pong!"
