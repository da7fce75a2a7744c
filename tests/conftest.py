"""What the whole suite shares: the hypothesis profiles, and how asserts are shown."""

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
