"""Controls of public frameworks for which a run is test evidence, never a claim that a control is met.

The catalogue maps anomalies to controls (`Anomaly.controls` names them by `Control.key`). Every conclusive
check (held or violated) is evidence for the controls that require testing itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from isolation_tests.catalogue import CATALOGUE
from isolation_tests.core.plural import counted
from isolation_tests.model import CheckResult, Verdict
from isolation_tests.reporting.evidence.evidence import Header
from isolation_tests.reporting.evidence.summary import CheckRow, Summary, summarise

__all__ = ["CONTROLS", "Control", "ControlEvidence", "Status", "anomalies_of", "exercised"]

Status = Literal["confirmed", "to be confirmed"]


@dataclass(frozen=True, slots=True)
class Control:
    """One control, requirement or risk of a public framework.

    title: its short name, or its topic in our words. source: where the framework is published. status:
    whether identifier and fit were compared with the source. adjacent: why a run covers the control only
    indirectly; empty if it covers it directly. of_testing: the control requires testing as such.
    """

    framework: str
    identifier: str
    title: str
    source: str
    status: Status = "confirmed"
    adjacent: str = ""
    of_testing: bool = False

    @property
    def key(self) -> str:
        """Framework and identifier, by which anomalies name the control."""
        return f"{self.framework} {self.identifier}"

    @property
    def label(self) -> str:
        """The key with its reservations, such as "adjacent"."""
        notes = [
            *(["adjacent"] if self.adjacent else []),
            *([self.status] if self.status != "confirmed" else []),
        ]
        return f"{self.key} ({', '.join(notes)})" if notes else self.key


@dataclass(frozen=True, slots=True)
class ControlEvidence:
    """One run's evidence for one control.

    anomalies: those with a conclusive check, in the catalogue's order. violated: those that were found.
    checks: the number of conclusive checks. wording: one paragraph for an assessor.
    """

    framework: str
    identifier: str
    title: str
    source: str
    status: Status
    adjacent: str
    anomalies: tuple[str, ...]
    violated: tuple[str, ...]
    checks: int
    wording: str


_ASVS = "https://github.com/OWASP/ASVS/tree/v5.0.0/5.0/en"
_API = "https://owasp.org/API-Security/editions/2023/en/0x11-t10/"
_LLM = "https://genai.owasp.org/llm-top-10/"
_AGENTIC = "https://genai.owasp.org/resource/owasp-top-10-for-agentic-applications-for-2026/"
_NIST = "https://csrc.nist.gov/pubs/sp/800/53/r5/upd1/final"
_CCM = "https://cloudsecurityalliance.org/research/cloud-controls-matrix"
_AICM = "https://cloudsecurityalliance.org/artifacts/ai-controls-matrix"
_SOC2 = "https://www.aicpa-cima.com/resources/download/get-the-2017-trust-services-criteria"
_ISO = "https://www.iso.org/standard/27001"
_GDPR = "https://eur-lex.europa.eu/eli/reg/2016/679/oj"
_HIPAA = "https://www.ecfr.gov/current/title-45/section-164.312"
_PCI = "https://www.pcisecuritystandards.org/document_library/"
_OPEN: Status = "to be confirmed"

_ALL = (
    Control("OWASP ASVS 5.0", "8.4.1", "Cross-tenant controls", _ASVS),
    Control("OWASP ASVS 5.0", "8.2.2", "Access to single data items", _ASVS),
    Control("OWASP ASVS 5.0", "8.2.3", "Access to single fields", _ASVS),
    Control("OWASP ASVS 5.0", "8.3.3", "The originating user's permissions decide", _ASVS),
    Control("OWASP ASVS 5.0", "14.2.2", "Sensitive data in server-side caches", _ASVS),
    Control("OWASP ASVS 5.0", "15.4.1", "Safe access to shared objects of concurrent code", _ASVS),
    Control("OWASP API Security 2023", "API1", "Broken Object Level Authorization", _API),
    Control("OWASP API Security 2023", "API3", "Broken Object Property Level Authorization", _API),
    Control("OWASP API Security 2023", "API5", "Broken Function Level Authorization", _API),
    Control("OWASP LLM 2025", "LLM08", "Vector and Embedding Weaknesses", _LLM),
    Control("OWASP LLM 2025", "LLM02", "Sensitive Information Disclosure", _LLM),
    Control("OWASP Agentic 2026", "ASI06", "Memory & Context Poisoning", _AGENTIC),
    Control(
        "OWASP Agentic 2026",
        "ASI03",
        "Identity and Privilege Abuse",
        _AGENTIC,
        adjacent="the separation of users is tested; delegation between agents is not",
    ),
    Control("NIST 800-53 r5", "SC-4", "Information in Shared System Resources", _NIST),
    Control("NIST 800-53 r5", "AC-3", "Access Enforcement", _NIST),
    Control("NIST 800-53 r5", "AC-4", "Information Flow Enforcement", _NIST),
    Control("NIST 800-53 r5", "SI-10", "Information Input Validation", _NIST),
    Control("NIST 800-53 r5", "SI-11", "Error Handling", _NIST),
    Control("NIST 800-53 r5", "SI-12(3)", "Information Disposal", _NIST),
    Control("NIST 800-53 r5", "SA-11", "Developer Testing and Evaluation", _NIST, of_testing=True),
    Control("NIST 800-53 r5", "CA-2", "Control Assessments", _NIST, of_testing=True),
    Control(
        "NIST 800-53 r5",
        "CA-7",
        "Continuous Monitoring",
        _NIST,
        adjacent="one run covers one point in time; monitoring needs repeated runs",
        of_testing=True,
    ),
    Control(
        "NIST 800-53 r5",
        "CA-8",
        "Penetration Testing",
        _NIST,
        adjacent="attempts are automated and go through the adapter only; no tester follows them up",
        of_testing=True,
    ),
    Control(
        "NIST 800-53 r5",
        "PM-25",
        "Minimization of Personally Identifiable Information Used in Testing, Training, and Research",
        _NIST,
        of_testing=True,
    ),
    Control("CSA CCM v4", "IVS-06", "Segmentation and Segregation", _CCM),
    Control("CSA AICM", "I&S-06", "Segmentation and Segregation", _AICM),
    Control("SOC 2", "CC6.1", "Logical access to protected information", _SOC2),
    Control("SOC 2", "C1.1", "Confidential information is identified and kept", _SOC2, _OPEN),
    Control("SOC 2", "C1.2", "Confidential information is disposed of", _SOC2, _OPEN),
    Control("SOC 2", "P4.3", "Personal information is disposed of", _SOC2, _OPEN),
    Control("ISO/IEC 27001:2022 Annex A", "8.10", "Information deletion", _ISO),
    Control(
        "ISO/IEC 27001:2022 Annex A",
        "8.11",
        "Data masking",
        _ISO,
        adjacent="whether errors reveal other users' data is tested; a masking technique is not",
    ),
    Control("ISO/IEC 27001:2022 Annex A", "8.12", "Data leakage prevention", _ISO),
    Control(
        "ISO/IEC 27001:2022 Annex A",
        "8.31",
        "Separation of development, test and production environments",
        _ISO,
        adjacent="tests use users and facts of their own; the environment they ran in is not tested",
        of_testing=True,
    ),
    Control(
        "ISO/IEC 27001:2022 Annex A",
        "5.23",
        "Information security for use of cloud services",
        _ISO,
        adjacent="only the separation of users is tested, and only if the target is a cloud service",
    ),
    Control("ISO/IEC 27001:2022 Annex A", "8.3", "Information access restriction", _ISO, _OPEN),
    Control(
        "ISO/IEC 27001:2022 Annex A",
        "8.29",
        "Security testing in development and acceptance",
        _ISO,
        _OPEN,
        of_testing=True,
    ),
    Control("ISO/IEC 27001:2022 Annex A", "8.33", "Test information", _ISO, _OPEN, of_testing=True),
    Control("GDPR", "32(1)(d)", "Regular testing of security measures", _GDPR, of_testing=True),
    Control("GDPR", "32(1)(b)", "Ongoing confidentiality, integrity and availability", _GDPR, _OPEN),
    Control("GDPR", "5(1)(f)", "Integrity and confidentiality", _GDPR, _OPEN),
    Control("GDPR", "15(4)", "A copy of one person's data leaves others' rights alone", _GDPR, _OPEN),
    Control("GDPR", "17", "Right to erasure", _GDPR, _OPEN),
    Control("GDPR", "25", "Data protection by design and by default", _GDPR, _OPEN),
    Control("HIPAA", "164.312(a)(1)", "Access control", _HIPAA),
    Control(
        "HIPAA",
        "164.312(b)",
        "Audit controls",
        _HIPAA,
        adjacent="who may read a memory's history is tested; recording and examining activity is not",
    ),
    Control("HIPAA", "164.312(c)(1)", "Integrity", _HIPAA),
    Control(
        "PCI DSS 4.0.1",
        "A1.1.x",
        "Multi-tenant service providers separate their customers' environments and data",
        _PCI,
        _OPEN,
        adjacent="it applies to multi-tenant service providers that handle cardholder data",
    ),
)
CONTROLS: dict[str, Control] = {control.key: control for control in _ALL}


def anomalies_of(control: Control) -> tuple[str, ...]:
    """The anomalies whose checks are evidence for a control, in the catalogue's order."""
    return tuple(
        entry.id for entry in CATALOGUE.values() if control.of_testing or control.key in entry.controls
    )


def exercised(header: Header, results: Sequence[CheckResult]) -> tuple[ControlEvidence, ...]:
    """The controls for which this run is test evidence, in the order of `CONTROLS`.

    A control is listed if at least one of its anomalies has a conclusive check. A check that is inconclusive,
    or that another anomaly violated, does not count.
    """
    summary = summarise(header, results)
    settled = {name: [row for row in summary.checks if _settled(row, name)] for name in CATALOGUE}
    examples = _examples(results)
    found = (_evidence(control, header, summary, settled, examples) for control in CONTROLS.values())
    return tuple(evidence for evidence in found if evidence)


def _evidence(
    control: Control,
    header: Header,
    summary: Summary,
    settled: Mapping[str, Sequence[CheckRow]],
    examples: Mapping[str, int],
) -> ControlEvidence | None:
    names = anomalies_of(control)
    tested = tuple(name for name in names if settled[name])
    if not tested:
        return None
    checks = dict.fromkeys(row.check for name in tested for row in settled[name])
    violated = tuple(name for name in tested if any(_violated(row, name) for row in settled[name]))
    return ControlEvidence(
        framework=control.framework,
        identifier=control.identifier,
        title=control.title,
        source=control.source,
        status=control.status,
        adjacent=control.adjacent,
        anomalies=tested,
        violated=violated,
        checks=len(checks),
        wording=_wording(
            control,
            header,
            f"{counted(len(checks), 'conclusive check')} on {_named(tested)}",
            f"Violated: {_named(violated)}" if violated else "No violation",
            sum(examples[check] for check in checks),
            _left_out(summary, names),
        ),
    )


def _wording(
    control: Control, header: Header, tested: str, outcome: str, examples: int, left_out: str
) -> str:
    seed = "a random seed" if header.seed is None else f"seed {header.seed}"
    open_points = [f"adjacent only: {control.adjacent}"] if control.adjacent else []
    if control.status != "confirmed":
        open_points.append("identifier and fit still to be confirmed against the source")
    notes = f" ({'; '.join(open_points)})" if open_points else ""
    return (
        f"Test evidence for control {control.key}{notes}: {tested}. {outcome}."
        f" Run {header.run_id} with {seed}, {counted(examples, 'example')}."
        f" Left out: {left_out}."
    )


def _settled(row: CheckRow, name: str) -> bool:
    """Whether the check is conclusive on this anomaly: held, or violated by it."""
    return _violated(row, name) or (row.verdict is Verdict.HELD and name in row.anomalies)


def _violated(row: CheckRow, name: str) -> bool:
    if row.cases:
        return any(case.finding.anomaly == name for case in row.cases)
    return row.verdict is Verdict.VIOLATED and name in row.anomalies


def _left_out(summary: Summary, names: Iterable[str]) -> str:
    """What kept checks of these anomalies from a result: missing capabilities, aliases, checks not run."""
    wanted = set(names)
    mine = [row for row in summary.checks if wanted & set(row.anomalies)]
    reasons = dict.fromkeys(row.reason for row in mine if row.verdict is Verdict.NOT_SUPPORTED)
    silent = sum(not row.ran for row in mine)
    doubtful = sum(row.ran and row.verdict in (Verdict.ERROR, Verdict.INCONCLUSIVE) for row in mine)
    gaps = [
        *(reason or "not supported, no reason given" for reason in reasons),
        *([f"{silent} not run"] if silent else []),
        *([f"{doubtful} inconclusive or in error"] if doubtful else []),
    ]
    return ", ".join(gaps) or "nothing"


def _examples(results: Iterable[CheckResult]) -> dict[str, int]:
    examples: dict[str, int] = {}
    for result in results:
        examples[result.check] = examples.get(result.check, 0) + result.examples
    return examples


def _named(names: Iterable[str]) -> str:
    return ", ".join(
        name if name == CATALOGUE[name].name else f"{name} {CATALOGUE[name].name}" for name in names
    )
