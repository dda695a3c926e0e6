"""The two forms of the test kit, and what loading pytest's plugin costs."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import nescord_core.testing
from nescord_core.testing import asynchronous, blocking

HEAVY = ("aiohttp", "grpc", "discord", "msgspec", "nescord_core.config", "nescord_core.payloads")


@pytest.mark.parametrize("name", ["Channel", "Guild", "Sandbox", "User"])
def test_both_forms_offer_the_same(name: str) -> None:
    plain, awaited = getattr(blocking, name), getattr(asynchronous, f"Async{name}")
    methods = {key for key, each in vars(plain).items() if callable(each) and not key.startswith("__")}
    assert methods == {
        key for key, each in vars(awaited).items() if callable(each) and not key.startswith("__")
    }
    for key in methods:
        ours, theirs = getattr(plain, key), getattr(awaited, key)
        assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters), key
        assert ours.__doc__ == theirs.__doc__, key
        assert not inspect.iscoroutinefunction(ours), key


def test_every_name_that_is_exported_is_there() -> None:
    for name in nescord_core.testing.__all__:
        assert getattr(nescord_core.testing, name).__name__ == name
    with pytest.raises(AttributeError):
        nescord_core.testing.nothing  # noqa: B018 - the access is the test


def test_projects_that_do_not_use_the_plugin_pay_nothing_for_it() -> None:
    code = (
        "import sys, nescord_core.testing.pytest_plugin\n"
        f"print([each for each in {HEAVY!r} if each in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
