"""How a service ends: the error that explains it, in place of a group."""

from __future__ import annotations

import errno

import pytest

from nescord_core.errors import ConfigError, NescordError
from nescord_core.services.service_process import one_error


def test_our_own_error_explains_the_end_before_any_other() -> None:
    ours = ConfigError("bad.")
    with pytest.raises(ConfigError) as caught, one_error():
        raise BaseExceptionGroup("", [ValueError(), ExceptionGroup("", [KeyError(), ours])])
    assert caught.value is ours


def test_the_first_of_the_others_does_where_none_is_ours() -> None:
    with pytest.raises(ValueError, match="first"), one_error():
        raise ExceptionGroup("", [ValueError("first"), KeyError("second")])


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize(
    ("number", "texts"),
    [
        (errno.ENOSPC, ("no space left on device", "/s/file", "NESCORD_STATE_DIR")),
        (errno.EROFS, ("read-only file system", "NESCORD_STATE_DIR")),
        (errno.EMFILE, ("too many open files", "ulimit -n")),
    ],
)
def test_what_the_system_lacks_is_said_with_what_to_do(
    number: int, texts: tuple[str, ...], grouped: bool
) -> None:
    error = OSError(number, "x", "/s/file")
    with pytest.raises(NescordError) as caught, one_error():
        raise ExceptionGroup("", [error]) if grouped else error
    for text in texts:
        assert text in str(caught.value)


def test_another_failure_of_the_system_stays_what_it_is() -> None:
    with pytest.raises(ConnectionResetError), one_error():
        raise ConnectionResetError(errno.ECONNRESET, "x")
