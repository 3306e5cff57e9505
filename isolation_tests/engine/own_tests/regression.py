"""Performs a finding's plan again in a test: the finding stays fixed, or the test says what it shows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic import ValidationError

from isolation_tests.adapter import OPTIONAL_METHODS
from isolation_tests.core.errors import UsageProblem
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.own_tests.controls import unasked
from isolation_tests.engine.own_tests.words import finding_lines, inconclusive, violated
from isolation_tests.engine.probing import lacks
from isolation_tests.engine.replay import BESIDE, beside_somebody
from isolation_tests.engine.run import blaming
from isolation_tests.engine.violations import CheckFailed
from isolation_tests.execution.contract import KEYWORDS
from isolation_tests.judges.completeness import controls
from isolation_tests.judges.judging import judge
from isolation_tests.judges.views import is_alone
from isolation_tests.model import Case, Finding, History, Operation, Plan
from isolation_tests.plans import HANDLES, OVERLAP, REOPEN, TWIN
from isolation_tests.plans.probes import probe_plan
from isolation_tests.reporting.narrative.reproduction import happened

__all__ = ["asked_again"]

_LANES = {"thread": OVERLAP, "pool": OVERLAP, "handle": HANDLES, "twin": TWIN}


def asked_again(examiner: Examiner, given: Mapping[str, Any], key: str, tries: int) -> str:
    """What a plan shows when it is performed up to so many times; empty if it never shows a violation.

    given: the plan as data. key: of the finding that it is there for; whatever else it shows counts too,
    unless the target's file lists it as known. A memory that does not show people their own facts proves
    nothing.
    Raises `UsageProblem` for a plan that is none, and for one that needs what the target does not offer.
    """
    try:
        plan = Plan.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "it"
        raise UsageProblem(
            f"The plan can't be read: {place}: {first['msg']}; write the test anew."
        ) from error
    name = examiner.target.name
    if (why := examiner.blocked(plan)) is not None:
        raise UsageProblem(
            f"{key} can't be asked on {name}: {why}. Let a target's file say `disposable = true`, or add "
            "--isolation-disposable, if its whole store may be destroyed."
        )
    if lacking := sorted(_needs(plan) - {*examiner.claimed}):
        raise UsageProblem(
            f"{key} can't be asked on {name}, which does not offer {', '.join(lacking)}; if that is meant to "
            "stay so, remove the test."
        )
    try:
        with blaming(name):
            return (
                _unfit(examiner, plan)
                or _beside_somebody(examiner, plan, key)
                or _performed(examiner, plan, key, tries)
            )
    except CheckFailed as error:
        return inconclusive(name, str(error))


def _needs(plan: Plan) -> set[str]:
    """The optional methods, keywords and ways to call that a plan uses."""
    methods = {step.op.value for step in plan.steps if step.op.value in OPTIONAL_METHODS}
    keywords = {
        name
        for step in plan.steps
        for name in ("filters", "metadata", "key")
        if getattr(step, name) is not None and any(step.op.value == method for method, _ in KEYWORDS[name])
    }
    lanes = {_LANES[step.on] for step in plan.steps if step.lane is not None}
    reopened = {REOPEN for step in plan.steps if step.op is Operation.REOPEN}
    return methods | keywords | lanes | reopened | {*plan.needs}


def _unfit(examiner: Examiner, plan: Plan) -> str:
    """Why the memory can't prove anything: something that the plan uses does not work."""
    for capability in sorted(_needs(plan)):
        probe = probe_plan(capability, examiner.material("control"))
        if probe is not None and examiner.blocked(probe) is None:
            said = lacks(capability, examiner.perform(probe))
            if said != "ok":
                return inconclusive(examiner.target.name, f"positive control: {said}")
    return ""


def _beside_somebody(examiner: Examiner, plan: Plan, key: str) -> str:
    """What the plan shows a few times while somebody else's fact stands there, and what becomes of that.

    It is the positive control, too: its owner has to see it. In a run, other users' facts stand beside every
    plan, and some findings are nothing but the sight of them.
    """
    with beside_somebody(examiner) as run:
        return (
            _unseen(examiner, examiner.runner.go_on(run, range(2)), "before the plan was performed")
            or _performed(examiner, plan, key, BESIDE)
            or _unseen(examiner, examiner.runner.go_on(run, range(2, 3)), "after others performed the plan")
        )


def _unseen(examiner: Examiner, history: History, when: str) -> str:
    """What is wrong with what the owner of a fact saw of it; empty if nothing is."""
    name, judged = examiner.target.name, judge(history)
    for finding in filter(partial(_is_news, examiner), judged.findings):
        case = Case(finding=finding, history=history, seen=1, tried=1)
        return violated(name, [finding_lines(case, f"{happened(case)}, {when}")])
    if problems := [*judged.errors, *judged.doubts]:
        return inconclusive(name, f"positive control: {problems[0].replace('user 0', 'a user')}")
    if not controls(history):
        return inconclusive(name, "positive control: a user did not see their own fact")
    return ""


def _performed(examiner: Examiner, plan: Plan, key: str, tries: int) -> str:
    name = examiner.target.name
    for attempt in range(1, tries + 1):
        answers = examiner.ask(plan)
        cases = [
            Case(finding=finding, history=history, seen=1, tried=attempt)
            for history, judged in answers
            for finding in (*judged.findings, *judged.hazards)
            if finding.key == key or (finding in judged.findings and _is_news(examiner, finding))
        ]
        if cases:
            case = min(cases, key=lambda one: one.finding.key != key)
            return violated(name, [finding_lines(case, _said(case, key, attempt))])
        problems = [text for _, judged in answers for text in (*judged.errors, *judged.doubts)]
        problems += [why for history, _ in answers if not is_alone(history) for why in unasked(history)]
        if problems:
            return inconclusive(name, problems[0])
    return ""


def _is_news(examiner: Examiner, finding: Finding) -> bool:
    return examiner.target.known_reason(finding.key) is None


def _said(case: Case, key: str, attempt: int) -> str:
    other = "" if case.finding.key == key else f" The test is there for {key}."
    return f"{happened(case)}, in try {attempt}.{other}"
