from __future__ import annotations

import pytest

from nescord_core.process.outgoing_proxies import Proxies

DISCORD = "https://discord.com/api/v10"
GATEWAY = "wss://gateway.discord.gg"
PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("environ", "url", "expected"),
    [
        ({"HTTPS_PROXY": PROXY}, DISCORD, PROXY),
        ({"HTTPS_PROXY": PROXY}, GATEWAY, PROXY),
        ({"https_proxy": PROXY, "HTTPS_PROXY": "http://other:1"}, DISCORD, PROXY),
        ({"HTTPS_PROXY": "proxy.example:3128"}, DISCORD, PROXY),
        ({"HTTP_PROXY": PROXY}, DISCORD, None),
        ({"HTTP_PROXY": PROXY}, "http://discord.test/api", PROXY),
        ({"ALL_PROXY": "socks5://p:1080"}, DISCORD, "socks5://p:1080"),
        ({"ALL_PROXY": "socks5://p:1080", "HTTPS_PROXY": PROXY}, DISCORD, PROXY),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "discord.com"}, DISCORD, None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "x, .discord.gg"}, GATEWAY, None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "*.discord.gg"}, GATEWAY, None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "discord.gg:444"}, "wss://gateway.discord.gg:443", PROXY),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "notdiscord.com,com.discord"}, DISCORD, PROXY),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "*"}, DISCORD, None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "10.0.0.0/8"}, "https://10.2.3.4/api", None),
        ({"HTTP_PROXY": PROXY, "ALL_PROXY": PROXY}, "http://127.0.0.1:7400/api/v10", None),
        ({"HTTPS_PROXY": ""}, DISCORD, None),
    ],
)
def test_the_variables_mean_what_they_mean_to_curl(
    environ: dict[str, str], url: str, expected: str | None
) -> None:
    assert Proxies.of(environ).proxy_for(url) == expected


def test_the_configured_proxy_comes_before_the_variables_but_not_before_no_proxy() -> None:
    proxies = Proxies.of({"HTTPS_PROXY": PROXY, "NO_PROXY": "discord.gg"}, configured="http://mine:1")
    assert proxies.proxy_for(DISCORD) == "http://mine:1"
    assert proxies.proxy_for(GATEWAY) is None
    assert proxies.proxy_for("http://localhost:5") is None
    assert "mine" not in repr(proxies)
