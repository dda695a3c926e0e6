"""Interactions that people start: commands, completion, buttons, menus, modals."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from nescord_core.sandbox.world.people.members import MAX_FILE
from nescord_core.sandbox.world.world import ActionError, World
from support.sandbox.running_rest import PNG
from support.sandbox.world_events import EventRecorder


def register(world: World, *options: dict[str, Any], name: str = "greet", kind: int = 1) -> None:
    command = {"name": name, "description": "d", "type": kind, "options": list(options)}
    world.model.register_commands(None, [command])


def test_a_slash_command_resolves_names(world: World, recorder: EventRecorder) -> None:
    register(
        world,
        {"name": "who", "type": 6, "required": True, "description": "d"},
        {"name": "where", "type": 7, "description": "d"},
        {"name": "times", "type": 4, "max_value": 3, "description": "d"},
    )
    started = world.interact("general", "alice", "/greet", {"who": "bob", "where": "random", "times": 2})
    payload = recorder.last("INTERACTION_CREATE")
    bob, random = world.find_user("bob").id, world.find_channel("random").id
    assert payload["id"] == started["id"]
    assert {each["name"]: each["value"] for each in payload["data"]["options"]} == {
        "who": str(bob),
        "where": str(random),
        "times": 2,
    }
    assert payload["data"]["resolved"]["users"][str(bob)]["username"] == "bob"
    assert payload["data"]["resolved"]["channels"][str(random)]["permissions"]
    assert world.interaction(started["id"])["responded"] is False
    for options, sentence in (
        ({}, "needs the option 'who'"),
        ({"who": "bob", "huh": 1}, "no option 'huh'"),
        ({"who": "bob", "times": 4}, "≤ 3"),
    ):
        with pytest.raises(ActionError, match=sentence):
            world.interact("general", "alice", "greet", options)
    with pytest.raises(ActionError, match=r"no command 'hello' here. Known: /greet"):
        world.interact("general", "alice", "hello")


def test_menu_commands_and_completion(world: World, recorder: EventRecorder) -> None:
    register(world, name="Look at", kind=2)
    world.interact("general", "alice", "Look at", target="bob")
    assert recorder.last("INTERACTION_CREATE")["data"]["target_id"] == str(world.find_user("bob").id)
    register(world, {"name": "what", "type": 3, "autocomplete": True, "description": "d"})
    world.autocomplete("general", "alice", "greet", "what", "par")
    option = recorder.last("INTERACTION_CREATE")["data"]["options"][0]
    assert (option["value"], option["focused"]) == ("par", True)


@pytest.mark.bound("The sandbox: a file of a person: in a message, command or form")
def test_attachment_options(world: World, recorder: EventRecorder) -> None:
    file = {"name": "file", "type": 11, "description": "d", "required": True, "file_types": ["image"]}
    text = {"name": "what", "type": 3, "description": "d", "autocomplete": True}
    register(world, file, text)
    world.interact("general", "alice", "greet", {"file": ["a.png", base64.b64encode(PNG).decode()]})
    data = recorder.last("INTERACTION_CREATE")["data"]
    sent = data["resolved"]["attachments"][data["options"][0]["value"]]
    assert sent.pop("id") == data["options"][0]["value"]
    assert sent.pop("url") == sent.pop("proxy_url")
    expected = {"filename": "a.png", "size": len(PNG), "content_type": "image/png", "width": 1, "height": 1}
    assert sent == {**expected, "ephemeral": True}
    for wrong, sentence in (
        ("a.png", "pair of name and base64"),
        (["a.png", "###"], "pair of name and base64"),
        (["a.png"], "pair of name and base64"),
        ({"a.png": "aGk="}, "pair of name and base64"),
        (("a.txt", b"x"), "does not allow file extension '.txt'"),
        (("a.png", b"x" * (MAX_FILE + 1)), "at most 25 MiB"),
    ):
        with pytest.raises(ActionError, match=sentence):
            world.interact("general", "alice", "greet", {"file": wrong})
    world.autocomplete("general", "alice", "greet", "what", "x", {"file": ["a.png", "aGk="]})
    assert [each["name"] for each in recorder.last("INTERACTION_CREATE")["data"]["options"]] == ["what"]


def message_with(world: World, *components: dict[str, Any]) -> str:
    row = {"type": 1, "components": list(components)}
    sent = world.model.create_message(
        world.find_channel("general").id, world.application_id, "choose", components=[row]
    )
    return str(sent.id)


def test_buttons_and_menus(world: World, recorder: EventRecorder) -> None:
    buttons = message_with(
        world,
        {"type": 2, "style": 1, "label": "Yes", "custom_id": "yes"},
        {"type": 2, "style": 2, "label": "No", "custom_id": "no", "disabled": True},
    )
    world.click("general", buttons, "alice", label="Yes")
    payload = recorder.last("INTERACTION_CREATE")
    assert (payload["type"], payload["data"]["custom_id"]) == (3, "yes")
    assert payload["message"]["id"] == buttons
    with pytest.raises(ActionError, match="disabled"):
        world.click("general", buttons, "alice", custom_id="no")
    with pytest.raises(ActionError, match="Known: yes, no"):
        world.click("general", buttons, "alice", custom_id="maybe")
    choices = [{"label": each, "value": each} for each in ("red", "blue")]
    menu = message_with(world, {"type": 3, "custom_id": "colour", "options": choices})
    world.select("general", menu, "alice", ["red"])
    assert recorder.last("INTERACTION_CREATE")["data"]["values"] == ["red"]
    with pytest.raises(ActionError, match="Known: red, blue"):
        world.select("general", menu, "alice", ["green"])
    people = message_with(world, {"type": 5, "custom_id": "people", "max_values": 2})
    world.select("general", people, "alice", ["bob", "alice"])
    assert len(recorder.last("INTERACTION_CREATE")["data"]["resolved"]["members"]) == 2
