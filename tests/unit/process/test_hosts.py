from __future__ import annotations

import pytest

from nescord_core.process.hosts import is_loopback, is_trusted_host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.5.5.5", "localhost", "LOCALHOST", "::1", "[::1]"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        "127.example.com",
        "localhostx",
        "localhost.example.com",
        "[::1:2:3]",
        "::1234:5678",
        "0.0.0.0",
        "",
        "[::1",
    ],
)
def test_what_only_begins_like_loopback_is_none(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "header",
    ["127.0.0.1:7401", "localhost", "localhost:80", "[::1]:7401", "10.0.0.5", "rest:7401", "a.localhost:1"],
)
def test_no_page_can_have_chosen_these(header: str) -> None:
    assert is_trusted_host(header, ())


@pytest.mark.parametrize(
    "header", ["evil.example", "evil.example:7401", "127.0.0.1.nip.io", "", "localhost.evil.example"]
)
def test_a_name_that_may_be_rebound_is_not_trusted_unless_it_is_given(header: str) -> None:
    assert not is_trusted_host(header, ())
    if header:
        assert is_trusted_host(header, {header.partition(":")[0]})
