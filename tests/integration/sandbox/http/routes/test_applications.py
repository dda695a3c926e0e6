"""Purchases, entitlements, activities and attachments of the application."""

from __future__ import annotations

import aiohttp
import pytest

from nescord_core.sandbox.world.lookup import ActionError
from support.sandbox.running_rest import (
    Rest,
    bearer,
)


async def test_buying_and_cancelling(rest: Rest) -> None:
    heard: list[str] = []
    rest.world.subscribe(lambda event, *_: heard.append(event))
    sku = rest.world.create_sku("Gold")["id"]
    bought = rest.world.buy("alice", "Gold")
    assert heard == ["ENTITLEMENT_CREATE", "SUBSCRIPTION_CREATE"]
    app, alice = rest.world.application_id, str(rest.world.find_user("alice").id)
    base = f"/skus/{sku}/subscriptions"
    assert (await rest.ok("GET", f"{base}?user_id={alice}"))[0]["status"] == 0
    await rest.call("GET", base, expect=400)
    rest.world.cancel("alice", "Gold")
    assert (await rest.ok("GET", f"{base}/{bought['subscription']['id']}"))["canceled_at"]
    own = bearer(rest, "alice", "applications.entitlements")
    mine = await rest.ok("GET", f"/users/@me/applications/{app}/entitlements?sku_ids={sku}", **own)
    assert [each["id"] for each in mine] == [bought["entitlement"]["id"]]
    rest.world.model.advance_clock(31 * 86_400)
    rest.world.tick()
    assert heard[-1] == "ENTITLEMENT_UPDATE"
    with pytest.raises(ActionError, match="Known: Gold"):
        rest.world.buy("alice", "Silver")


async def test_test_entitlements(rest: Rest) -> None:
    app, alice = rest.world.application_id, str(rest.world.find_user("alice").id)
    rest.world.create_sku("Potion", "consumable")
    sku = rest.world.create_sku("Gold")["id"]
    base = f"/applications/{app}/entitlements"
    made = await rest.ok("POST", base, {"sku_id": sku, "owner_id": alice, "owner_type": 2})
    await rest.ok("GET", f"{base}/{made['id']}")
    await rest.ok("DELETE", f"{base}/{made['id']}")
    bought = rest.world.buy("alice", "Potion")["entitlement"]
    await rest.ok("POST", f"{base}/{bought['id']}/consume")


async def test_activities_and_files_of_the_application(rest: Rest) -> None:
    app = rest.world.application_id
    rest.world.start_activity("Lounge", "alice")
    instance = rest.world.start_activity("Lounge", "bob")["instance_id"]
    shown = await rest.ok("GET", f"/applications/{app}/activity-instances/{instance}")
    assert len(shown["users"]) == 2
    await rest.call("GET", f"/applications/{app}/activity-instances/none", expect=404)
    data = aiohttp.FormData()
    data.add_field("file", b"bytes", filename="a.txt", content_type="text/plain")
    stored = (await rest.ok("POST", f"/applications/{app}/attachment", data=data))["attachment"]
    async with rest.session.get(stored["url"]) as served:
        assert await served.read() == b"bytes"
