"""Pure judges: history in, findings out.

`judge` asks all of them of one history and lets the broader cause explain. `judge_all` is for the histories
of one check, among which some may be there to be compared. `rejudge` says again what a kept result proves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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
from isolation_tests.model import CheckResult, Finding, History, Judgement, Law, Outcome

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
    findings = [finding for judgement in judged for finding in judgement.findings]
    compared = interference.judge(history)
    findings += _untold(findings, compared.findings)
    findings += _untold(findings, agreement.judge(history).findings)
    doubts = [doubt for judgement in (*judged, compared) for doubt in judgement.doubts]
    return Judgement(
        findings=tuple(_first_of_each(_explained(history, findings))),
        doubts=tuple(dict.fromkeys([*doubts, *_unanswered(history)])),
        errors=tuple(dict.fromkeys(_errors(history))),
    )


def judge_all(histories: Sequence[History]) -> list[tuple[History, Judgement]]:
    """Each history with what it proves; those of one comparison are judged together as well.

    What a comparison shows is said of the first history with others of its plan. Order among the histories
    does not matter, but for which is the first.
    """
    judged = [judge(history) for history in histories]
    comparing = [n for n, history in enumerate(histories) if history.plan.viewer is not None]
    alone = [n for n in comparing if views.is_alone(histories[n])]
    left = [n for n in comparing if n not in alone]
    while left:
        first = histories[left[0]].plan
        same = [n for n in left if histories[n].plan == first]
        beside = [n for n in alone if histories[n].plan.name == first.name]
        compared = views.judge([histories[n] for n in (*beside, *same)])
        judged[left[0]] = _with(judged[left[0]], compared)
        left = [n for n in left if n not in same]
    return list(zip(histories, judged, strict=True))


def rejudge(result: CheckResult) -> list[tuple[History, Judgement]]:
    """What the judges say of each history that a result kept, and of each comparison among them."""
    groups = [result.histories, *((case.history, *case.beside) for case in result.cases)]
    return [pair for group in groups for pair in judge_all(group)]


def _with(judged: Judgement, compared: Judgement) -> Judgement:
    """A history's judgement with what a comparison adds to it and nothing else tells already."""
    told = {finding.operation for finding in judged.findings}
    lost = any(_kind(finding) == "loss" for finding in judged.findings)
    broad = any(finding.anomaly in ("S1", "D1") for finding in judged.findings)
    more = [finding for finding in compared.findings if finding.operation not in told]
    return Judgement(
        findings=tuple(_first_of_each([*judged.findings, *([] if lost or broad else more)])),
        doubts=tuple(dict.fromkeys([*judged.doubts, *compared.doubts])),
        errors=judged.errors,
        notes=tuple(dict.fromkeys([*judged.notes, *compared.notes])),
    )


def _untold(told: list[Finding], compared: Iterable[Finding]) -> list[Finding]:
    """What only the comparison of two answers shows: not a loss, or a step, that is told already.

    An answer that is older than the user's own write explains what it lacks, and is told all the same.
    """
    losers = {f.viewer for f in told if _kind(f) == "loss"}
    steps = {(f.viewer, f.step) for f in told}
    return [
        f
        for f in compared
        if f.anomaly == "K1" or (f.viewer not in losers and (f.viewer, f.step) not in steps)
    ]


def _served(findings: list[Finding]) -> list[Finding]:
    """Leave out what a kept answer explains: what is missing in it, and an equal question beside a near one.

    A question is also near to itself, so that where nearness decides an equal one shows no second cause.
    """
    kept = [f for f in findings if f.anomaly in ("K1", "K2")]
    if not kept:
        return findings
    crossed = {(f.viewer, f.step) for f in findings if f.law is Law.NO_CROSS_READ}
    stale = {(f.viewer, f.step) for f in kept}
    near = any(f.anomaly == "K2" for f in kept)
    return [
        f
        for f in findings
        if not (_kind(f) == "loss" and f.anomaly != "K1" and (f.viewer, f.step) in crossed | stale)
        and not (near and f.anomaly == "K1" and f.law is Law.NO_CROSS_READ)
    ]


def _explained(history: History, findings: list[Finding]) -> list[Finding]:
    """Drop what a broader cause explains.

    Where the plan's control (an unrelated user, a harmless query) breaks the same kind of law, or users
    who have nothing in common reach each other, the narrower hypothesis is not what went wrong. A foreign
    id that can be read, changed or deleted also answers differently from an absent one: that difference
    is not a second finding.
    """
    steps, findings = history.plan.steps, _served(findings)
    told = {f.operation for f in findings if f.anomaly in ("O1", "O2", "O3", "O4", "X3")}
    findings = [f for f in findings if f.anomaly != "X2" or f.operation not in told]
    broad = {(_kind(f), f.anomaly) for f in findings if steps[f.step].control or f.anomaly in ("S1", "D1")}
    kinds = {kind for kind, _ in broad}
    return [
        f for f in findings if _kind(f) not in kinds or (_kind(f), f.anomaly) in broad or f.anomaly == "X3"
    ]


def _kind(finding: Finding) -> str:
    """Whether something was lost or something was seen: the one never explains the other."""
    losses = (Law.KEEPS_OWN_FACTS, Law.DELETED_IS_GONE, Law.SURFACES_AGREE)
    return "loss" if finding.law in losses else "sight"


def _first_of_each(findings: Iterable[Finding]) -> list[Finding]:
    first: dict[str, Finding] = {}
    for finding in findings:
        first.setdefault(finding.key, finding)
    return list(first.values())


def _unanswered(history: History) -> list[str]:
    return [
        f"{event.op} by user {event.user} had an unknown outcome ({event.error_kind}: {event.error})"
        for event in history.events
        if event.outcome is Outcome.INDETERMINATE
        and not event.poll
        and history.plan.steps[event.step].give_up is None
    ]


def _errors(history: History) -> list[str]:
    return [
        f"{event.op} by user {event.user} failed: {event.error_kind}: {event.error}"
        for event in history.events
        if event.outcome is Outcome.ERROR and not event.poll
    ]
