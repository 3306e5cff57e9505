"""The plans of the covering design: on the reference store, what they ask is what the design wants."""

from __future__ import annotations

import pytest

from isolation_tests.coverage.calls import Call
from isolation_tests.coverage.space import is_asked_once, possible
from isolation_tests.model import CheckResult, Operation, Verdict
from isolation_tests.plans import Material
from isolation_tests.plans.offers.every_pair import EVERY_PAIR_CELLS, design
from isolation_tests.targets.settings import Settings
from isolation_tests.testdata.facts import People
from meta_tests.asking import ask

EVERYTHING = frozenset(
    {"get", "update", "delete", "history", "count", "export", "page", "maintain"}
    | {"filters", "metadata", "key", "overlap", "reopen"}
)


def material(capabilities: frozenset[str] = EVERYTHING, *, disposable: bool = True) -> Material:
    return Material(people=People(1), capabilities=capabilities, disposable=disposable, seed=1)


@pytest.fixture(scope="module")
def results() -> list[CheckResult]:
    """What the law shows on the reference store."""
    settings = Settings(target="reference", profile="ci", disposable=True, seed="1")
    return ask(settings, lambda check, _: check.startswith("every-pair-stays-apart["))


def test_the_reference_store_holds_every_pair(results: list[CheckResult]) -> None:
    assert [result.verdict for result in results] == [Verdict.HELD] * len(EVERY_PAIR_CELLS)


def test_every_call_of_the_design_is_asked_as_it_says(results: list[CheckResult]) -> None:
    asked = {Call.read(told) for result in results for told in result.asked}

    assert {*design(material())} <= asked


@pytest.mark.parametrize("capabilities", [frozenset[str](), frozenset({"get", "filters"}), EVERYTHING])
@pytest.mark.parametrize("disposable", [True, False])
def test_a_plan_asks_only_what_the_target_offers(capabilities: frozenset[str], disposable: bool) -> None:  # noqa: FBT001
    offered = {*capabilities, "add", "search", "get_all", "delete_all", "settle", "reopen"}
    for cell in EVERY_PAIR_CELLS:
        steps = cell.build(material(capabilities, disposable=disposable)).steps
        assert {step.op.value for step in steps} <= offered
        wide = [step for step in steps if step.op is Operation.DELETE and step.id_form is not None]
        assert disposable or not wide


def test_no_plan_writes_by_the_id_of_another_user() -> None:
    for call in design(material()):
        assert not is_asked_once(call)
    assert any(is_asked_once(call) for call in possible(EVERYTHING, disposable=True))


def test_everybody_and_a_newcomer_look_in_the_end() -> None:
    for cell in EVERY_PAIR_CELLS:
        plan = cell.build(material())
        writers = {step.user for step in plan.steps if step.op is Operation.ADD and step.fact is not None}
        newcomer = len(plan.users) - 1
        assert newcomer not in writers
        for user in (*writers, newcomer):
            looked = {step.op for step in plan.steps[-len(plan.users) * 14 :] if step.user == user}
            assert looked >= {Operation.SEARCH, Operation.COUNT, Operation.EXPORT, Operation.PAGE}
