"""The exceptions that checks raise, with one class per anomaly, so that Hypothesis keeps findings apart."""

from __future__ import annotations

from isolation_tests.catalogue import CATALOGUE
from isolation_tests.model import Finding, Verdict


class CheckFailed(AssertionError):  # noqa: N818 - an outcome, not a fault
    """A check did not hold; the text says why."""

    verdict = Verdict.ERROR


class Violation(CheckFailed):
    """A law was broken."""

    verdict = Verdict.VIOLATED

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.story)
        self.finding = finding


class AdapterError(CheckFailed):
    """The adapter raised something that is neither `Refused` nor `Indeterminate`."""


class Inconclusive(CheckFailed):
    """Nothing was proved: a positive control failed, or an outcome is unknown."""

    verdict = Verdict.INCONCLUSIVE


class Explained(Inconclusive):
    """The check was skipped: a proven finding, named by its key, already shows all that it could."""

    def __init__(self, key: str) -> None:
        super().__init__(f"skipped: {key} already shows all that this check could")
        self.key = key


class NotSupported(CheckFailed):
    """The target does not support the check."""

    verdict = Verdict.NOT_SUPPORTED


def _class_name(anomaly: str) -> str:
    words = CATALOGUE[anomaly].name.replace("-", " ").title().replace(" ", "")
    return f"{anomaly[0].upper()}{anomaly[1:]}{words}" if anomaly != words.lower() else words


VIOLATIONS: dict[str, type[Violation]] = {
    anomaly: type(_class_name(anomaly), (Violation,), {"__doc__": CATALOGUE[anomaly].law})
    for anomaly in CATALOGUE
}


def violation(finding: Finding) -> Violation:
    """The exception for a finding, in the class of its anomaly."""
    return VIOLATIONS[finding.anomaly](finding)
