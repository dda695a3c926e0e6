"""The second names of operations."""

from __future__ import annotations

from nescord_core import RestClient
from nescord_core.discord_api import contract
from nescord_core.rest.client.usual_names import UsualNames


def test_each_name_is_an_operation_and_none_hides_one() -> None:
    names = {name for name in vars(UsualNames) if not name.startswith("_")}
    assert len(names) >= 30
    assert not names & contract.operations().keys()
    for name in names:
        operation = getattr(RestClient, name)
        assert operation.__name__ in contract.operations()
        assert operation is getattr(RestClient, operation.__name__)
