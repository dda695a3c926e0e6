from __future__ import annotations

from typing import Any

import pytest

from nescord_core.bot.discordpy.command_sync.diff import Diff, diff, hashes


def command(name: str, text: str = "", kind: int = 1) -> dict[str, Any]:
    return {"name": name, "type": kind, "description": text}


def test_a_diff_reads_as_a_person_would_write_it() -> None:
    before = hashes([command("ping"), command("old"), command("same")])
    now = hashes([command("roll"), command("ping", "changed"), command("same"), command("Shout", kind=3)])
    found = diff(now, before, before)
    assert str(found) == "+/roll +Shout ~/ping -/old"
    assert found


def test_nothing_changed_is_nothing() -> None:
    same = hashes([command("ping")])
    assert not diff(same, same, same)
    assert str(Diff()) == ""


def test_a_command_that_discord_has_lost_is_new_again() -> None:
    same = hashes([command("ping")])
    assert str(diff(same, same, [])) == "+/ping"


def test_a_command_of_unknown_content_counts_as_changed() -> None:
    assert str(diff(hashes([command("ping")]), {}, ["/ping"])) == "~/ping"


@pytest.mark.parametrize("other", [command("a", "x"), command("a", kind=2) | {"description": "1"}])
def test_content_and_type_make_a_difference(other: dict[str, Any]) -> None:
    assert hashes([command("a")]) != hashes([other])
