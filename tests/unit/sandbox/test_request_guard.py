"""Who may talk to the sandbox."""

from __future__ import annotations

import pytest

from nescord_core.errors import ConfigError
from nescord_core.sandbox.http.fault_injection import route_of
from nescord_core.sandbox.request_guard import is_local_host, is_same_origin
from nescord_core.sandbox.server import check_loopback


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:7000", "127.0.0.1", "127.0.0.1:7000", "[::1]", "[::1]:7000"]
)
def test_loopback_names_are_local(host: str) -> None:
    assert is_local_host(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        ":7000",
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.nip.io:7000",
        "localhost:x",
        "0.0.0.0",
        "[::]",
    ],
)
def test_other_names_are_not_local(host: str) -> None:
    assert not is_local_host(host)


def test_an_origin_is_the_same_only_with_scheme_host_and_port() -> None:
    assert is_same_origin("http://127.0.0.1:7000", "127.0.0.1:7000")
    for other in ("https://127.0.0.1:7000", "http://127.0.0.1:7001", "http://localhost:7000", "null", ""):
        assert not is_same_origin(other, "127.0.0.1:7000")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "::1", "[::1]"])
def test_loopback_addresses_can_be_listened_on(host: str) -> None:
    check_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.com", ""])
def test_other_addresses_are_a_configuration_error_that_names_the_key(host: str) -> None:
    with pytest.raises(ConfigError, match=r"sandbox\.listen"):
        check_loopback(host)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/v10/users/@me", "/users/@me"),
        ("/api/v9/users/@me", "/users/@me"),
        ("/api/users/@me", "/users/@me"),
        ("/api/voice/regions", "/voice/regions"),
    ],
)
def test_a_route_is_named_without_its_version(path: str, expected: str) -> None:
    assert route_of(path) == expected


@pytest.mark.parametrize("origin", ["http://[::1", "http://]", "//", "http://127.0.0.1:7000:80", "\x00"])
def test_an_origin_that_is_no_url_is_not_the_same(origin: str) -> None:
    assert not is_same_origin(origin, "127.0.0.1:7000")
