"""What every test runs under: no skips in CI, and no way off this machine."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator

import hypothesis
import pytest

from support.network import loopback

CI = os.environ.get("CI") == "true"

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile(
    "nescord", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("nescord")
# nohup, and a shell in the background, ignore signals; what the tests start would inherit that.
# A handler that does nothing keeps pytest deaf to them and is not inherited: exec resets it to the default.
for ignored in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
    if signal.getsignal(ignored) is signal.SIG_IGN:
        signal.signal(ignored, lambda *_: None)
loopback.install()
os.environ.update(loopback.environment())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skip on somebody's laptop is a missing tool; in CI it is a hole, and fails."""
    report = yield
    if CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped in CI: {report.longrepr}"
    return report
