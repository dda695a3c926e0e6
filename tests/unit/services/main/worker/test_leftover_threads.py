"""Which of the threads that keep a process from ending are named."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nescord_core.services.main.worker.leftover_threads import names_to_report

HERE = Path(__file__).parent


@pytest.fixture
def inbox() -> Iterator[queue.SimpleQueue[None]]:
    opened: queue.SimpleQueue[None] = queue.SimpleQueue()
    yield opened
    opened.put(None)


def started(target: Callable[[], object], name: str) -> threading.Thread:
    thread = threading.Thread(target=target, name=name)
    thread.start()
    time.sleep(0.05)
    return thread


def test_a_thread_in_the_bots_own_code_is_named(inbox: queue.SimpleQueue[None]) -> None:
    thread = started(lambda: inbox.get(), "own")  # noqa: PLW0108 - a function of this file
    assert names_to_report([thread], HERE) == ["own"]


def test_a_thread_that_executes_a_built_in_function_is_named(inbox: queue.SimpleQueue[None]) -> None:
    assert names_to_report([started(inbox.get, "archivist")], HERE) == ["archivist"]


def test_an_idle_thread_of_a_library_is_not() -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
        assert names_to_report(list(pool._threads), HERE) == []
