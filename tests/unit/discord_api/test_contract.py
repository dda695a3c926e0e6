"""The table of Discord's API is complete, matches paths as Discord does, and is up to date."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nescord_core.discord_api import contract

ROOT = Path(__file__).parents[3]
DOCUMENT = Path(os.environ.get("NESCORD_OPENAPI", ROOT.parent / "shared" / "data" / "discord-openapi.json"))


def test_the_table_has_every_operation_of_the_document() -> None:
    assert len(contract.operations()) == 242
    for operation in contract.operations().values():
        named = {p.name for p in operation.parameters if p.location == "path"}
        assert named == {s.strip("{}") for s in operation.segments if s.startswith("{")}, (
            operation.operation_id
        )


def test_the_most_literal_template_wins() -> None:
    pins = contract.match("get", "/channels/1/messages/pins")
    message = contract.match("GET", "/channels/1/messages/2")
    assert pins is not None
    assert message is not None
    assert (pins[0].operation_id, message[0].operation_id) == ("list_pins", "get_message")
    assert message[1] == {"channel_id": "1", "message_id": "2"}


@pytest.mark.parametrize("path", ["/channels//messages", "/nothing/here", "/channels/1/messages/2/3/4/5/6"])
def test_a_path_that_no_template_fits_is_no_operation(path: str) -> None:
    assert contract.match("GET", path) is None


@pytest.mark.skipif(not DOCUMENT.is_file(), reason="Discord's OpenAPI document is not beside this checkout")
def test_the_committed_table_is_what_the_document_gives() -> None:
    script = ROOT / ".ci" / "contract.py"
    done = subprocess.run(
        [sys.executable, script, DOCUMENT, "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_document_is_corrected_where_discord_does_otherwise() -> None:
    """Forwards are message references of type 1, and the codes of field errors are names."""
    shared = contract.schemas()
    assert shared["MessageReferenceType"]["enum"] == [0, 1]
    assert shared["InnerError"]["properties"]["code"] == {"type": "string"}
    assert shared["Error"]["properties"]["code"] == {"type": "integer"}


def test_an_escaped_at_me_is_the_literal_segment() -> None:
    found = contract.match("DELETE", "/channels/1/thread-members/%40me")
    assert found is not None
    assert found[0].operation_id == "leave_thread"
