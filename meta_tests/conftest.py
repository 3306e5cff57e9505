"""Two users whom no other test knows, how Hypothesis searches, and modules that can be loaded once only."""

from __future__ import annotations

from uuid import uuid4

import pygal  # noqa: F401 - see below
import pytest
from hypothesis import HealthCheck, settings

# pytester forgets what was imported in a run of its own, and pygal does not survive a second import.

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
