"""Causes in words: what they are, how many checks show them, and the one finding that proves each."""

from __future__ import annotations

from isolation_tests.catalogue import CATALOGUE
from isolation_tests.causes.clusters import Cause
from isolation_tests.core.inert import plain
from isolation_tests.core.plural import counted
from isolation_tests.model import Case
from isolation_tests.reporting.evidence.summary import Summary
from isolation_tests.reporting.narrative.wording import finding_text

__all__ = ["by_cause", "cause_text", "headline", "proof", "support"]

_MOST_NAMED = 6


def headline(cause: Cause) -> str:
    """The cause in one line: the anomaly with its name, and what was learned of the users' names."""
    entry = CATALOGUE.get(cause.anomaly)
    name = f"{cause.anomaly} {entry.name}" if entry and entry.name != cause.anomaly else cause.anomaly
    return f"{name}: {cause.phrase}" if cause.phrase else name


def support(cause: Cause) -> str:
    """How many checks show the cause, as how many findings, and under which names."""
    names = list(dict.fromkeys(key.partition("-")[0] for key in cause.keys))
    some = ", ".join(names[:_MOST_NAMED]) + (", ..." if len(names) > _MOST_NAMED else "")
    named = f" (named {some})" if names != [cause.anomaly] else ""
    return f"{counted(len(cause.checks), 'check')}, {counted(len(cause.keys), 'finding')}{named}"


def cause_text(cause: Cause, case: Case, replay: str | None) -> str:
    """A cause for a reader: what it is, what shows it, and the finding that proves it."""
    proved = finding_text(case, replay).split("\n", 1)[1]
    return f"{plain(headline(cause))}\n  shown by: {plain(support(cause))}\n{proved}"


def proof(summary: Summary, cause: Cause) -> Case:
    """The finding that proves a cause, with its tries summed over all checks."""
    key = cause.case.finding.key
    return next((case for case in summary.cases if case.finding.key == key), cause.case)


def by_cause(summary: Summary) -> list[tuple[Cause | None, Case]]:
    """Each finding once with its cause: first each cause's proof, then what else the causes explain."""
    first = {cause.case.finding.key: cause for cause in reversed(summary.causes)}
    cause_of = {key: cause for cause in reversed(summary.causes) for key in cause.keys}
    proofs = {cause.case.finding.key: proof(summary, cause) for cause in summary.causes}
    rest = [case for case in summary.cases if case.finding.key not in proofs]
    order = {id(cause): place for place, cause in enumerate(summary.causes)}
    rest.sort(key=lambda case: order.get(id(cause_of.get(case.finding.key)), len(order)))
    told = [(first[key], case) for key, case in proofs.items()]
    return [*told, *((cause_of.get(case.finding.key), case) for case in rest)]
