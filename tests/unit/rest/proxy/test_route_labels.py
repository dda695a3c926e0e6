"""Metrics may name all the words of Discord's API, and no others."""

from __future__ import annotations

import re

from nescord_core.discord_api import contract
from nescord_core.ratelimit.route import route_of
from nescord_core.rest.proxy.route_labels import WORDS, route_label

PLACES = {"code": "abc", "token": "a-token"}


def paths() -> set[str]:
    return {operation.path for operation in contract.operations().values()}


def test_every_operation_keeps_its_whole_name() -> None:
    assert len(paths()) > 100
    for path in paths():
        asked = re.sub(r"\{(\w+)\}", lambda found: "5", path)
        label = route_label(route_of("GET", asked, unix_ms=0).template)
        assert ":other" not in label, path


def test_every_word_is_one_of_the_api() -> None:
    known = {segment for path in paths() for segment in path.split("/") if segment and "{" not in segment}
    assert {word for word in WORDS if not word.startswith(":")} - known <= {"nick", "auth"}


def test_what_a_caller_made_up_is_not_repeated() -> None:
    assert route_label("/webhook/:id/aVeryLongToken") == "/:other/:id/:other"
    assert route_label("/" + "x/" * 50).count(":other") == 12
