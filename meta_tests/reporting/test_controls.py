"""The controls that a run is evidence for: all of them, none too many, and never more than was asked."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isolation_tests.catalogue import CATALOGUE
from isolation_tests.model import CheckResult, Verdict
from isolation_tests.reporting.narrative.controls import CONTROLS, ControlEvidence, anomalies_of, exercised
from meta_tests.builders import make_case, make_header, make_result

IDENTIFIERS = {
    "OWASP ASVS 5.0": "8.4.1 8.2.2 8.2.3 8.3.3 14.2.2 15.4.1",
    "OWASP API Security 2023": "API1 API3 API5",
    "OWASP LLM 2025": "LLM08 LLM02",
    "OWASP Agentic 2026": "ASI06 ASI03",
    "NIST 800-53 r5": "SC-4 AC-3 AC-4 SI-10 SI-11 SI-12(3) SA-11 CA-2 CA-7 CA-8 PM-25",
    "CSA CCM v4": "IVS-06",
    "CSA AICM": "I&S-06",
    "SOC 2": "CC6.1 C1.1 C1.2 P4.3",
    "ISO/IEC 27001:2022 Annex A": "8.10 8.11 8.12 8.31 5.23 8.3 8.29 8.33",
    "GDPR": "32(1)(d) 32(1)(b) 5(1)(f) 15(4) 17 25",
    "HIPAA": "164.312(a)(1) 164.312(b) 164.312(c)(1)",
    "PCI DSS 4.0.1": "A1.1.x",
}
OPEN = {
    "SOC 2": {"C1.1", "C1.2", "P4.3"},
    "ISO/IEC 27001:2022 Annex A": {"8.3", "8.29", "8.33"},
    "GDPR": {"32(1)(b)", "5(1)(f)", "15(4)", "17", "25"},
    "PCI DSS 4.0.1": {"A1.1.x"},
}
WEAKNESSES = {
    "S1 S2": "639 668",
    "S3": "1188",
    "S6": "89 943",
    "A1 A2": "187",
    "A3": "178",
    "A4": "176",
    "A5 A7 O6": "694",
    "A8": "22",
    "O1 O2 O3 O4": "639",
    "O5": "915",
    "D1 D2": "285 459",
    "D4": "212 459",
    "M1 M2 M3 M4 M5": "668",
    "C1 C2 C3": "362 488",
    "C4": "488",
    "K1 K2": "524",
    "X1": "1230",
    "X2": "204",
    "X3": "209",
}
BOASTS = re.compile(r"complian|certif|guarantee|secure\b", re.IGNORECASE)


def evidence_of(*results: CheckResult) -> dict[str, ControlEvidence]:
    found = exercised(make_header(*results), results)
    return {f"{one.framework} {one.identifier}": one for one in found}


def test_every_control_is_there_with_its_status_and_source() -> None:
    assert {(c.framework, c.identifier) for c in CONTROLS.values()} == {
        (framework, identifier) for framework, text in IDENTIFIERS.items() for identifier in text.split()
    }
    for control in CONTROLS.values():
        expected = "to be confirmed" if control.identifier in OPEN.get(control.framework, ()) else "confirmed"
        assert control.status == expected
        assert control.title
        assert control.source.startswith("https://")
    assert CONTROLS["OWASP Agentic 2026 ASI03"].adjacent


def test_what_anomalies_name_is_a_control_and_every_control_is_named() -> None:
    assert {key for entry in CATALOGUE.values() for key in entry.controls} <= set(CONTROLS)
    assert all(anomalies_of(control) for control in CONTROLS.values())
    assert not [c.key for c in CONTROLS.values() if c.of_testing and len(anomalies_of(c)) != len(CATALOGUE)]
    for entry in CATALOGUE.values():
        assert len(set(entry.controls)) == len(entry.controls)


@pytest.mark.parametrize(("ids", "numbers"), WEAKNESSES.items())
def test_weaknesses_are_those_of_the_catalogue(ids: str, numbers: str) -> None:
    for id_ in ids.split():
        assert CATALOGUE[id_].cwe == tuple(f"CWE-{number}" for number in numbers.split())


def test_a_held_check_is_evidence_for_the_controls_of_its_anomalies_and_of_testing() -> None:
    found = evidence_of(make_result(anomalies=("D3",), examples=3))

    assert set(found) == {*CATALOGUE["D3"].controls, *(c.key for c in CONTROLS.values() if c.of_testing)}
    erasure = found["GDPR 17"]
    assert (erasure.anomalies, erasure.violated, erasure.checks) == (("D3",), (), 1)
    assert erasure.wording == (
        "Test evidence for control GDPR 17 (identifier and fit still to be confirmed against the source):"
        " 1 conclusive check on D3 partial. No violation. Run r1 with seed 42,"
        " 3 examples. Left out: nothing."
    )


def test_a_violation_is_said_and_says_nothing_of_the_checks_other_anomalies() -> None:
    found = evidence_of(
        make_result(anomalies=("A1", "D3"), verdict=Verdict.VIOLATED, cases=(make_case(),)),
        make_result("b", Verdict.NOT_SUPPORTED, anomalies=("A1",), reason="the adapter does not offer get"),
    )

    assert "GDPR 17" not in found
    input_validation = found["NIST 800-53 r5 SI-10"]
    assert input_validation.violated == ("A1",)
    assert "Violated: A1 prefix." in input_validation.wording
    assert "Left out: the adapter does not offer get." in input_validation.wording


@pytest.mark.parametrize("verdict", [Verdict.NOT_SUPPORTED, Verdict.INCONCLUSIVE, Verdict.ERROR])
def test_without_a_verdict_there_is_no_evidence(verdict: Verdict) -> None:
    assert not evidence_of(make_result(verdict=verdict))


def test_a_check_that_never_reported_or_made_no_call_is_no_evidence() -> None:
    silent = make_result("b", calls=0)

    assert not exercised(make_header(make_result(), silent), (silent,))


def test_what_is_near_or_open_is_said() -> None:
    assert CONTROLS["HIPAA 164.312(b)"].label == "HIPAA 164.312(b) (adjacent)"
    assert CONTROLS["PCI DSS 4.0.1 A1.1.x"].label == "PCI DSS 4.0.1 A1.1.x (adjacent, to be confirmed)"
    assert CONTROLS["NIST 800-53 r5 SC-4"].label == "NIST 800-53 r5 SC-4"
    found = evidence_of(make_result(anomalies=("C2", "S1")))

    assert "adjacent only: " in found["OWASP Agentic 2026 ASI03"].wording
    pci = found["PCI DSS 4.0.1 A1.1.x"].wording
    assert "adjacent only: " in pci
    assert "to be confirmed" in pci


@given(
    st.lists(
        st.builds(
            make_result,
            st.sampled_from("abcdef"),
            st.sampled_from(Verdict),
            anomalies=st.lists(st.sampled_from(sorted(CATALOGUE)), min_size=1, max_size=4).map(tuple),
            calls=st.integers(0, 2),
        ),
        max_size=6,
    )
)
def test_evidence_never_boasts_and_counts_only_what_came_to_a_verdict(results: list[CheckResult]) -> None:
    settled = {
        r.check for r in results if r.verdict is Verdict.VIOLATED or (r.verdict is Verdict.HELD and r.calls)
    }
    for one in exercised(make_header(*results), results):
        assert 0 < one.checks <= len(settled)
        assert set(one.violated) <= set(one.anomalies)
        assert one.wording.startswith(f"Test evidence for control {one.framework} {one.identifier}")
        assert not BOASTS.search(one.wording.replace(one.title, ""))
