"""Counts what one check did in all of its examples."""

from __future__ import annotations

from dataclasses import dataclass, field

from isolation_tests.coverage.calls import Call, asked
from isolation_tests.judges.completeness import controls
from isolation_tests.model import (
    Finding,
    History,
    Judgement,
    Outcome,
)


@dataclass
class Tally:
    """What one check did in all of its examples."""

    examples: int = 0
    calls: int = 0
    controls: int = 0
    refused: int = 0
    findings: dict[str, tuple[Finding, History]] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    histories: list[History] = field(default_factory=list)
    hazards: dict[str, Finding] = field(default_factory=dict)
    asked: set[Call] = field(default_factory=set)

    def take(self, history: History, judged: Judgement) -> None:
        """Add one example; for each finding, keep the plan that wrote what it shows, or else the smallest."""
        self.examples += 1
        self.calls += len(history.events)
        self.controls += controls(history)
        self.refused += sum(event.outcome is Outcome.REFUSED for event in history.events)
        self.doubts.extend(judged.doubts)
        self.errors.extend(judged.errors)
        self.notes.extend(judged.notes)
        self.histories.append(history)
        self.asked |= asked(history)
        for hazard in judged.hazards:
            self.hazards.setdefault(hazard.key, hazard)
        for finding in judged.findings:
            earlier = self.findings.get(finding.key)
            if earlier is None or _rank(finding, history) < _rank(*earlier):
                self.findings[finding.key] = (finding, history)


def _rank(finding: Finding, history: History) -> tuple[bool, int]:
    """What is left of an earlier plan explains less, and a longer plan does."""
    return finding.left_behind, len(history.plan.steps)
