"""Forms with every kind of field, filled in by a person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.sandbox.browser import binary, browser
from support.sandbox.raw_gateway import RawGateway
from support.sandbox.running import rest_ok, running_sandbox

pytestmark = pytest.mark.skipif(binary() is None, reason="there is no chromium on this machine")


def labelled(label: str, **component: Any) -> dict[str, Any]:
    return {"type": 18, "label": label, "component": component}


async def test_every_field_of_a_form(tmp_path: Path) -> None:
    options = [{"label": f"Option {each}", "value": each} for each in "abc"]
    components = [
        labelled("Text", type=4, custom_id="text", style=1),
        labelled("Menu", type=3, custom_id="menu", options=options, min_values=2, max_values=2),
        labelled("Radio", type=21, custom_id="radio", options=options),
        labelled("Boxes", type=22, custom_id="boxes", options=options, max_values=3),
        labelled("Person", type=5, custom_id="person", required=False),
    ]
    form = {"type": 9, "data": {"custom_id": "f", "title": "Form", "components": components}}
    async with (
        running_sandbox(rate_limits=False) as sandbox,
        RawGateway(sandbox.gateway_url) as gateway,
        browser(tmp_path) as page,
    ):
        await gateway.identify(sandbox.token, intents=0)
        application = gateway.ready["application"]["id"]
        command = {"name": "form", "description": "Opens a form"}
        await rest_ok(sandbox, "POST", f"/applications/{application}/commands", command)
        await page.open(f"{sandbox.url}/")
        await page.until("document.querySelector('#channel-name').textContent === '# general'")
        await page.type("/form")
        await page.until("document.querySelector('#suggest-list li')")
        await page.press_enter()
        d = (await gateway.until("INTERACTION_CREATE", timeout=20.0))["d"]
        await rest_ok(sandbox, "POST", f"/interactions/{d['id']}/{d['token']}/callback", form)
        await page.until("document.querySelector('#modal').open")
        await page.evaluate("document.querySelector('#modal input').focus()")
        await page.type("because")
        assert await page.evaluate("document.querySelectorAll('#modal select').length") == 0
        # A form with too few values is not sent.
        await page.click("#modal input[type=radio][value=b]")
        await page.click("#modal input[type=checkbox][value=a]")
        await page.click("#modal input[type=checkbox][value=c]")
        await page.click("#modal .s1")
        assert await page.evaluate("document.querySelector('#modal').open")
        await page.click("#modal .opener")
        await page.click("#modal .select li[data-value=a]")
        await page.click("#modal .select li[data-value=c]")
        await page.click("#modal h2")
        await page.until("!document.querySelector('#modal .select ul')")
        await page.click("#modal .s1")
        d = (await gateway.until("INTERACTION_CREATE", timeout=20.0))["d"]
        fields = [each["component"] for each in d["data"]["components"]]
        given = {each["custom_id"]: each.get("values", each.get("value")) for each in fields}
        assert given == {
            "text": "because",
            "menu": ["a", "c"],
            "radio": "b",
            "boxes": ["a", "c"],
            "person": [],
        }
        assert page.problems == []
