from __future__ import annotations

import logging

import pytest

from nescord_core.dispatch.sender.resolver import addresses, look_up


async def test_plain_addresses_are_known_at_once() -> None:
    async def lookup(name: str, port: int) -> list[str]:
        raise AssertionError

    seen = [found async for found in addresses(("a:1", "b:2"), interval=0, lookup=lookup)]
    assert seen == [{"a:1", "b:2"}]


async def test_a_name_is_looked_up_again_and_keeps_what_it_had_when_that_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    answers: list[list[str] | OSError] = [["1:5"], ["1:5"], OSError(-3, "try again"), ["1:5", "2:5"], ["2:5"]]

    async def lookup(name: str, port: int) -> list[str]:
        assert (name, port) == ("bot-main", 5000)
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    seen: list[set[str]] = []
    async for found in addresses(("dns:///bot-main:5000", "x:1"), interval=0, lookup=lookup):
        seen.append(found)
        if not answers:
            break
    assert seen == [{"1:5", "x:1"}, {"1:5", "2:5", "x:1"}, {"2:5", "x:1"}]
    assert "try again" in caplog.text


async def test_the_systems_resolver_knows_this_machine() -> None:
    assert "127.0.0.1:5000" in await look_up("127.0.0.1", 5000)
    assert await look_up("::1", 5000) == ["[::1]:5000"]
