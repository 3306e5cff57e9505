"""The one fixture of the properties."""

from __future__ import annotations

import pytest

from isolation_tests.engine.check import Check
from isolation_tests.plugin import NAME


@pytest.fixture
def check(request: pytest.FixtureRequest) -> Check:
    """A check of this run's target, ready to be asked."""
    asking = request.config.pluginmanager.get_plugin(NAME)
    if asking is None:
        raise pytest.UsageError(
            "The properties run as a certification only: pytest --pyargs isolation_tests "
            "--isolation-target TARGET, or isolation-tests run TARGET."
        )
    handle: Check = asking.check(request.node)
    return handle
