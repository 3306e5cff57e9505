"""Judges evidence again: every recorded history by the pure judges, and the footer against the records.

This needs neither the target nor the process that ran it. A check may not claim more than its histories
prove: a verdict better than its history, or a finding that its history does not show, is a contradiction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from isolation_tests.judges.completeness import controls
from isolation_tests.judges.judging import judge_all
from isolation_tests.model import (
    Case,
    CheckResult,
    Finding,
    History,
    Outcome,
    Verdict,
    alias_reason,
)
from isolation_tests.reporting.certificates.refusals import Contradicted, UnfoundedKnown, WrongEnding
from isolation_tests.reporting.evidence.evidence import Ending, Evidence
from isolation_tests.reporting.evidence.summary import Summary, exit_status, summary_of

__all__ = ["Examined", "examine", "rejudge"]


@dataclass(frozen=True, slots=True)
class Examined:
    """The result of judging a run again.

    checks: number of checks that made calls. rejudged: number of those with a recorded history. several:
    number of those with more than one history, because they searched or compared. counted: checks without a
    history, accepted by their counts. withheld: number of cases published without their reproduction.
    """

    summary: Summary
    checks: int
    rejudged: int
    histories: int
    several: int
    counted: tuple[str, ...]
    withheld: int


def examine(evidence: Evidence) -> Examined:
    """Judge a whole run again; raises a `Refusal` at the first contradiction."""
    header, results = evidence.header, evidence.results
    summary = summary_of(evidence)
    _ending_fits(evidence.footer, summary)
    for result in results:
        for case in result.cases:
            if case.known is not None and not header.known_count:
                raise UnfoundedKnown(case.finding.key)
        try:
            why = rejudge(result, header.aliases)
        except RecursionError as error:
            raise Contradicted(result.check, "its history is nested too deeply") from error
        if why is not None:
            raise Contradicted(result.check, why)
    tested = [result for result in results if result.calls]
    withheld = {result.check for result in tested if any(case.withheld for case in result.cases)}
    counted = tuple(r.check for r in tested if not _histories(r) and r.check not in withheld)
    return Examined(
        summary=summary,
        checks=len(tested),
        rejudged=sum(bool(_histories(result)) for result in tested),
        histories=sum(len(_histories(result)) for result in tested),
        several=sum(len(_histories(result)) > 1 for result in tested),
        counted=counted,
        withheld=sum(case.withheld for result in results for case in result.cases),
    )


def rejudge(result: CheckResult, aliases: Collection[str] = ()) -> str | None:
    """How the recorded histories contradict the result, as a phrase; None if they don't.

    aliases: relations whose two names the target declares to be one user. An alias excuses only the anomaly
    that the check looks for.
    """
    return next(_contradictions(result, frozenset(aliases)), None)


def _contradictions(result: CheckResult, aliases: frozenset[str]) -> Iterator[str]:
    reported = {case.finding.key for case in result.cases}
    for history, judged in judge_all(result.histories):
        for finding in judged.findings:
            if not _excused(finding, history, result, aliases):
                yield f"a history shows {finding.key}"
        for hazard in judged.hazards:
            if hazard.key not in {reported.key for reported in result.hazards}:
                yield f"a history shows the hazard {hazard.key}"
        if result.verdict is Verdict.HELD and (left := (*judged.errors, *judged.doubts)):
            yield f"a history leaves a doubt: {left[0]}"
    for case in result.cases:
        yield from _unshown(case, reported, result, aliases)
    alias = {alias_reason(relation) for relation in aliases} & {result.reason}
    if alias and alias != {alias_reason(history.plan.alike) for history in result.histories}:
        yield "a declared alias excuses it, but no history with such names is recorded"
    if result.cases and result.verdict is not Verdict.VIOLATED:
        yield f"it has findings, but its verdict is {result.verdict}"
    if result.verdict is Verdict.HELD and result.histories:
        yield from _miscounted(result)


def _unshown(case: Case, reported: set[str], result: CheckResult, aliases: frozenset[str]) -> Iterator[str]:
    if case.withheld:
        return
    judged = judge_all((case.history, *case.beside))
    found = [(history, finding) for history, said in judged for finding in said.findings]
    # Until a place of its own for a blank user was a hazard, it was a finding.
    hazards = [hazard for _, said in judged for hazard in said.hazards]
    if not any(_same(case.finding, one) for one in (*(finding for _, finding in found), *hazards)):
        yield f"its history does not show {case.finding.key}"
    for history, finding in found:
        if finding.key not in reported and not _excused(finding, history, result, aliases):
            yield f"the history of {case.finding.key} also shows {finding.key}"


def _same(one: Finding, other: Finding) -> bool:
    """Whether two findings are equal; their stories may differ, because secrets are masked in them."""
    return one.model_copy(update={"story": ""}) == other.model_copy(update={"story": ""})


def _excused(finding: Finding, history: History, result: CheckResult, aliases: frozenset[str]) -> bool:
    may_be_missing = result.verdict in (Verdict.NOT_SUPPORTED, Verdict.VIOLATED, Verdict.ERROR)
    return may_be_missing and history.plan.alike in aliases and finding.anomaly == history.plan.anomaly


def _miscounted(result: CheckResult) -> Iterator[str]:
    histories = result.histories
    events = [event for history in histories for event in history.events]
    found = {
        "examples": len(histories),
        "calls": len(events),
        "controls": sum(controls(history) for history in histories),
        "refused": sum(event.outcome is Outcome.REFUSED for event in events),
    }
    for name, count in found.items():
        if getattr(result, name) != count:
            yield f"its histories hold {count} {name}, but it reports {getattr(result, name)}"
    if not found["controls"]:
        yield "no user saw their own fact"


def _histories(result: CheckResult) -> tuple[History, ...]:
    """All recorded histories of a check, those it was compared with included."""
    cases = (case for case in result.cases if not case.withheld)
    return (*result.histories, *(history for case in cases for history in (case.history, *case.beside)))


def _ending_fits(footer: Ending, summary: Summary) -> None:
    shown = {
        "verdict": summary.verdict,
        "level": summary.level,
        "counts": summary.counts,
        "not_run": summary.not_run,
        "exit_status": exit_status(summary),
    }
    for field, value in shown.items():
        if getattr(footer, field) != value:
            raise WrongEnding(field.replace("_", " "))
