"""How long an action on what the bot has sent is held back."""

from __future__ import annotations

import pytest

from nescord_core.sandbox.control.actions import ACTIONS
from nescord_core.sandbox.control.reaction_time import RECENT, USES, ReactionTime


@pytest.mark.parametrize("action", sorted(USES))
def test_uses_of_what_the_bot_has_just_sent_are_held_back(action: str) -> None:
    reaction = ReactionTime()
    assert not reaction.pauses(action, 0.0), "the bot has sent nothing yet"
    reaction.written(10.0)
    assert sum(reaction.pauses(action, 10.0)) > 0
    assert sum(reaction.pauses(action, 10.0 + RECENT / 2)) > 0
    assert not reaction.pauses(action, 10.0 + RECENT)


def test_the_latest_write_counts() -> None:
    reaction = ReactionTime()
    reaction.written(10.0)
    reaction.written(20.0)
    assert reaction.pauses("click", 20.0)


def test_a_process_that_stands_still_loses_one_of_several_pauses() -> None:
    reaction = ReactionTime()
    reaction.written(10.0)
    pauses = reaction.pauses("click", 10.0)
    assert sum(pauses) - max(pauses) > sum(pauses) / 2


def test_actions_that_start_something_are_never_held_back() -> None:
    reaction = ReactionTime()
    reaction.written(10.0)
    names = {each.name for each in ACTIONS}
    assert names > USES
    assert not any(reaction.pauses(name, 10.0) for name in names - USES)
