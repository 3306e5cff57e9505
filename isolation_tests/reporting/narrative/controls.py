"""Controls of public frameworks that a run is test evidence for; never a claim that one is met.

Which anomaly speaks to which control stands in the catalogue (`Anomaly.controls`, by `Control.key`). Controls
of testing itself are exercised by every check that came to a verdict, whatever it looked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from isolation_tests.catalogue import CATALOGUE
from isolation_tests.model import CheckResult, Verdict
from isolation_tests.reporting.evidence.evidence import Header
from isolation_tests.reporting.evidence.summary import CheckRow, Summary, summarise

__all__ = ["CONTROLS", "Control", "ControlEvidence", "Status", "anomalies_of", "exercised"]

Status = Literal["confirmed", "to be confirmed"]


@dataclass(frozen=True, slots=True)
class Control:
    """One control, requirement or risk of a public framework.

    title: its short name, or what it is about in our words. source: where the framework is published.
    status: whether identifier and fit were compared with the source. adjacent: why a run only comes near to
    it; empty where it speaks to it directly. of_testing: it asks for tests as such, not for a law to hold.
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
        """Framework and identifier: how anomalies name it."""
        return f"{self.framework} {self.identifier}"

    @property
    def told(self) -> str:
        """The key, and in a word what keeps it from being more."""
        notes = [
            *(["adjacent"] if self.adjacent else []),
            *([self.status] if self.status != "confirmed" else []),
        ]
        return f"{self.key} ({', '.join(notes)})" if notes else self.key


@dataclass(frozen=True, slots=True)
class ControlEvidence:
    """What one run has to say to one control.

    anomalies: those that were exercised, in the catalogue's order; violated: which of them were seen.
    checks: how many came to HELD or VIOLATED for them. wording: one paragraph for an assessor.
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
        adjacent="users of one memory are told apart here; delegation between agents is not tested",
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
        adjacent="one run is one point in time; monitoring is that it is repeated",
        of_testing=True,
    ),
    Control(
        "NIST 800-53 r5",
        "CA-8",
        "Penetration Testing",
        _NIST,
        adjacent="attempts are automated and go through the adapter only; no tester follows up what they see",
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
        adjacent="what errors give away of others is tested; a masking technique is not",
    ),
    Control("ISO/IEC 27001:2022 Annex A", "8.12", "Data leakage prevention", _ISO),
    Control(
        "ISO/IEC 27001:2022 Annex A",
        "8.31",
        "Separation of development, test and production environments",
        _ISO,
        adjacent="tests bring users and facts of their own; which environment they ran in is for the reader",
        of_testing=True,
    ),
    Control(
        "ISO/IEC 27001:2022 Annex A",
        "5.23",
        "Information security for use of cloud services",
        _ISO,
        adjacent="it speaks to a target that a cloud service runs, and to its separation of users only",
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
        adjacent="who may read a memory's history is tested; that activity is recorded and examined is not",
    ),
    Control("HIPAA", "164.312(c)(1)", "Integrity", _HIPAA),
    Control(
        "PCI DSS 4.0.1",
        "A1.1.x",
        "Multi-tenant service providers separate their customers' environments and data",
        _PCI,
        _OPEN,
        adjacent="it binds multi-tenant service providers that handle cardholder data",
    ),
)
CONTROLS: dict[str, Control] = {control.key: control for control in _ALL}


def anomalies_of(control: Control) -> tuple[str, ...]:
    """The anomalies whose checks speak to a control, in the catalogue's order."""
    return tuple(
        entry.id for entry in CATALOGUE.values() if control.of_testing or control.key in entry.controls
    )


def exercised(header: Header, results: Sequence[CheckResult]) -> tuple[ControlEvidence, ...]:
    """The controls that this run is test evidence for, in the catalogue's order.

    A control is exercised when at least one check came to HELD or VIOLATED for an anomaly that speaks to it;
    a check without a verdict, or violated by another anomaly, counts for nothing.
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
    asked = tuple(name for name in names if settled[name])
    if not asked:
        return None
    checks = dict.fromkeys(row.check for name in asked for row in settled[name])
    violated = tuple(name for name in asked if any(_violated(row, name) for row in settled[name]))
    return ControlEvidence(
        framework=control.framework,
        identifier=control.identifier,
        title=control.title,
        source=control.source,
        status=control.status,
        adjacent=control.adjacent,
        anomalies=asked,
        violated=violated,
        checks=len(checks),
        wording=_wording(
            control,
            header,
            f"{len(checks)} {'check' if len(checks) == 1 else 'checks'} came to a verdict on {_named(asked)}",
            f"violated: {_named(violated)}" if violated else "none of them was violated",
            sum(examples[check] for check in checks),
            _left_out(summary, names),
        ),
    )


def _wording(control: Control, header: Header, asked: str, outcome: str, examples: int, left_out: str) -> str:
    seed = "a random seed" if header.seed is None else f"seed {header.seed}"
    open_points = [f"adjacent only: {control.adjacent}"] if control.adjacent else []
    if control.status != "confirmed":
        open_points.append("identifier and fit are to be confirmed against the source")
    notes = f" ({'; '.join(open_points)})" if open_points else ""
    return (
        f"test evidence for control {control.key}{notes}: {asked}; {outcome};"
        f" run {header.run_id} with {seed}, {examples} {'example' if examples == 1 else 'examples'};"
        f" left out: {left_out}."
    )


def _settled(row: CheckRow, name: str) -> bool:
    """Whether the check came to a verdict on this anomaly."""
    return _violated(row, name) or (row.verdict is Verdict.HELD and name in row.anomalies)


def _violated(row: CheckRow, name: str) -> bool:
    if row.cases:
        return any(case.finding.anomaly == name for case in row.cases)
    return row.verdict is Verdict.VIOLATED and name in row.anomalies


def _left_out(summary: Summary, names: Iterable[str]) -> str:
    """What kept checks of these anomalies from being asked: missing capabilities, aliases, checks not run."""
    wanted = set(names)
    mine = [row for row in summary.checks if wanted & set(row.anomalies)]
    reasons = dict.fromkeys(row.reason for row in mine if row.verdict is Verdict.NOT_SUPPORTED)
    silent = sum(not row.ran for row in mine)
    doubtful = sum(row.ran and row.verdict in (Verdict.ERROR, Verdict.INCONCLUSIVE) for row in mine)
    told = [
        *(reason or "not supported, without a reason" for reason in reasons),
        *([f"{silent} not run"] if silent else []),
        *([f"{doubtful} without a verdict"] if doubtful else []),
    ]
    return ", ".join(told) or "nothing"


def _examples(results: Iterable[CheckResult]) -> dict[str, int]:
    examples: dict[str, int] = {}
    for result in results:
        examples[result.check] = examples.get(result.check, 0) + result.examples
    return examples


def _named(names: Iterable[str]) -> str:
    return ", ".join(
        name if name == CATALOGUE[name].name else f"{name} {CATALOGUE[name].name}" for name in names
    )
