"""A scale run in this process, and what its evidence says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from isolation_tests.model import Case, Verdict
from isolation_tests.reporting.evidence.evidence import Evidence
from isolation_tests.reporting.evidence.scale import ScaleFigures
from isolation_tests.scale.run import Asked, Ended, run
from isolation_tests.targets.settings import Settings

PLANTED = "isolation_tests.scale.planted"
SEED = "7"


def scaled(folder: Path, target: str = "reference", *options: str, **asked: Any) -> Ended:
    """The end of a scale run with a fixed seed."""
    settings = Settings(
        target=target, seed=SEED, options=options, known="none", disposable=target != "reference"
    )
    return run(settings, Asked(**{"users": 120, **asked}), folder)


def figures(ended: Ended) -> ScaleFigures:
    """The figures of a run."""
    found = ended.evidence.footer.scale
    assert found is not None
    return found


def verdicts(evidence: Evidence) -> dict[str, Verdict]:
    """The verdict of each check by its name."""
    return {result.check: result.verdict for result in evidence.results}


def _index(case: Case, user: int) -> int:
    return case.history.users[user].number & 0xFFFFFFFF


def pairs(ended: Ended) -> set[tuple[int, int]]:
    """The users of each finding by their indexes: who saw, and whose fact."""
    return {
        (_index(case, case.finding.viewer), _index(case, case.finding.owner))
        for result in ended.evidence.results
        for case in result.cases
        if case.finding.owner is not None
    }
