"""What `from nescord_core import ...` offers, and what an import of it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import nescord_core


def test_all_is_what_is_exported() -> None:
    assert nescord_core.__all__ == sorted(nescord_core.__all__)
    assert dir(nescord_core) == nescord_core.__all__
    for name in nescord_core.__all__:
        assert getattr(nescord_core, name).__class__ is not None
    names: dict[str, object] = {}
    exec("from nescord_core import *", names)
    assert set(nescord_core.__all__) <= names.keys()


def test_a_name_that_is_not_exported() -> None:
    with pytest.raises(AttributeError, match="'Nothing'"):
        nescord_core.Nothing  # noqa: B018


def test_the_package_alone_imports_nothing_heavy() -> None:
    heavy = "aiohttp grpc discord msgspec"
    code = f"import sys, nescord_core; print(*({set(heavy.split())} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
