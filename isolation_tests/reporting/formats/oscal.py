"""A run as OSCAL assessment results 1.1.3: what was tested, what was found, and the controls concerned.

The document claims evidence, never compliance. Its objectives are this suite's own laws. A law that held in
every check is an observation and never a finding `satisfied`, because no number of tests proves a law. A
violated law is a finding `not-satisfied` with the reason `fail`. An inconclusive law is `not-satisfied` with
the reason `other`, because the format has no third state and silence would read as success. Controls of NIST
SP 800-53 are referenced by their OSCAL identifiers, those of other frameworks by properties.

The format:
https://github.com/usnistgov/OSCAL/blob/v1.1.3/src/metaschema/oscal_assessment-results_metaschema.xml
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from isolation_tests.catalogue import CATALOGUE
from isolation_tests.core.plural import counted
from isolation_tests.model import Case, Verdict
from isolation_tests.reporting.evidence.evidence import Evidence, Header
from isolation_tests.reporting.evidence.summary import AnomalyRow, Summary, summary_of
from isolation_tests.reporting.evidence.times import instant
from isolation_tests.reporting.formats.json_common import as_json, identifier, one_line
from isolation_tests.reporting.narrative.controls import ControlEvidence, exercised
from isolation_tests.reporting.narrative.reproduction import reproduction, story
from isolation_tests.reporting.narrative.wording import law_of, row_verdict, verdict_line

__all__ = ["control_id", "render"]

OSCAL_VERSION = "1.1.3"
NAMESPACE = "urn:isolation-tests:oscal"
NIST = "NIST 800-53 r5"
TESTING = "sa-11"
"""The control that requires testing as such, for laws without another control of NIST SP 800-53."""
WHOLE = "isolation-whole"
WHOLE_LAW = "Every expected check of the run is conclusive."
MOST_OF_A_TOKEN = 80
_ENHANCEMENT = re.compile(r"\((\d+)\)")
_NO_TOKEN = re.compile(r"[^\w.-]+")


def render(evidence: Evidence) -> str:
    """The run as OSCAL assessment results in JSON; the same evidence gives the same identifiers."""
    return as_json({"assessment-results": _Document(evidence).whole()})


def control_id(control: str) -> str:
    """A NIST SP 800-53 control's identifier in OSCAL's catalogue: `SI-12(3)` becomes `si-12.3`."""
    return _ENHANCEMENT.sub(r".\1", control).lower()


class _Document:
    """Builds the document of one run. The identifiers of its parts derive from the run's own."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence, self.header = evidence, evidence.header
        self.summary = summary_of(evidence)
        self.controls = exercised(evidence.header, evidence.results)
        self.ended = _time(evidence.footer.ended)
        self.tool = identifier("tool", self.header.suite_version)
        self.target = identifier("target", self.header.target.name)

    def uuid(self, *parts: str) -> str:
        return identifier(self.header.run_id, self.evidence.footer.digest, *parts)

    def whole(self) -> dict[str, Any]:
        return {
            "uuid": self.uuid("assessment-results"),
            "metadata": {
                "title": f"User isolation of {one_line(self.header.target.name)}: test evidence",
                "last-modified": self.ended,
                "version": one_line(self.header.run_id),
                "oscal-version": OSCAL_VERSION,
                "remarks": "Test evidence for an assessor. It does not claim that any control is met.",
            },
            "import-ap": {
                "href": f"#{self.uuid('plan')}",
                "remarks": "The run has no assessment plan. The linked resource lists the expected checks.",
            },
            "local-definitions": {"objectives-and-methods": self._objectives()},
            "results": [self._result()],
            "back-matter": {"resources": list(self._resources())},
        }

    def _objectives(self) -> list[dict[str, Any]]:
        rows = [(_objective(row.id), *_law(row.id)) for row in self.summary.rows]
        return [_local_objective(*row) for row in (*rows, (WHOLE, TESTING, WHOLE_LAW))]

    def _result(self) -> dict[str, Any]:
        header, summary = self.header, self.summary
        result = {
            "uuid": self.uuid("result"),
            "title": f"Run {one_line(header.run_id)}",
            "description": verdict_line(summary),
            "start": _time(header.started),
            "end": self.ended,
            "props": [*_props(_facts(header, summary)), *self._other_controls()],
            "local-definitions": self._definitions(),
            "reviewed-controls": self._reviewed(),
        }
        lists = {"observations": list(self._observations()), "findings": list(self._findings())}
        # The format has no empty lists.
        return result | {name: entries for name, entries in lists.items() if entries}

    def _definitions(self) -> dict[str, Any]:
        header = self.header
        versions = [
            (f"version-of-{_token(name)}", text) for name, text in header.target.distributions.items()
        ]
        target = {
            "uuid": self.target,
            "type": "software",
            "title": one_line(header.target.title or header.target.name),
            "description": f"The tested system, called through {one_line(header.target.adapter)}.",
            "props": _props([("target", header.target.name), *versions]),
            "status": {"state": "other", "remarks": "The run does not record how the system is operated."},
        }
        tool = {
            "uuid": self.tool,
            "type": "software",
            "title": "isolation-tests",
            "description": "Tests whether a memory system keeps its users apart.",
            "props": _props([("version", header.suite_version)]),
            "status": {"state": "operational"},
        }
        platform = {
            "uuid": self.uuid("platform"),
            "title": one_line(f"Python {header.python} on {header.platform}"),
            "uses-components": [{"component-uuid": self.tool}],
        }
        return {
            "components": [target],
            "assessment-assets": {"components": [tool], "assessment-platforms": [platform]},
        }

    def _reviewed(self) -> dict[str, Any]:
        mine = [control for control in self.controls if control.framework == NIST]
        selections = [
            {
                "description": control.wording,
                "include-controls": [{"control-id": control_id(control.identifier)}],
            }
            for control in mine
        ]
        nothing = [{"description": "No check was conclusive, so the run is evidence for no control."}]
        return {
            "description": "Controls for which the run is test evidence, each with what was left out.",
            "control-selections": selections or nothing,
        }

    def _other_controls(self) -> Iterator[dict[str, Any]]:
        for control in self.controls:
            if control.framework != NIST:
                yield {
                    "name": "control",
                    "ns": NAMESPACE,
                    "class": _token(control.framework),
                    "value": one_line(f"{control.framework} {control.identifier}"),
                    "remarks": control.wording,
                }

    def _observations(self) -> Iterator[dict[str, Any]]:
        for row in self.summary.rows:
            controls = [_name(control) for control in self.controls if row.id in control.anomalies]
            yield self._observation(
                ("anomaly", row.id),
                f"{row.id} {row.name}" if row.id != row.name else row.name,
                f"{row_verdict(row)}: {row.held} of {row.checks} checks held, {row.not_run} did not run.",
                "control-objective",
                [("anomaly", row.id), ("verdict", row.verdict), *(("control", name) for name in controls)],
            )
        for case in self.summary.cases:
            yield self._observation(
                ("case", case.finding.key),
                f"Finding {case.finding.key}",
                f"{story(case)} Law: {law_of(case)}",
                "finding",
                list(_about(case)),
                remarks=reproduction(case),
            )

    def _observation(
        self,
        key: tuple[str, str],
        title: str,
        description: str,
        kind: str,
        facts: Sequence[tuple[str, str]],
        remarks: str | None = None,
    ) -> dict[str, Any]:
        observation = {
            "uuid": self.uuid(*key),
            "title": one_line(title),
            "description": description,
            "props": _props(facts),
            "methods": ["TEST"],
            "types": [kind],
            "origins": [{"actors": [{"type": "tool", "actor-uuid": self.tool}]}],
            "subjects": [{"subject-uuid": self.target, "type": "component"}],
            "relevant-evidence": [
                {
                    "href": f"#{self.uuid('evidence')}",
                    "description": "The evidence file of the run, with all calls.",
                }
            ],
            "collected": self.ended,
        }
        return {**observation, "remarks": remarks} if remarks else observation

    def _findings(self) -> Iterator[dict[str, Any]]:
        for row in self.summary.rows:
            if row.verdict is Verdict.VIOLATED:
                known = ", all known" if row.known and not row.findings else ""
                yield self._finding(
                    row, "fail", f"Violated, with {counted(row.findings + row.known, 'finding')}{known}."
                )
            elif row.verdict in (Verdict.ERROR, Verdict.INCONCLUSIVE):
                yield self._finding(row, "other", "Inconclusive: nothing was proved either way.")
        if _is_incomplete(self.summary):
            yield self._judged(
                WHOLE,
                "The run is incomplete",
                "Some expected checks did not run or were inconclusive, or the known findings are outdated.",
                "other",
                (),
            )

    def _finding(self, row: AnomalyRow, reason: str, text: str) -> dict[str, Any]:
        shown = [case for case in self.summary.cases if case.finding.anomaly == row.id]
        keys = [("anomaly", row.id), *(("case", case.finding.key) for case in shown)]
        return self._judged(_objective(row.id), f"{row.id}: {_law(row.id)[1]}", text, reason, keys)

    def _judged(
        self, objective: str, title: str, text: str, reason: str, keys: Iterable[tuple[str, str]]
    ) -> dict[str, Any]:
        finding = {
            "uuid": self.uuid("finding", objective),
            "title": one_line(title),
            "description": text,
            "target": {
                "type": "objective-id",
                "target-id": objective,
                "status": {
                    "state": "not-satisfied",
                    "reason": reason,
                    "remarks": "A law of isolation-tests; an assessor decides what it means for a control.",
                },
            },
        }
        related = [{"observation-uuid": self.uuid(*key)} for key in keys]
        return {**finding, "related-observations": related} if related else finding

    def _resources(self) -> Iterator[dict[str, Any]]:
        header = self.header
        yield {
            "uuid": self.uuid("plan"),
            "title": "Expected checks of the run",
            "description": (
                f"{len(header.expected)} checks of profile {header.profile}, listed in the evidence header"
                f"{'; narrowed by ' + ' '.join(header.selection) if header.selection else ''}."
            ),
            "citation": {"text": f"Header of the evidence of run {header.run_id}"},
        }
        yield {
            "uuid": self.uuid("evidence"),
            "title": "Evidence file of the run",
            "description": "Every check with its verdict, calls and answers, as the run recorded them.",
            "props": _props(
                [("sha256-unpacked", self.evidence.sha256), ("digest", self.evidence.footer.digest)]
            ),
            "citation": {"text": f"evidence.jsonl of run {header.run_id}"},
        }


def _facts(header: Header, summary: Summary) -> list[tuple[str, str]]:
    return [
        ("verdict", summary.verdict),
        ("level", summary.level or "none"),
        ("run", header.run_id),
        ("profile", header.profile),
        ("whole-matrix", str(header.whole).lower()),
        ("seed", "random" if header.seed is None else str(header.seed)),
        *(("selection", text) for text in header.selection),
        *(("stale-known-finding", text) for text in summary.stale_known),
    ]


def _about(case: Case) -> Iterator[tuple[str, str]]:
    yield "anomaly", case.finding.anomaly
    yield "finding", case.finding.key
    yield "seen", f"{case.seen} of {case.tried}"
    if case.known is not None:
        yield "known", case.known


def _is_incomplete(summary: Summary) -> bool:
    silent = summary.verdict not in (Verdict.HELD, Verdict.VIOLATED)
    return bool(silent or summary.not_run or summary.unsettled or summary.stale_known)


def _law(anomaly: str) -> tuple[str, str]:
    """The OSCAL control under which a law is listed, and the law."""
    entry = CATALOGUE.get(anomaly)
    if entry is None:
        return TESTING, "A law that this version does not know; the evidence states it."
    keys = (control.removeprefix(NIST).strip() for control in entry.controls if control.startswith(NIST))
    return next(map(control_id, keys), TESTING), entry.law


def _local_objective(objective: str, control: str, law: str) -> dict[str, Any]:
    part = {"id": objective, "name": "assessment-objective", "ns": NAMESPACE, "prose": law}
    return {"control-id": control, "description": "A law of isolation-tests.", "parts": [part]}


def _objective(anomaly: str) -> str:
    return f"isolation-{_token(anomaly.lower())}"


def _props(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "ns": NAMESPACE, "value": one_line(value)} for name, value in pairs]


def _name(control: ControlEvidence) -> str:
    return f"{control.framework} {control.identifier}"


def _token(text: str) -> str:
    """The text as an OSCAL token: letters, digits, dots, hyphens and underscores."""
    head = text[:MOST_OF_A_TOKEN].encode("ascii", "replace").decode("ascii")
    return _NO_TOKEN.sub("-", head).strip("-.") or "unnamed"


def _time(text: str) -> str:
    return instant(text).strftime("%Y-%m-%dT%H:%M:%SZ")
