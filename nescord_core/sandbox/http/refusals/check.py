"""Runs the refusals of an operation, in the order of the modules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nescord_core.sandbox.http.operation_call import Call
from nescord_core.sandbox.http.refusals import channels, commands, guilds, messages, stickers, threads, voice
from nescord_core.sandbox.http.refusals.table import Refusal

__all__ = ["check_refusals"]

MODULES = (channels, threads, messages, commands, guilds, stickers, voice)
BY_OPERATION: Mapping[str, Sequence[Refusal]] = {
    operation_id: [
        refusal for module in MODULES for each, refusal in module.REFUSALS.items() if each == operation_id
    ]
    for operation_id in {each for module in MODULES for each, _ in module.REFUSALS.items()}
}


def check_refusals(call: Call) -> None:
    """Raise a BackendError if Discord refuses the call in this state of the world."""
    for refusal in BY_OPERATION.get(call.operation.operation_id, ()):
        refusal(call)
