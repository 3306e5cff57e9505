"""A certified run, for all that is done to it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from isolation_tests.model import CheckResult
from isolation_tests.reporting.certificates import signing
from isolation_tests.reporting.certificates.verification import certify
from isolation_tests.reporting.evidence.evidence import (
    ExpectedCheck,
)
from isolation_tests.reporting.html.page import write_html
from meta_tests.reporting.certificates.certified import asked, questions_of, write


@pytest.fixture(scope="module")
def clean() -> tuple[CheckResult, ...]:
    return asked("reference")


@pytest.fixture(scope="module")
def faulty() -> CheckResult:
    """A violated check, as a planted fault makes it."""
    return asked("fault:O1-get-unchecked", [("ids-need-their-owner", "O1-get")])[0]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return signing.make_key(tmp_path_factory.mktemp("keys") / "issuer")


@pytest.fixture(scope="module")
def signer(keys: Any) -> Any:
    return signing.load_private(keys.private, str)


@pytest.fixture(scope="module")
def public(keys: Any) -> Any:
    return signing.load_public(keys.public)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, clean: Any, signer: Any) -> Path:
    folder = write(tmp_path_factory.mktemp("run") / "run", clean)
    certify(folder, signer, questions_of(folder), write_html)
    return folder


@pytest.fixture
def bundle(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "bundle"))


@pytest.fixture(scope="module")
def questions(original: Path) -> Callable[[str], Sequence[ExpectedCheck]]:
    return questions_of(original)
