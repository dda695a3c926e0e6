"""Faults: matching, counting down, errors."""

from __future__ import annotations

from typing import Any

import pytest

from nescord_core.sandbox.faults import FaultError, FaultPlan, GatewayFaults, applies


def test_nothing_is_active_at_first() -> None:
    assert FaultPlan().active() == {"gateway": {}, "rest": []}


def test_gateway_faults_stay_until_switched_off() -> None:
    plan = FaultPlan()
    plan.set_gateway({"silent": "resume", "delay": 0.5})
    plan.set_gateway({"no_heartbeat_ack": True})
    assert plan.active()["gateway"] == {"silent": "resume", "delay": 0.5, "no_heartbeat_ack": True}
    plan.set_gateway({"silent": "nowhere"})
    assert plan.active()["gateway"] == {"delay": 0.5, "no_heartbeat_ack": True}
    plan.clear()
    assert plan.gateway == GatewayFaults()


@pytest.mark.parametrize(
    ("where", "on_resume_url", "expected"),
    [
        ("nowhere", True, False),
        ("resume", True, True),
        ("resume", False, False),
        ("everywhere", False, True),
        ("everywhere", True, True),
    ],
)
def test_a_fault_concerns_the_resume_url_alone_or_every_url(
    where: str, on_resume_url: bool, expected: bool
) -> None:
    assert applies(where, on_resume_url=on_resume_url) is expected


@pytest.mark.parametrize(
    ("wanted", "word"),
    [
        ({"silnt": "resume"}, "silent, refuse, refuse_resume"),
        ({"silent": "sometimes"}, "nowhere, resume, everywhere"),
        ({"refuse_resume": 1}, "true or false"),
        ({"delay": "long"}, "a number"),
        ({"delay": -1}, "not be negative"),
        ({"delay": True}, "a number"),
    ],
)
def test_an_invalid_gateway_fault_names_the_valid_values(wanted: dict[str, Any], word: str) -> None:
    plan = FaultPlan()
    with pytest.raises(FaultError, match=word):
        plan.set_gateway(wanted)
    assert plan.gateway == GatewayFaults()


def test_a_rest_fault_counts_down_on_matching_requests_only() -> None:
    plan = FaultPlan()
    plan.add_rest({"method": "POST", "route": "/channels/*/messages", "status": 503, "count": 2})
    assert plan.take_rest("GET", "/channels/1/messages") is None
    assert plan.take_rest("POST", "/channels/1/messages/2") is None
    assert plan.take_rest("POST", "/channels/1/pins") is None
    for left in (1, 0):
        fault = plan.take_rest("POST", "/channels/1/messages")
        assert fault is not None
        assert fault.status == 503
        assert sum(each.count for each in plan.rest) == left
    assert plan.take_rest("POST", "/channels/1/messages") is None


def test_only_stars_in_a_route_are_wildcards() -> None:
    plan = FaultPlan()
    plan.add_rest({"route": "/users/@m.", "status": 500})
    assert plan.take_rest("GET", "/users/@me") is None


@pytest.mark.parametrize(
    ("wanted", "word"),
    [
        ({}, "a status, a latency"),
        ({"status": 200}, "400 to 599"),
        ({"status": 500, "count": 0}, "at least 1"),
        ({"stat": 500}, "method, route, status"),
        ({"status": 500.5}, "a number"),
        ({"status": 500, "route": 5}, "text"),
    ],
)
def test_an_invalid_rest_fault_names_the_valid_values(wanted: dict[str, Any], word: str) -> None:
    with pytest.raises(FaultError, match=word):
        FaultPlan().add_rest(wanted)
