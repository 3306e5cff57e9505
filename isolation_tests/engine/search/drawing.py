"""Lets Hypothesis draw plans and shrink those that show a violation, within a budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyFailure, HypothesisException
from hypothesis.internal.cache import LRUCache
from hypothesis.internal.conjecture import providers

from isolation_tests.engine.violations import Violation, violation
from isolation_tests.model import Finding, Plan

_CACHED = 1024
_COLLECTED = ("GLOBAL_CONSTANTS", "_get_local_constants", "CONSTANTS_CACHE")


class _Enough(BaseException):
    """Ends the search. Not an `Exception`, because Hypothesis would try to shrink that too."""


@contextmanager
def nobodys_constants() -> Iterator[None]:
    """Within this, Hypothesis draws no constants from the modules that are loaded.

    It collects the literals of local modules, such as an adapter's, and draws them like its own: a key in the
    user's code would be stored in a target and printed in a report. There is no setting for that:
    https://github.com/HypothesisWorks/hypothesis/blob/master/hypothesis-python/src/hypothesis/internal/conjecture/providers.py
    """
    nothing = type(providers.GLOBAL_CONSTANTS)()
    with (
        patch.object(providers, "_get_local_constants", lambda: nothing),
        patch.object(providers, "CONSTANTS_CACHE", LRUCache(_CACHED)),
    ):
        yield


class _Shrinking:
    """Keeps the search for a smaller plan within its budget.

    If plans beyond the budget were only rejected, Hypothesis would draw thousands more for nothing.
    """

    def __init__(self, budget: int) -> None:
        self._left = budget
        self.begun = False

    def admit(self) -> None:
        """Allow one more plan to run; raises `_Enough` if the budget is spent."""
        if not self.begun:
            return
        if not self._left:
            raise _Enough
        self._left -= 1


def search(
    strategy: st.SearchStrategy[Plan],
    perform: Callable[[Plan], tuple[Finding, ...]],
    *,
    is_known: Callable[[Finding], bool],
    examples: int,
    shrinks: int,
    seed: int,
) -> str | None:
    """Run drawn plans until the examples are used up or a finding is as small as the budget allows.

    perform: runs a plan, keeps its findings, and returns them. is_known: whether a finding needs no smaller
    plan. shrinks: how many smaller plans to try. Returns why the search ended early, or None.
    """
    if not all(hasattr(providers, name) for name in _COLLECTED):
        return "this release of Hypothesis can't be kept from drawing literals of your code; install another"
    shrinking = _Shrinking(shrinks)

    @hypothesis.seed(seed)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=False,
        print_blob=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=True,
    )
    @hypothesis.given(strategy)
    def law_holds(plan: Plan) -> None:
        shrinking.admit()
        news = [finding for finding in perform(plan) if not is_known(finding)]
        if news:
            shrinking.begun = True
            raise violation(news[0])

    try:
        with nobodys_constants():
            law_holds()
    except (_Enough, FlakyFailure, Violation):
        return None  # it was kept when it first showed; replays measure how often it shows
    except BaseExceptionGroup as group:
        if group.split(Violation)[1] is not None:
            raise
    except HypothesisException as error:
        return f"the search ended early: {error}"
    return None
