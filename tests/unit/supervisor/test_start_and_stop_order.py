from __future__ import annotations

import pytest

from nescord_core.errors import ConfigError
from nescord_core.supervisor.spec import ServiceSpec
from nescord_core.supervisor.start_and_stop_order import check, start_levels, stop_after


def service(name: str, *depends_on: str, stops_before: tuple[str, ...] = ()) -> ServiceSpec:
    return ServiceSpec(name, ("true",), depends_on=depends_on, stops_before=stops_before)


def test_services_start_level_by_level_and_stop_in_reverse() -> None:
    plan = check(
        [
            service("ws", "rest", stops_before=("main",)),
            service("main", "sandbox", stops_before=("rest",)),
            service("rest", "sandbox"),
            service("sandbox"),
        ]
    )
    assert start_levels(plan) == [("sandbox",), ("main", "rest"), ("ws",)]
    assert {name: sorted(others) for name, others in stop_after(plan).items()} == {
        "ws": [],
        "main": ["ws"],
        "rest": ["main", "ws"],
        "sandbox": ["main", "rest"],
    }


def test_a_circle_is_refused_and_named() -> None:
    with pytest.raises(ConfigError, match=r"wait for each other to start: .*a -> .*b"):
        check([service("a", "b"), service("b", "a")])


def test_a_circle_in_the_order_of_stopping_is_refused_too() -> None:
    with pytest.raises(ConfigError, match="to stop"):
        check([service("a", stops_before=("b",)), service("b", "a")])


def test_an_unknown_dependency_and_a_name_given_twice_are_refused() -> None:
    with pytest.raises(ConfigError, match="ws depends on rest, which is not a service"):
        check([service("ws", "rest")])
    with pytest.raises(ConfigError, match="two services are named ws"):
        check([service("ws"), service("ws")])
