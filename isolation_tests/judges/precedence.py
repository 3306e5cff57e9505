"""Which finding explains which: the broader cause is told, what it explains is not."""

from __future__ import annotations

from collections.abc import Iterable

from isolation_tests.model import Finding, History, Judgement, Law


def joined(judged: Judgement, compared: Judgement) -> Judgement:
    """A history's judgement with what a comparison adds to it and nothing else tells already."""
    told = {finding.operation for finding in judged.findings}
    lost = any(_kind(finding) == "loss" for finding in judged.findings)
    broad = any(finding.anomaly in ("S1", "D1") for finding in judged.findings)
    more = [finding for finding in compared.findings if finding.operation not in told]
    return Judgement(
        findings=tuple(first_of_each([*judged.findings, *([] if lost or broad else more)])),
        doubts=tuple(dict.fromkeys([*judged.doubts, *compared.doubts])),
        errors=judged.errors,
        notes=tuple(dict.fromkeys([*judged.notes, *compared.notes])),
    )


def untold(told: list[Finding], compared: Iterable[Finding]) -> list[Finding]:
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


def explained(history: History, findings: list[Finding]) -> list[Finding]:
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


def first_of_each(findings: Iterable[Finding]) -> list[Finding]:
    """The first finding of each key."""
    first: dict[str, Finding] = {}
    for finding in findings:
        first.setdefault(finding.key, finding)
    return list(first.values())
