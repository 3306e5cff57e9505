"""Pure judges: history in, findings out.

`judge` asks all of them of one history and drops the findings that others explain. `judge_all` is for the
histories of one check, among which some may be there to be compared. `rejudge` says again what a kept result
proves.
"""

from __future__ import annotations

from collections.abc import Sequence

from isolation_tests.judges import (
    agreement,
    by_id,
    canary,
    collision,
    completeness,
    counts,
    deletion,
    errors,
    interference,
    rebind,
    refusal,
    views,
)
from isolation_tests.judges.explaining.implications import BESIDE_A_COMPARISON, WITHIN_A_HISTORY, Witness
from isolation_tests.judges.explaining.precedence import first_of_each, unexplained
from isolation_tests.model import CheckResult, Event, History, Judgement, Outcome, Plan
from isolation_tests.model.volume import nothing_stored

_OWN_ERRORS = ("BrokenContract", "TimeLimit")

JUDGES = (
    refusal.judge,
    rebind.judge,
    canary.judge,
    errors.judge,
    collision.judge,
    completeness.judge,
    deletion.judge,
    counts.judge,
    by_id.judge,
)


def judge(history: History) -> Judgement:
    """What the history proves: findings by cause, doubts, and the adapter's own errors."""
    judged = [one(history) for one in JUDGES]
    repeated, listed = interference.judge(history), agreement.judge(history)
    said = {
        Witness.PLAN: [finding for judgement in judged for finding in judgement.findings],
        Witness.BEFORE: repeated.findings,
        Witness.LIST: listed.findings,
    }
    doubts = [doubt for judgement in (*judged, repeated) for doubt in judgement.doubts]
    early = tuple(doubt for judgement in (*judged, listed) for doubt in judgement.early)
    return Judgement(
        findings=tuple(first_of_each(unexplained(history.plan, said, WITHIN_A_HISTORY))),
        doubts=tuple(
            dict.fromkeys([*_cut(history), *doubts, *early, *_unanswered(history), *nothing_stored(history)])
        ),
        early=early,
        errors=tuple(dict.fromkeys(_errors(history))),
        hazards=tuple(first_of_each(hazard for judgement in judged for hazard in judgement.hazards)),
    )


def judge_all(histories: Sequence[History]) -> list[tuple[History, Judgement]]:
    """Each history with what it proves; those of one comparison are judged together as well.

    What a comparison shows is said of the first history with others of its plan. Order among the histories
    does not matter, but for which is the first.
    """
    judged = [judge(history) for history in histories]
    comparing = [n for n, one in enumerate(histories) if one.plan.viewer is not None and not one.cut]
    alone = [n for n in comparing if views.is_alone(histories[n])]
    left = [n for n in comparing if n not in alone]
    while left:
        first = histories[left[0]].plan
        same = [n for n in left if histories[n].plan == first]
        beside = [n for n in alone if histories[n].plan.name == first.name]
        compared = views.judge([histories[n] for n in (*beside, *same)])
        judged[left[0]] = _joined(first, judged[left[0]], compared)
        left = [n for n in left if n not in same]
    return list(zip(histories, judged, strict=True))


def _joined(plan: Plan, judged: Judgement, compared: Judgement) -> Judgement:
    """A history's judgement with what a comparison adds to it and the history does not explain."""
    said = {Witness.PLAN: judged.findings, Witness.ALONE: compared.findings}
    return Judgement(
        findings=tuple(first_of_each(unexplained(plan, said, BESIDE_A_COMPARISON))),
        doubts=tuple(dict.fromkeys([*judged.doubts, *compared.doubts])),
        early=judged.early,
        errors=judged.errors,
        hazards=judged.hazards,
        notes=tuple(dict.fromkeys([*judged.notes, *compared.notes])),
    )


def rejudge(result: CheckResult) -> list[tuple[History, Judgement]]:
    """What the judges say of each history that a result kept, and of each comparison among them."""
    groups = [result.histories, *((case.history, *case.beside) for case in result.cases)]
    return [pair for group in groups for pair in judge_all(group)]


def _cut(history: History) -> list[str]:
    return [] if history.cut is None else [history.cut]


def _unanswered(history: History) -> list[str]:
    return [
        f"{event.op} by user {event.user} had an unknown outcome ({event.error_kind}: {event.error})"
        for event in history.events
        if event.outcome is Outcome.INDETERMINATE
        and not event.poll
        and history.plan.steps[event.step].give_up is None
        and not history.plan.steps[event.step].odd
    ]


def _errors(history: History) -> list[str]:
    return [
        f"{event.op} by user {event.user} failed: {event.error_kind}: {event.error}{_hint(history, event)}"
        for event in history.events
        if event.outcome is Outcome.ERROR and not event.poll and not history.plan.steps[event.step].odd
    ]


def _hint(history: History, event: Event) -> str:
    """What the adapter's author can do about an error for a user that is no text."""
    name = None if history.plan.steps[event.step].spoiled else history.users[event.user].name
    if isinstance(name, str) or event.error_kind in _OWN_ERRORS:
        return ""
    what = "missing" if name is None else f"of type {type(name).__name__}"
    return (
        f" (the user was {what}: if your system rejects a user that is no text so, begin {event.op} with "
        f'`if not isinstance(user, str): raise Refused("no text")`)'
    )
