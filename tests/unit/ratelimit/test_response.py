from __future__ import annotations

import pytest
from multidict import CIMultiDict

from nescord_core.ratelimit.response import BodyFacts, Scope, read

GOOD = {
    "X-RateLimit-Limit": "5",
    "X-RateLimit-Remaining": "4",
    "X-RateLimit-Reset-After": "1.25",
    "X-RateLimit-Reset": "1790000000.5",
    "X-RateLimit-Bucket": "abcd",
}


def test_reads_a_window() -> None:
    window = read(200, CIMultiDict(GOOD)).window
    assert window is not None
    assert window == (5, 4, 1.25, 1790000000.5, "abcd")


def test_header_names_ignore_case() -> None:
    assert read(200, CIMultiDict({name.lower(): value for name, value in GOOD.items()})).window is not None


@pytest.mark.parametrize("missing", ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset-After"])
def test_an_incomplete_window_is_none(missing: str) -> None:
    headers = CIMultiDict(GOOD)
    del headers[missing]
    assert read(200, headers).window is None


@pytest.mark.parametrize("garbage", ["", "nan", "inf", "-1", "abc", "1e400", "9999999999"])
def test_garbage_is_as_good_as_absent(garbage: str) -> None:
    assert read(200, CIMultiDict({**GOOD, "X-RateLimit-Reset-After": garbage})).window is None


def test_a_garbled_reset_leaves_the_rest() -> None:
    window = read(200, CIMultiDict({**GOOD, "X-RateLimit-Reset": "soon"})).window
    assert window is not None
    assert window.reset is None


def test_the_larger_of_retry_after_header_and_body_decides() -> None:
    headers = CIMultiDict({**GOOD, "Retry-After": "1337", "Via": "1.1 google"})
    assert read(429, headers, BodyFacts(True, 64.57)).retry_after == 1337
    headers["Retry-After"] = "1"
    assert read(429, headers, BodyFacts(True, 1.4)).retry_after == 1.4


@pytest.mark.parametrize(
    ("extra", "facts", "scope"),
    [
        ({}, BodyFacts(True, 1.0), Scope.USER),
        ({"X-RateLimit-Scope": "shared"}, BodyFacts(True, 1.0), Scope.SHARED),
        ({"X-RateLimit-Scope": "global"}, BodyFacts(True, 1.0), Scope.GLOBAL),
        ({"X-RateLimit-Global": "true"}, BodyFacts(True, 1.0), Scope.GLOBAL),
        ({}, BodyFacts(True, 1.0, is_global=True), Scope.GLOBAL),
        ({"X-RateLimit-Scope": "martian"}, BodyFacts(True, 1.0), Scope.USER),
    ],
)
def test_scopes(extra: dict[str, str], facts: BodyFacts, scope: Scope) -> None:
    assert read(429, CIMultiDict({"Via": "1.1 google", **extra}), facts).scope is scope


@pytest.mark.parametrize(
    ("headers", "facts", "is_ban"),
    [
        ({"Via": "1.1 google"}, BodyFacts(True, 1.0), False),
        ({"X-RateLimit-Scope": "user"}, BodyFacts(True, 1.0), False),
        ({}, BodyFacts(True, 1.0), True),
        ({"Via": "1.1 google"}, BodyFacts(False), True),
        ({"Via": "1.1 google"}, BodyFacts(True, None), True),
        ({"Retry-After": "60"}, None, True),
    ],
)
def test_a_ban_by_the_front_is_not_json_or_names_no_time_or_has_no_via(
    headers: dict[str, str], facts: BodyFacts | None, is_ban: bool
) -> None:
    assert read(429, CIMultiDict(headers), facts).is_ban is is_ban
