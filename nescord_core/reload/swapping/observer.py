"""The interface of whoever is told what happens in a group of workers."""

from __future__ import annotations

from typing import Protocol

from nescord_core.reload.swapping.failure import Failure
from nescord_core.reload.swapping.rollout import Reloaded
from nescord_core.reload.swapping.worker_slot import Worker

__all__ = ["Observer"]


class Observer(Protocol):
    """Receives the events of a group."""

    def serving(self, replica: int, worker: Worker) -> None:
        """A new process serves."""

    def reloaded(self, reloaded: Reloaded) -> None:
        """A reload has finished, successfully or not (not called for a superseded one)."""

    def refused(self, replica: int, failure: Failure, *, still_serving: bool, again: float | None) -> None:
        """A new process failed to become ready; another one is started in ``again`` seconds, if at all."""

    def crashed(self, replica: int, pid: int, code: int) -> None:
        """A serving process died."""

    def hung(self, replica: int, pid: int, *, killed: bool) -> None:
        """A process has not answered for ``main.hang_timeout``; it is killed unless the group is watched."""

    def wrote(self, path: str) -> None:
        """The bot wrote a file of its project."""

    def sources(self, directories: tuple[str, ...], since: float) -> None:
        """A worker has imported modules of the author's own code from these directories (messages.py)."""

    def broken(self, replica: int) -> None:
        """Nothing serves in this slot, and nothing starts before the next reload."""
