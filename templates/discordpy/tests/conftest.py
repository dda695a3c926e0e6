from collections.abc import Iterator

import pytest
from nescord_core.testing import RunningBot, running_bot


@pytest.fixture(scope="session")
def bot() -> Iterator[RunningBot]:
    """The whole bot on a local Discord; no token and no network."""
    with running_bot() as bot:
        # `nescord dev` syncs slash commands a moment after the start. Do not wait for it.
        bot.ask("!sync", user="olivia")
        yield bot
