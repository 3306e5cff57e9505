"""Certificates: what they say, and what makes them partial."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from isolation_tests.model import CheckResult, Level, Verdict
from isolation_tests.reporting.certificates import refusals
from isolation_tests.reporting.certificates.partial import CauseKind
from isolation_tests.reporting.certificates.rejudge import examine
from isolation_tests.reporting.certificates.statement import (
    CERTIFICATE_NAME,
    TEXT_NAME,
    Claim,
    statement_of,
)
from isolation_tests.reporting.certificates.text import certificate_lines
from isolation_tests.reporting.certificates.verification import certify, verify
from isolation_tests.reporting.evidence import reader, writer
from isolation_tests.reporting.evidence.evidence import (
    EVIDENCE_NAME,
)
from isolation_tests.reporting.evidence.strength import STRENGTH_NAME, write_strength
from isolation_tests.reporting.html.page import write_html
from meta_tests.reporting.certificates.certified import (
    CELLS,
    expected_of,
    known,
    questions_of,
    strength,
    target_info,
    write,
)

pytest.importorskip("securesystemslib")
pytest.importorskip("cryptography")


def claim_of(folder: Path) -> Claim:
    found = reader.read(folder)
    return statement_of(folder, found, examine(found)).predicate.claim


def test_a_whole_run_is_held_at_its_level_and_verifies(original: Path, public: Any, questions: Any) -> None:
    outcome = verify(original, public, questions)
    assert outcome.refusal is None
    assert all(step.passed for step in outcome.steps)
    assert outcome.claim is not None
    assert (outcome.claim.verdict, outcome.claim.level, outcome.claim.causes) == (
        "HELD",
        Level.CONCURRENT,
        (),
    )
    assert outcome.lines()[-1] == "Verified. HELD: level concurrent."
    assert "7 of 7 checks that made calls" in "\n".join(outcome.lines())


def test_the_text_says_scope_limits_and_strength_and_promises_nothing(original: Path) -> None:
    text = (original / TEXT_NAME).read_text(encoding="utf-8")
    for due in (
        "Evidence of user isolation",
        "sample 1.2",
        "Scope",
        "Limits",
        "Strength",
        "9 of 9 seeded faults",
        "profile ci",
    ):
        assert due in text
    assert "Not covered" in text
    assert "compliant" not in text.lower()
    assert "private" not in (original / CERTIFICATE_NAME).read_text(encoding="utf-8").lower()


def test_the_statement_is_what_in_toto_readers_know(original: Path) -> None:
    found = reader.read(original)
    content = json.loads(statement_of(original, found, examine(found)).payload())
    assert content["_type"] == "https://in-toto.io/Statement/v1"
    assert content["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert content["subject"][0] == {
        "name": "evidence.jsonl",
        "digest": {"sha256": hashlib.sha256((original / EVIDENCE_NAME).read_bytes()).hexdigest()},
    }
    predicate = content["predicate"]
    assert predicate["result"] == "PASSED"
    assert len(predicate["passedTests"]) == len(CELLS)
    assert {"name": "sample", "uri": "pkg:pypi/sample@1.2"} in predicate["configuration"]


def test_packing_changes_no_digest(bundle: Path, public: Any, questions: Any) -> None:
    writer.pack(bundle)
    assert verify(bundle, public, questions).refusal is None


def partial_of(folder: Path) -> dict[CauseKind, str]:
    claim = claim_of(folder)
    assert claim.verdict == "PARTIAL"
    return {cause.kind: cause.text for cause in claim.causes}


@pytest.mark.parametrize(
    ("changes", "kind", "text"),
    [
        ({"whole": False, "profile": "quick"}, CauseKind.PROFILE, "quick runs only part of the matrix"),
        ({"selection": ("-k core",)}, CauseKind.NARROWED, "-k core"),
        ({"selection": ("--maxfail=1",)}, CauseKind.NARROWED, "--maxfail=1"),
        ({"given": ("option url",)}, CauseKind.SETTINGS, "option url"),
        ({"given": ("known",)}, CauseKind.SETTINGS, "known findings"),
        ({"target": target_info(packaged="cd" * 32)}, CauseKind.TARGET_FILE, "ships as sample"),
        ({"target": target_info(name="fault:M1-dropped")}, CauseKind.SEEDED_FAULT, "on purpose"),
        ({"target": target_info(distributions={})}, CauseKind.UNRELEASED, "version of the target is unknown"),
        ({"target": target_info(distributions={"sample": "main"})}, CauseKind.UNRELEASED, "sample main"),
        ({"target": target_info(distributions={"sample": "1.2+g123"})}, CauseKind.UNRELEASED, "local build"),
        ({"target": target_info(distributions={"sample": "1.3.dev4"})}, CauseKind.UNRELEASED, "development"),
        (
            {"target": target_info(unreleased={"sample": "installed from a git checkout"})},
            CauseKind.UNRELEASED,
            "git",
        ),
        ({"stale": ("an entry expired",)}, CauseKind.STALE_KNOWN, "an entry expired"),
        ({"profile": "hunt"}, CauseKind.STRENGTH, "with profile ci"),
    ],
)
def test_each_cause_makes_it_partial(
    tmp_path: Path, clean: Any, changes: dict[str, Any], kind: CauseKind, text: str
) -> None:
    assert text in partial_of(write(tmp_path / "run", clean, **changes))[kind]


@pytest.mark.parametrize(
    "changes",
    [
        {"given": ("seed",)},
        {"given": ("option url",), "target": target_info(file="")},
        {"target": target_info(packaged="ab" * 32)},
        {"target": target_info(distributions={"sample": "1.2rc1"})},
    ],
)
def test_what_leaves_nothing_out_makes_nothing_partial(
    tmp_path: Path, clean: Any, changes: dict[str, Any]
) -> None:
    folder = write(tmp_path / "run", clean, **changes)
    target = changes.get("target", target_info())
    write_strength(folder, strength(versions=target.distributions))
    claim = claim_of(folder)
    assert (claim.verdict, claim.causes) == ("HELD", ())


def test_a_file_s_digest_counts_as_a_version(tmp_path: Path, clean: Any) -> None:
    target = target_info(distributions={"memory.py": "sha256 0123456789ab"})
    folder = write(tmp_path / "run", clean, target=target)
    write_strength(folder, strength(versions=target.distributions))
    assert claim_of(folder).verdict == "HELD"


def test_a_package_of_npm_is_a_release_with_an_address_of_its_own(tmp_path: Path, clean: Any) -> None:
    target = target_info(distributions={"@scope/store": "npm 1.0.5"})
    folder = write(tmp_path / "run", clean, target=target)
    write_strength(folder, strength(versions=target.distributions))

    assert claim_of(folder).verdict == "HELD"
    found = reader.read(folder)
    content = json.loads(statement_of(folder, found, examine(found)).payload())
    address = {"name": "@scope/store", "uri": "pkg:npm/%40scope/store@1.0.5"}
    assert address in content["predicate"]["configuration"]


@pytest.mark.parametrize(
    "changes",
    [{"target": "other"}, {"versions": {"sample": "1.1"}}, {"suite_version": "0.0.1"}, {"whole": False}],
)
def test_a_strength_of_something_else_is_no_strength(
    tmp_path: Path, clean: Any, changes: dict[str, Any]
) -> None:
    folder = write(tmp_path / "run", clean)
    write_strength(folder, strength(**changes))
    assert CauseKind.STRENGTH in partial_of(folder)
    (folder / STRENGTH_NAME).unlink()
    assert "was not measured" in partial_of(folder)[CauseKind.STRENGTH]


def test_a_known_finding_is_partial_at_the_level_reached_and_a_new_one_is_refused(
    tmp_path: Path, clean: Any, faulty: CheckResult, signer: Any
) -> None:
    others = [result for result in clean if result.check != faulty.check]
    folder = write(tmp_path / "known", [*others, known(faulty)], known_count=1)
    certify(folder, signer, questions_of(folder), write_html)
    claim = claim_of(folder)
    assert (claim.verdict, claim.level) == ("PARTIAL", Level.CORE)
    assert claim.causes[0].kind is CauseKind.KNOWN
    assert claim.known[0].finding.startswith("O1-get")
    fresh = write(tmp_path / "fresh", [*others, faulty])
    with pytest.raises(refusals.ViolatedByNews, match="O1-get"):
        certify(fresh, signer, questions_of(fresh), write_html)
    assert not (fresh / CERTIFICATE_NAME).exists()


def test_checks_that_never_reported_are_named_or_refused(tmp_path: Path, clean: Any, signer: Any) -> None:
    expected = expected_of(clean)
    folder = write(tmp_path / "cut", clean[:-1], expected=expected)
    with pytest.raises(refusals.Incomplete, match="1 of 7"):
        certify(folder, signer, questions_of(folder), write_html)
    narrowed = write(tmp_path / "narrowed", clean[:-1], expected=expected, selection=("-k core",))
    certify(narrowed, signer, questions_of(narrowed), write_html)
    causes = {cause.kind: cause.checks for cause in claim_of(narrowed).causes}
    assert causes[CauseKind.NOT_RUN] == (clean[-1].check,)


def test_nothing_proved_is_not_certified(tmp_path: Path, clean: Any, signer: Any) -> None:
    doubted = [result.model_copy(update={"verdict": Verdict.INCONCLUSIVE, "controls": 0}) for result in clean]
    folder = write(tmp_path / "run", doubted)
    with pytest.raises(refusals.NothingProved):
        certify(folder, signer, questions_of(folder), write_html)


def test_a_check_that_kept_nothing_is_believed_by_its_count_and_said(tmp_path: Path, clean: Any) -> None:
    folder = write(tmp_path / "run", [*clean[:-1], clean[-1].model_copy(update={"histories": ()})])
    assert "no history" in partial_of(folder)[CauseKind.NOT_KEPT]


def test_a_skip_of_what_the_target_offers_excuses_nothing(tmp_path: Path, clean: Any) -> None:
    skipped = {"verdict": Verdict.NOT_SUPPORTED, "histories": (), "calls": 0, "controls": 0}
    by_id = [r.model_copy(update=skipped) if r.check.startswith("ids-need") else r for r in clean]
    assert claim_of(write(tmp_path / "offered", by_id)).level is Level.CORE
    lacking = write(tmp_path / "lacking", by_id, capabilities=("overlap", "page"))
    claim = claim_of(lacking)
    assert (claim.verdict, claim.level, claim.not_offered) == ("HELD", Level.CONCURRENT, ("get",))
    found = reader.read(lacking)
    lines = certificate_lines(statement_of(lacking, found, examine(found)))
    assert "- checks that need get, which the target does not offer" in lines
