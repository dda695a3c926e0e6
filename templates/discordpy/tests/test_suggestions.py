"""Buttons and a form, used by members of a local Discord, also across a reload."""

import shutil
import time
from pathlib import Path

import pytest
from nescord_core.errors import NescordError
from nescord_core.testing import (
    Channel,
    Response,
    RunningBot,
    Sandbox,
    User,
    running_bot,
)


def submit(user: User, opened: Response, **fields: str) -> Response:
    """Submit the form that a click has opened and return how the bot responded."""
    return user.submit(
        opened, {f"suggestions:{name}": text for name, text in fields.items()}
    )


def change(bot: RunningBot, file: Path, old: str, new: str) -> None:
    """Save a change and wait until the new code answers !ping."""
    file.write_text(file.read_text().replace(old, new))
    deadline = time.monotonic() + 60
    while bot.ask("!ping") != new:
        assert time.monotonic() < deadline, bot.log()
        time.sleep(0.05)


def test_a_suggestion_is_accepted(olivia: User, alice: User, channel: Channel) -> None:
    opened = alice.click(olivia.slash("suggestions", channel), "Suggest something")
    suggested = submit(alice, opened, summary="More tea", details="Green.")
    assert suggested.content.endswith("suggests: **More tea**\nGreen.")
    accepted = olivia.click(suggested, "Accept")
    assert "Accepted by" in accepted.content
    assert not accepted.message.components


def test_only_moderators_decide(
    olivia: User, alice: User, bob: User, channel: Channel
) -> None:
    with pytest.raises(NescordError, match="bob cannot use /suggestions"):
        bob.slash("suggestions")
    opened = alice.click(olivia.slash("suggestions", channel), "Suggest something")
    refused = bob.click(submit(alice, opened, summary="More tea"), "Decline")
    assert refused.ephemeral
    assert "Only members who can" in refused.content


def test_a_suggestion_needs_a_summary(
    olivia: User, alice: User, channel: Channel
) -> None:
    opened = alice.click(olivia.slash("suggestions", channel), "Suggest something")
    assert submit(alice, opened, summary="  ", details="Tea").ephemeral


def test_buttons_and_forms_survive_a_reload(tmp_path: Path) -> None:
    here = Path(__file__).parents[1]
    project = tmp_path / "bot"
    shutil.copytree(here, project, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    with running_bot(project) as bot:
        sandbox = Sandbox.of(bot)
        olivia = sandbox.owner()
        channel = sandbox.guild("Reloads", owner=olivia).channel("general")
        panel = olivia.slash("suggestions", channel)
        before = submit(olivia, olivia.click(panel, "Suggest something"), summary="Tea")
        opened = olivia.click(panel, "Suggest something")

        change(bot, project / "bot_main/cogs/general.py", "Pong!", "Pong, again!")

        after = submit(olivia, opened, summary="Coffee")
        for suggested in (before, after):
            assert "Accepted by" in olivia.click(suggested, "Accept").content
        assert olivia.click(panel, "Suggest something").modal
