"""A pytest project of somebody's own, in which the suite's fixtures and written tests are tried."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

QUIET = ("-p", "no:xdist", "-p", "no:randomly", "-p", "no:cacheprovider")
"""Options of pytest: one process, the order of the file, and nothing kept between runs."""


def project_of(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, **modules: str) -> Path:
    """The folder of a project with these modules, and no settings around."""
    for name in [name for name in os.environ if name.startswith(("ISOLATION_", "PYTEST_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(pytester.path / "state"))
    for name, source in modules.items():
        (pytester.path / f"{name}.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(pytester.path)
    return pytester.path
