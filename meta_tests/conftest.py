"""Two users whom no other test knows, and modules that can be loaded once only."""

from __future__ import annotations

from uuid import uuid4

import pygal  # noqa: F401 - see below
import pytest
import scipy.stats  # noqa: F401 - as pygal

# pytester forgets what was imported in a run of its own, and neither of the two survives a second import.


@pytest.fixture
def alice() -> str:
    return f"alice-{uuid4().hex}"


@pytest.fixture
def bob() -> str:
    return f"bob-{uuid4().hex}"
