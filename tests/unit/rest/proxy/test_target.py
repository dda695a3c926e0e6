from __future__ import annotations

import pytest

from nescord_core.rest.proxy.target import TargetRefused, Targets


@pytest.mark.parametrize(
    ("api_url", "asked", "path", "url"),
    [
        (
            "https://discord.com/api/v10",
            "/api/v10/users/1",
            "/users/1",
            "https://discord.com/api/v10/users/1",
        ),
        ("https://discord.com/api/v10", "/api/v9/users/1", "/users/1", "https://discord.com/api/v9/users/1"),
        ("https://discord.com/api/v10/", "/api/users/1", "/users/1", "https://discord.com/api/v10/users/1"),
        (
            "https://discord.com/api/v10",
            "/users/1?a=%20",
            "/users/1",
            "https://discord.com/api/v10/users/1?a=%20",
        ),
        (
            "https://discord.com/api/v10",
            "/api/voice/regions",
            "/voice/regions",
            "https://discord.com/api/v10/voice/regions",
        ),
        (
            "https://discord.com/api/v10",
            "/api/v10/guilds/1/members/%40me",
            "/guilds/1/members/@me",
            "https://discord.com/api/v10/guilds/1/members/%40me",
        ),
        ("http://localhost:9", "/api/v10/users/1", "/users/1", "http://localhost:9/users/1"),
        ("https://discord.com/api/v10", "/apis", "/apis", "https://discord.com/api/v10/apis"),
    ],
)
def test_resolves_below_the_api(api_url: str, asked: str, path: str, url: str) -> None:
    target = Targets(api_url).resolve(asked)
    assert (target.path, str(target.url)) == (path, url)


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "users",
        "//evil.example/x",
        "http://evil.example/x",
        "/a/../b",
        "/a/./b",
        "/a/..",
        "/a//b",
        "/%2e%2e/a",
        "/a%2Fb",
        "/a%5Cb",
        "/a\\b",
        "/a%00",
        "/a b",
        "/a#b",
        "/a%252e",
        "*",
    ],
)
def test_refuses_what_may_leave_the_api(asked: str) -> None:
    with pytest.raises(TargetRefused):
        Targets("https://discord.com/api/v10").resolve(asked)


@pytest.mark.parametrize(
    "spelling",
    [
        "/channels/20%31",
        "/channels/0201",
        "/%63hannels/201",
        "/api/v10/channels/000201",
        "/api/channels/2%30%31",
    ],
)
def test_all_spellings_of_a_path_are_one(spelling: str) -> None:
    target = Targets("https://discord.com/api/v10").resolve(spelling)
    assert (target.path, target.url) == ("/channels/201", "https://discord.com/api/v10/channels/201")


def test_what_an_escape_keeps_apart_stays_apart() -> None:
    target = Targets("https://discord.com/api/v10").resolve("/channels/5/messages/6/reactions/%F0%9F%91%8D/0")
    assert target.path == "/channels/5/messages/6/reactions/%F0%9F%91%8D/0"
