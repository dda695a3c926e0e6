from __future__ import annotations

from nescord_core.bot.drain_notice import by_name


def test_names_are_counted_and_the_most_frequent_come_first() -> None:
    assert by_name(["chess", "play", "play"]) == "play (2), chess"


def test_many_names_are_summed_up() -> None:
    assert by_name(map(str, range(10))) == "0, 1, 2, 3, 4, 5, 6, 7, 2 more"
