"""Exceptions that discord.py logs belong to the event whose handlers they come from."""

from __future__ import annotations

import logging

from nescord_core.bot.observing.logged_errors import LoggedErrors
from nescord_core.envelope import Envelope
from nescord_core.tracing.cause import Cause, cause


def test_a_logged_exception_is_added_to_its_event_only() -> None:
    log = logging.Logger("discord.client")
    log.addHandler(LoggedErrors())
    current = Cause(Envelope(0, "s", 1, "MESSAGE_CREATE", 0, 0, b"{}", 0.0))

    def fail() -> None:
        try:
            raise NameError("name 'mesage' is not defined")
        except NameError:
            log.exception("Ignoring exception in %s", "on_message")

    fail()
    token = cause.set(current)
    try:
        log.error("without an exception")
        # The runtime logs it with its identity, and adds it itself.
        log.error("on_message failed", exc_info=ValueError("twice"), extra={"failure": {}})
        fail()
    finally:
        cause.reset(token)
    [run] = current.handlers
    assert (run.name, run.error) == ("on_message", "NameError: name 'mesage' is not defined")
