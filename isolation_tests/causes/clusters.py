"""Causes: what one or many findings of a run come from, learned from them, so that each is told once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from isolation_tests.causes.across import Seen, explained
from isolation_tests.causes.learning import apart, collision, learned, tried
from isolation_tests.model import Case, CheckResult, Law

__all__ = ["Cause", "causes_of"]


@dataclass(frozen=True, slots=True)
class Cause:
    """What findings come from.

    anomaly: its name. phrase: what was learned of the names, or "". case: the finding that shows it with the
    fewest steps. keys: of all findings that it explains. checks: that showed it. known: whether all of its
    findings are listed as known.
    """

    anomaly: str
    phrase: str
    case: Case
    keys: tuple[str, ...]
    checks: tuple[str, ...]
    known: bool


@dataclass(frozen=True, slots=True)
class _Told:
    check: str
    case: Case


def causes_of(results: Sequence[CheckResult]) -> tuple[Cause, ...]:
    """The causes of all findings of a run, the one that most checks show first; new before known."""
    told = [_Told(result.check, case) for result in results for case in result.cases]
    because = explained([Seen.of(one.case.finding, one.case.history) for one in told])
    roots = [place for place in range(len(told)) if place not in because]
    groups = _grouped(told, roots, results)
    members = {place: [place] for place in roots}
    for place in because:
        members[_root(because, place)].append(place)
    causes = [
        _cause(anomaly, phrase, [told[p] for p in places], [told[m] for p in places for m in members[p]])
        for (anomaly, phrase), places in groups.items()
    ]
    return tuple(sorted(causes, key=lambda cause: (cause.known, -len(cause.checks), cause.anomaly)))


def _root(because: dict[int, int], place: int) -> int:
    while place in because:
        place = because[place]
    return place


def _grouped(
    told: Sequence[_Told], roots: Sequence[int], results: Sequence[CheckResult]
) -> dict[tuple[str, str], list[int]]:
    """The places of the findings of each cause: of one reading of names, or else of one anomaly."""
    pairs = {place: pair for place in roots if (pair := collision(told[place].case)) is not None}
    order = list(pairs)
    groups: dict[tuple[str, str], list[int]] = {}
    shown = [pair for place in order for pair in tried(told[place].case, together=True)]
    kept = [pair for place in order for pair in tried(told[place].case, together=False)]
    for reading, places in learned([*pairs.values(), *shown], [*apart(results), *kept]):
        if some := [order[place] for place in places if place < len(order)]:
            groups[reading.anomaly, reading.phrase] = some
    named = {place for places in groups.values() for place in places}
    rest = [place for place in roots if place not in named]
    ghosts = Counter(_anomaly(told, place) for place in rest if _is_ghost(told[place].case))
    for place in rest:
        name = ghosts.most_common(1)[0][0] if _is_ghost(told[place].case) else _anomaly(told, place)
        groups.setdefault((name, ""), []).append(place)
    return groups


def _anomaly(told: Sequence[_Told], place: int) -> str:
    return told[place].case.finding.anomaly


def _is_ghost(case: Case) -> bool:
    """Whether a deleted fact of the user's own shows: in the list at once (D3) or anywhere later (D4)."""
    return case.finding.law is Law.DELETED_IS_GONE


def _cause(anomaly: str, phrase: str, own: Sequence[_Told], every: Sequence[_Told]) -> Cause:
    cases = [one.case for one in own]
    same = [case for case in cases if case.finding.anomaly == anomaly] or cases
    return Cause(
        anomaly=anomaly,
        phrase=phrase,
        case=min(same, key=_size),
        keys=tuple(sorted({one.case.finding.key for one in every})),
        checks=tuple(dict.fromkeys(one.check for one in every)),
        known=all(one.case.known is not None for one in every),
    )


def _size(case: Case) -> tuple[bool, bool, bool, bool, int, int]:
    """The best proof first: new, published, by one plan, each time, with few steps and short names."""
    plan = case.history.plan
    letters = sum(len(user.template) for user in plan.users)
    known, racy = case.known is not None, case.intermittent
    return known, case.withheld, plan.of_witnesses, racy, len(plan.steps), letters
