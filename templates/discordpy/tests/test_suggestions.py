"""Buttons and a form, used by members of a local Discord, also across a reload."""

import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from nescord_core.errors import NescordError
from nescord_core.testing import RunningBot, running_bot


def ask_for_suggestions(bot: RunningBot) -> Any:
    """Post the message with the button and return it."""
    return bot.command("suggestions", user="olivia")["message"]


def click(bot: RunningBot, message: Any, label: str, user: str = "alice") -> Any:
    """Press a button and return how the bot responded."""
    used = {"channel": "general", "message": message["id"], "label": label}
    return bot.control("POST", "/click", user=user, **used, wait=20)


def submit(bot: RunningBot, opened: Any, user: str = "alice", **fields: str) -> Any:
    """Submit the form that a click has opened and return how the bot responded."""
    values = {f"suggestions:{name}": text for name, text in fields.items()}
    sent = {"interaction": opened["id"], "user": user, "values": values}
    return bot.control("POST", "/modal", **sent, wait=20)


def change(bot: RunningBot, file: Path, old: str, new: str) -> None:
    """Save a change and wait until the new code answers !ping."""
    file.write_text(file.read_text().replace(old, new))
    deadline = time.monotonic() + 60
    while bot.ask("!ping") != new:
        assert time.monotonic() < deadline, bot.log()
        time.sleep(0.05)


def test_a_suggestion_is_accepted(bot: RunningBot) -> None:
    opened = click(bot, ask_for_suggestions(bot), "Suggest something")
    suggested = submit(bot, opened, summary="More tea", details="Green.")["message"]
    assert suggested["content"].endswith("suggests: **More tea**\nGreen.")
    accepted = click(bot, suggested, "Accept", user="olivia")["message"]
    assert "Accepted by" in accepted["content"]
    assert not accepted["components"]


def test_only_moderators_decide(bot: RunningBot) -> None:
    with pytest.raises(NescordError, match="bob cannot use /suggestions"):
        bot.command("suggestions", user="bob")
    opened = click(bot, ask_for_suggestions(bot), "Suggest something")
    suggested = submit(bot, opened, summary="More tea")["message"]
    refused = click(bot, suggested, "Decline", user="bob")
    assert refused["ephemeral"]
    assert "Only members who can" in refused["message"]["content"]


def test_a_suggestion_needs_a_summary(bot: RunningBot) -> None:
    opened = click(bot, ask_for_suggestions(bot), "Suggest something")
    assert submit(bot, opened, summary="  ", details="Tea")["ephemeral"]


def test_buttons_and_forms_survive_a_reload(tmp_path: Path) -> None:
    here = Path(__file__).parents[1]
    project = tmp_path / "bot"
    shutil.copytree(here, project, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    with running_bot(project) as bot:
        bot.ask("!sync", user="olivia")
        panel = ask_for_suggestions(bot)
        before = submit(bot, click(bot, panel, "Suggest something"), summary="Tea")
        opened = click(bot, panel, "Suggest something")

        change(bot, project / "bot_main/cogs/general.py", "Pong!", "Pong, again!")

        after = submit(bot, opened, summary="Coffee")
        for suggested in (before, after):
            decided = click(bot, suggested["message"], "Accept", user="olivia")
            assert "Accepted by" in decided["message"]["content"]
        assert click(bot, panel, "Suggest something")["modal"]
