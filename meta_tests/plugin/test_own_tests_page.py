"""The examples of docs/how-to/own-tests.md, with an app that keeps users apart, and one that does not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from meta_tests.projects import QUIET, project_of

pytest_plugins = ["pytester"]

PAGE = Path(__file__).parent.parent.parent / "docs" / "how-to" / "own-tests.md"
APP = """
import pytest

from meta_tests.projects import QUIET, project_of
from isolation_tests.adapters.reference import ReferenceStore

class App:
    def __init__(self): self.store = ReferenceStore()
    def chat(self, *, user, text):
        self.store.add(user, text)
        names = self.store.users() if LEAKS else [user]
        return {"said": [row.text for name in names for row in self.store.get_all(name)]}
    def forget(self, user): self.store.delete_all(user)

@pytest.fixture
def app(): return App()

def Notes(store): return store
"""
TESTS = 6
"""Three tests about an app, and one with three relations."""


def blocks() -> list[str]:
    """The fenced blocks of Python."""
    return re.findall(
        r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )


@pytest.mark.parametrize(("leaks", "failed"), [("False", 0), ("True", 1)])
def test_the_examples_work(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, leaks: str, failed: int
) -> None:
    project_of(pytester, monkeypatch, my_adapter=f"LEAKS = {leaks}\n{APP}")
    conftest, chat, related = blocks()
    pytester.makeconftest(f"{conftest}\nfrom my_adapter import app\n")
    pytester.makepyfile(test_chat=chat, test_related=f"import pytest\n\n{related}")
    result = pytester.runpytest_inprocess(*QUIET)

    result.assert_outcomes(passed=TESTS - failed, failed=failed)
    if failed:
        result.stdout.fnmatch_lines(
            ["E*bob 'iso-*-corp' was shown a fact of alice 'iso-*' in answer.said*: *"]
        )
