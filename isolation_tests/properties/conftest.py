"""The fixture of the properties."""

from __future__ import annotations

import pytest

from isolation_tests.engine.check import Check
from isolation_tests.plugin import NAME


@pytest.fixture
def check(request: pytest.FixtureRequest) -> Check:
    """A check of this run's target, ready to run."""
    plugin = request.config.pluginmanager.get_plugin(NAME)
    if plugin is None:
        raise pytest.UsageError(
            "The properties need a target; start them with: isolation-tests run TARGET, or with: "
            "pytest --pyargs isolation_tests --isolation-target TARGET"
        )
    handle: Check = plugin.check(request.node)
    return handle
