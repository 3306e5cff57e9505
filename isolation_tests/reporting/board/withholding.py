"""Withholds the reproduction of findings without a public reference; anomaly and version stay published.

The plans, histories and stories of such findings are left out, and the evidence states their number.
Withholding never changes a verdict: a withheld finding is still a violation. It can't be judged again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from isolation_tests.model import Case, CheckResult, Finding, History, Plan
from isolation_tests.reporting.evidence.evidence import Ending, Evidence
from isolation_tests.reporting.evidence.writer import EvidenceWriter

__all__ = ["rewrite", "withhold"]

WITHHELD = "withheld until there is a public reference"


def withhold(evidence: Evidence, public: Callable[[Finding], bool]) -> Evidence:
    """The evidence without the reproduction of findings that are not public; the digest has to be renewed."""
    results = tuple(_without(result, public) for result in evidence.results)
    count = sum(case.withheld for result in results for case in result.cases)
    header = evidence.header.model_copy(update={"withheld": count})
    return evidence.model_copy(update={"header": header, "results": results})


def rewrite(folder: Path, evidence: Evidence) -> Path:
    """Replace a folder's evidence, with a new digest; return the file."""
    ending = Ending(**{name: getattr(evidence.footer, name) for name in Ending.model_fields})
    with EvidenceWriter(folder, evidence.header) as writer:
        for result in evidence.results:
            writer.append(result)
        return writer.finish(ending)


def _without(result: CheckResult, public: Callable[[Finding], bool]) -> CheckResult:
    """The result without its histories if one of its findings is not public: a plan may show several.

    The fields to keep are listed one by one, so that a field added later is not published by accident.
    """
    if all(public(case.finding) for case in result.cases):
        return result
    return CheckResult(
        check=result.check,
        title=result.title,
        anomalies=result.anomalies,
        level=result.level,
        verdict=result.verdict,
        reason=WITHHELD,
        cases=tuple(_bare(case) for case in result.cases),
        examples=result.examples,
        calls=result.calls,
        controls=result.controls,
        refused=result.refused,
        seconds=result.seconds,
    )


def _bare(case: Case) -> Case:
    finding = case.finding
    nothing = Plan(
        name="withheld", anomaly=finding.anomaly, users=(), facts=(), steps=(), relation=finding.relation
    )
    return Case(
        finding=Finding(
            anomaly=finding.anomaly,
            law=finding.law,
            operation=finding.operation,
            relation=finding.relation,
            viewer=finding.viewer,
            owner=finding.owner,
            step=0,
            where=finding.where,
            story=WITHHELD,
        ),
        history=History(plan=nothing, users=(), events=()),
        seen=case.seen,
        tried=case.tried,
        known=case.known,
        withheld=True,
    )
