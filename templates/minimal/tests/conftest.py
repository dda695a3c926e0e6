import pytest
from nescord_core.testing import running_bot


@pytest.fixture(scope="session")
def bot():
    """The whole bot on a local Discord; no token and no network."""
    with running_bot() as bot:
        yield bot
