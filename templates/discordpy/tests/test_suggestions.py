"""Buttons and a form, used by people on a local Discord, also over a reload."""

import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from nescord_core.errors import NescordError
from nescord_core.testing import RunningBot, running_bot


def ask_for_suggestions(bot: RunningBot) -> Any:
    """Return the message with the button."""
    return bot.command("suggestions", user="olivia")["message"]


def click(bot: RunningBot, message: Any, label: str, user: str = "alice") -> Any:
    """Press a button and return how the bot answered."""
    used = {"channel": "general", "message": message["id"], "label": label}
    return bot.control("POST", "/click", user=user, **used, wait=20)


def send(bot: RunningBot, opened: Any, user: str = "alice", **fields: str) -> Any:
    """Fill in the form that a click has opened and return how the bot answered."""
    values = {f"suggestions:{name}": text for name, text in fields.items()}
    sent = {"interaction": opened["id"], "user": user, "values": values}
    return bot.control("POST", "/modal", **sent, wait=20)


def test_a_suggestion_is_accepted(bot: RunningBot) -> None:
    opened = click(bot, ask_for_suggestions(bot), "Suggest something")
    suggested = send(bot, opened, summary="More tea", details="Green.")["message"]
    assert suggested["content"].endswith("suggests: **More tea**\nGreen.")
    accepted = click(bot, suggested, "Accept", user="olivia")["message"]
    assert "Accepted by" in accepted["content"]
    assert not accepted["components"]


def test_others_decide_nothing(bot: RunningBot) -> None:
    with pytest.raises(NescordError, match="bob cannot use /suggestions"):
        bot.command("suggestions", user="bob")
    opened = click(bot, ask_for_suggestions(bot), "Suggest something")
    suggested = send(bot, opened, summary="More tea")["message"]
    refused = click(bot, suggested, "Decline", user="bob")
    assert refused["ephemeral"]
    assert "permission" in refused["message"]["content"]


def test_a_suggestion_needs_words(bot: RunningBot) -> None:
    opened = click(bot, ask_for_suggestions(bot), "Suggest something")
    assert send(bot, opened, summary="  ", details="Tea")["ephemeral"]


def test_buttons_and_forms_survive_a_reload(tmp_path: Path) -> None:
    here = Path(__file__).parents[1]
    project = tmp_path / "bot"
    shutil.copytree(here, project, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    with running_bot(project) as bot:
        bot.ask("!sync", user="olivia")
        panel = ask_for_suggestions(bot)
        before = send(bot, click(bot, panel, "Suggest something"), summary="Tea")
        opened = click(bot, panel, "Suggest something")

        change(bot, project / "bot_main/cogs/general.py", "Pong!", "Pong, again!")

        after = send(bot, opened, summary="Coffee")
        for suggested in (before, after):
            decided = click(bot, suggested["message"], "Accept", user="olivia")
            assert "Accepted by" in decided["message"]["content"]
        assert click(bot, panel, "Suggest something")["modal"]


def change(bot: RunningBot, file: Path, old: str, new: str) -> None:
    """Save a file, and wait until !ping is answered by the new code."""
    file.write_text(file.read_text().replace(old, new))
    deadline = time.monotonic() + 60
    while bot.ask("!ping") != new:
        assert time.monotonic() < deadline, bot.log()
        time.sleep(0.05)
