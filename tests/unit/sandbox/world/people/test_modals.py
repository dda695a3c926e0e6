"""Modals that people submit: each field takes what Discord's client lets a person enter."""

from __future__ import annotations

from typing import Any

import pytest

from nescord_core.sandbox.world.world import ActionError, World
from support.sandbox.world_events import EventRecorder


def open_modal(world: World, *fields: dict[str, Any]) -> str:
    """Return the interaction to which the bot has responded with a modal of these fields."""
    world.model.register_commands(None, [{"name": "greet", "description": "d", "type": 1, "options": []}])
    started = world.interact("general", "alice", "greet")
    labels = [
        {"type": 18, "id": 2 * at + 1, "label": "L", "component": {"id": 2 * at + 2, **each}}
        for at, each in enumerate(fields)
    ]
    modal = {"custom_id": "form", "title": "F", "components": labels}
    world.model.interactions[int(started["id"])].show_modal(modal)
    return str(started["id"])


def test_a_modal_is_filled_in_once(world: World, recorder: EventRecorder) -> None:
    started = open_modal(world, {"type": 4, "custom_id": "name", "style": 1, "required": True})
    with pytest.raises(ActionError, match="'name' is required"):
        world.submit_modal(started, "alice", {})
    with pytest.raises(ActionError, match=r"no field 'age'. Known: name"):
        world.submit_modal(started, "alice", {"age": "1"})
    world.submit_modal(started, "alice", {"name": "Al"})
    data = recorder.last("INTERACTION_CREATE")["data"]
    assert data["components"][0]["component"] == {"type": 4, "id": 2, "custom_id": "name", "value": "Al"}
    with pytest.raises(ActionError, match="has no open modal"):
        world.submit_modal(started, "alice", {"name": "Al"})


OPTIONS = [{"label": each, "value": each} for each in ("a", "b", "c")]
FIELDS: dict[str, dict[str, Any]] = {
    "text": {"type": 4, "style": 1, "min_length": 2, "max_length": 3, "required": False},
    "menu": {"type": 3, "options": OPTIONS, "min_values": 1, "max_values": 2},
    "people": {"type": 5, "required": False},
    "files": {"type": 19, "min_values": 1, "max_values": 2, "file_types": [".txt"]},
    "radio": {"type": 21, "options": OPTIONS},
    "boxes": {"type": 22, "options": OPTIONS, "required": False},
    "box": {"type": 23, "default": True},
}
FILE = ["a.txt", "aGk="]
RIGHT: dict[str, Any] = {"menu": ["a", "c"], "files": [FILE, FILE], "radio": "b"}


def submit(world: World, **values: Any) -> None:
    fields = [{"custom_id": name, **field} for name, field in FIELDS.items()]
    world.submit_modal(open_modal(world, *fields), "alice", values)


def test_every_kind_of_field(world: World, recorder: EventRecorder) -> None:
    submit(world, **RIGHT)
    data = recorder.last("INTERACTION_CREATE")["data"]
    sent = {each["component"]["custom_id"]: each["component"] for each in data["components"]}
    values = {name: each.get("values", each.get("value")) for name, each in sent.items()}
    files = values.pop("files")
    assert values == {
        "text": "",
        "menu": ["a", "c"],
        "people": [],
        "radio": "b",
        "boxes": [],
        "box": True,
    }
    assert list(data["resolved"]["attachments"]) == files
    assert [each["filename"] for each in data["resolved"]["attachments"].values()] == ["a.txt", "a.txt"]
    submit(world, **RIGHT, text="abc", people=["bob"], boxes=["a", "b", "c"], box=False)
    data = recorder.last("INTERACTION_CREATE")["data"]
    assert {"attachments", "users", "members"} <= data["resolved"].keys()


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("text", "abcd", "2 to 3 characters, not 4"),
        ("text", 3, "takes a text"),
        ("menu", None, "'menu' is required"),
        ("menu", "a", "'menu' takes a list"),
        ("menu", ["a", "b", "c"], "1 to 2 values, not 3"),
        ("menu", ["a", "a"], "chosen more than once"),
        ("menu", ["z"], "no choice 'z'"),
        ("people", ["alice", "bob"], "1 to 1 values, not 2"),
        ("files", [], "'files' is required"),
        ("files", None, "'files' is required"),
        ("files", FILE, "pair of name and base64"),
        ("files", [FILE] * 3, "1 to 2 values, not 3"),
        ("files", [["a.png", "aGk="]], "does not allow file extension"),
        ("radio", None, "'radio' is required"),
        ("radio", "z", "no choice 'z'"),
        ("boxes", ["z"], "no choice 'z'"),
        ("box", "yes", "takes true or false"),
    ],
)
def test_what_a_field_does_not_take(world: World, field: str, value: Any, sentence: str) -> None:
    with pytest.raises(ActionError, match=sentence):
        submit(world, **{**RIGHT, field: value})
