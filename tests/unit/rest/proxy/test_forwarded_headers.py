from __future__ import annotations

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from nescord_core.rest.proxy.access import Access, AccessDenied, fingerprint
from nescord_core.rest.proxy.forwarded_headers import accept_encoding, for_caller, for_discord


def proxy(**headers: str) -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()}))


@pytest.mark.parametrize(
    ("wanted", "asked"),
    [
        ("gzip, deflate, br", "gzip, deflate"),
        ("br", "identity"),
        ("*", "gzip, deflate"),
        ("gzip;q=0, deflate", "deflate"),
        ("GZIP;q=0.8", "gzip"),
        ("", "identity"),
    ],
)
def test_codings(wanted: str, asked: str) -> None:
    assert accept_encoding({"Accept-Encoding": wanted}) == asked


def test_smuggled_lengths_and_codings_of_the_transfer_do_not_pass() -> None:
    passed = for_discord(
        proxy(Content_Length="5", Transfer_Encoding="chunked", Host="evil", Connection="X-A, close", X_A="1"),
        authorization=None,
        length=3,
    )
    assert passed["Content-Length"] == "3"
    for name in ("Transfer-Encoding", "Host", "Connection", "X-A", "Authorization"):
        assert name not in passed


def test_several_values_of_one_header_stay_several() -> None:
    headers = CIMultiDict([("Link", "<a>"), ("Link", "<b>")])
    assert for_caller(CIMultiDictProxy(headers), status=200).getall("Link") == ["<a>", "<b>"]


def test_cookies_pass_in_neither_direction_because_callers_share_answers_and_connections() -> None:
    answer = CIMultiDict([("Set-Cookie", "a=1"), ("X-Other", "1")])
    assert dict(for_caller(CIMultiDictProxy(answer), status=200)) == {"X-Other": "1"}
    asked = for_discord(CIMultiDict({"Cookie": "a=1"}), authorization=None, length=None)
    assert "Cookie" not in asked


def test_a_429_keeps_its_truth() -> None:
    headers = proxy(
        X_RateLimit_Limit="5", X_RateLimit_Remaining="0", X_RateLimit_Reset_After="3", Via="1.1 google"
    )
    assert for_caller(headers, status=429)["X-RateLimit-Remaining"] == "0"
    assert int(for_caller(headers, status=200)["X-RateLimit-Remaining"]) > 0


def test_answers_without_rate_limit_headers_get_none() -> None:
    assert "X-RateLimit-Remaining" not in for_caller(proxy(X="1"), status=200)


def test_nothing_shows_the_token_or_the_secret() -> None:
    access = Access("the-token", "the-secret")
    assert "the-" not in repr(access)
    assert "the-token" not in fingerprint("Bot the-token")
    with pytest.raises(AccessDenied) as caught:
        access.check({"X-Nescord-Secret": "guess"})
    assert "the-" not in str(caught.value)


def test_without_a_token_of_its_own_requests_go_on_as_they_came() -> None:
    access = Access(None, None)
    assert access.authorization({}, authenticated=True) is None
    assert access.authorization({"Authorization": "Bot x"}, authenticated=True) == "Bot x"
