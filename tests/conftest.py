"""What the whole suite shares: the hypothesis profiles, how asserts are shown, and what may be skipped."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("apscheduler_lite.testing")  # so that a failed assert of the suites shows its values

# ci: the same examples in every run and no deadline, so that a slow machine cannot fail a test.
settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", deadline=None)
# thorough: on demand; many more examples, and no patience is too short.
settings.register_profile("thorough", deadline=None, max_examples=2_000, suppress_health_check=list(HealthCheck))

settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run of CI in which a test was skipped for another reason than what the machine does not have."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("CI") or reporter is None:
        return
    absent = [name for name in ("TEST_POSTGRES_URL", "TEST_MARIADB_URL", "TEST_REDIS_URL") if name not in os.environ]
    absent.append("libfaketime is not installed")
    for report in reporter.stats.get("skipped", []):
        if not any(name in str(report.longrepr) for name in absent):
            reporter.write_line(f"skipped in CI without need: {report.nodeid}", red=True)
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
