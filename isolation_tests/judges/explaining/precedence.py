"""What is left of the findings of a history once the table in `implications` has explained the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from isolation_tests.judges.explaining.implications import Edge, Findings, Kind, Scope, Witness
from isolation_tests.model import Finding, Law, Plan

_LOSSES = (Law.KEEPS_OWN_FACTS, Law.DELETED_IS_GONE, Law.SURFACES_AGREE)


@dataclass(frozen=True, slots=True)
class Told:
    """A finding with what a row asks of it. control: whether the plan's control shows it."""

    finding: Finding
    by: Witness
    control: bool


def unexplained(
    plan: Plan, said: Mapping[Witness, Iterable[Finding]], edges: Iterable[Edge]
) -> list[Finding]:
    """The findings of one history that no row explains, in their order."""
    left = [(finding, by) for by, findings in said.items() for finding in findings]
    for edge in edges:
        shown = {_cause(finding) for finding, _ in left if plan.steps[finding.step].control}
        told = [Told(finding, by, _cause(finding) in shown) for finding, by in left]
        left = [(one.finding, one.by) for one in _unexplained_by(edge, told)]
    return [finding for finding, _ in left]


def _unexplained_by(edge: Edge, told: Sequence[Told]) -> Sequence[Told]:
    if edge.beside is not None and not any(fits(edge.beside, one) for one in told):
        return told
    explained = {shared(edge.scope, one.finding) for one in told if fits(edge.cause, one)}
    return [
        one for one in told if not (fits(edge.effect, one) and shared(edge.scope, one.finding) in explained)
    ]


def fits(findings: Findings, told: Told) -> bool:
    """Whether a finding is one of those that a row speaks of."""
    anomaly, law = told.finding.anomaly, told.finding.law
    return (
        anomaly not in findings.but
        and (not findings.named or anomaly in findings.named)
        and (not findings.by or told.by in findings.by)
        and findings.kind in (None, kind(told.finding))
        and findings.law in (None, law)
        and findings.control in (None, told.control)
    )


def shared(scope: Scope, finding: Finding) -> tuple[object, ...]:
    """What two findings must have equal for one of them to explain the other."""
    match scope:
        case Scope.HISTORY:
            return ()
        case Scope.KIND:
            return (kind(finding),)
        case Scope.OPERATION:
            return (finding.operation,)
        case Scope.VIEWER:
            return (finding.viewer,)
        case Scope.ANSWER:
            return finding.viewer, finding.step


def kind(finding: Finding) -> Kind:
    """Whether something was lost or something was seen."""
    return "loss" if finding.law in _LOSSES else "sight"


def _cause(finding: Finding) -> tuple[Kind, str]:
    return kind(finding), finding.anomaly


def first_of_each(findings: Iterable[Finding]) -> list[Finding]:
    """The first finding of each key."""
    first: dict[str, Finding] = {}
    for finding in findings:
        first.setdefault(finding.key, finding)
    return list(first.values())
