"""Two users whom no other test knows, and how Hypothesis searches."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no failure; and a server that builds this draws anew each time.
settings.register_profile(
    "unhurried", deadline=None, derandomize=False, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")


@pytest.fixture
def alice() -> str:
    return f"alice-{uuid4().hex}"


@pytest.fixture
def bob() -> str:
    return f"bob-{uuid4().hex}"
