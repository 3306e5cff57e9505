"""Nothing that was changed ever verifies, whoever signed it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from isolation_tests.model import CheckResult
from isolation_tests.reporting.certificates import refusals, signing
from isolation_tests.reporting.certificates.statement import (
    CERTIFICATE_NAME,
    TEXT_NAME,
)
from isolation_tests.reporting.certificates.verification import certify, verify
from isolation_tests.reporting.evidence import errors, writer
from isolation_tests.reporting.evidence.evidence import (
    EVIDENCE_NAME,
    REPORT_NAME,
    Header,
)
from isolation_tests.reporting.evidence.strength import STRENGTH_NAME, write_strength
from isolation_tests.reporting.evidence.summary import exit_status, summarise
from isolation_tests.reporting.html.page import write_html
from meta_tests.reporting.certificates.certified import (
    Lines,
    known,
    questions_of,
    rewritten,
    signed_again,
    strength,
    write,
)

pytest.importorskip("securesystemslib")
pytest.importorskip("cryptography")


def envelope_changed(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def tamper(folder: Path) -> None:
        path = folder / CERTIFICATE_NAME
        envelope = json.loads(path.read_bytes())
        change(envelope)
        path.write_bytes(json.dumps(envelope, indent=2).encode() + b"\n")

    return tamper


def payload_changed(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def change_envelope(envelope: dict[str, Any]) -> None:
        payload = json.loads(base64.b64decode(envelope["payload"]))
        change(payload)
        envelope["payload"] = base64.b64encode(json.dumps(payload).encode()).decode()

    return envelope_changed(change_envelope)


def lines_changed(change: Callable[[Lines], object], *, consistent: bool = False) -> Callable[[Path], None]:
    return lambda folder: rewritten(folder, change, consistent=consistent)


def packed_with_garbage(folder: Path) -> None:
    packed = writer.pack(folder)
    packed.write_bytes(packed.read_bytes() + b"garbage")


def packed_with_a_second_file(folder: Path) -> None:
    packed = writer.pack(folder)
    packed.write_bytes(packed.read_bytes() + gzip.compress(b"{}\n"))


def strength_edited(folder: Path) -> None:
    write_strength(folder, strength(fitting=99, caught=99))


def appended(name: str) -> Callable[[Path], None]:
    def tamper(folder: Path) -> None:
        with (folder / name).open("ab") as file:
            file.write(b"!\n")

    return tamper


def sees_a_stranger(line: dict[str, Any]) -> None:
    """Let some answer of another user hold the fact of the first."""
    for history in line["histories"]:
        owner = history["plan"]["facts"][0]["owners"]
        for event in history["events"]:
            if event["user"] not in owner and event["op"] in ("search", "get_all"):
                event["rows"].append(
                    {"id": "x", "text": "", "sightings": [{"user": owner[0], "fact": 0, "where": "text"}]}
                )


TAMPERINGS: dict[str, tuple[Callable[[Path], object], type[errors.EvidenceError]]] = {
    "record removed": (lines_changed(lambda lines: lines.pop(2)), errors.CountMismatch),
    "verdict edited": (lines_changed(lambda lines: lines[1].update(verdict="ERROR")), errors.WrongDigest),
    "reason edited": (lines_changed(lambda lines: lines[1].update(reason="x")), errors.WrongDigest),
    "footer removed": (lines_changed(lambda lines: lines.pop()), errors.NoFooter),
    "records reordered": (
        lines_changed(lambda lines: lines.insert(1, lines.pop(2))),
        errors.WrongDigest,
    ),
    "record after the footer": (lines_changed(lambda lines: lines.append(lines[1])), errors.AfterFooter),
    "digest recomputed": (
        lines_changed(lambda lines: lines[1].update(reason="x"), consistent=True),
        refusals.ChangedFile,
    ),
    "history edited": (
        lines_changed(lambda lines: sees_a_stranger(lines[1]), consistent=True),
        refusals.ChangedFile,
    ),
    "header narrowed": (
        lines_changed(lambda lines: lines[0].update(selection=["-k x"]), consistent=True),
        refusals.ChangedFile,
    ),
    "suite version edited": (
        lines_changed(lambda lines: lines[0].update(suite_version="0.0.9"), consistent=True),
        refusals.ChangedFile,
    ),
    "a newer suite": (lines_changed(lambda lines: lines[0].update(suite_version="99.1")), errors.NewerSuite),
    "a newer schema": (lines_changed(lambda lines: lines[0].update(schema_version=2)), errors.UnknownSchema),
    "another run": (
        lines_changed(lambda lines: lines[0].update(run_id="other"), consistent=True),
        refusals.OtherRun,
    ),
    "evidence removed": (lambda folder: (folder / EVIDENCE_NAME).unlink(), errors.NoEvidence),
    "garbage after the packed file": (packed_with_garbage, errors.Damaged),
    "a second packed file": (packed_with_a_second_file, errors.AfterFooter),
    "strength edited": (strength_edited, refusals.ChangedFile),
    "strength removed": (lambda folder: (folder / STRENGTH_NAME).unlink(), refusals.ChangedFile),
    "report edited": (appended(REPORT_NAME), refusals.ChangedFile),
    "text edited": (appended(TEXT_NAME), refusals.ChangedText),
    "level raised": (
        payload_changed(lambda p: p["predicate"]["isolationTests"].update(level="scale")),
        refusals.WrongSignature,
    ),
    "subject renamed": (
        payload_changed(lambda p: p["subject"][0].update(name="other.jsonl")),
        refusals.WrongSignature,
    ),
    "payload type changed": (
        envelope_changed(lambda e: e.update(payloadType="application/json")),
        refusals.OtherPayloadType,
    ),
    "key swapped": (
        envelope_changed(lambda e: e["signatures"][0].update(keyid="ab" * 32)),
        refusals.OtherKey,
    ),
    "second signature": (
        envelope_changed(lambda e: e["signatures"].append({"keyid": "cd" * 32, "sig": "AAAA"})),
        refusals.NotACertificate,
    ),
    "note beside the signature": (
        envelope_changed(lambda e: e["signatures"][0].update(note="x")),
        refusals.NotACertificate,
    ),
    "note in the envelope": (envelope_changed(lambda e: e.update(note="x")), refusals.NotACertificate),
    "certificate cut": (
        lambda folder: (folder / CERTIFICATE_NAME).write_bytes(b'{"payload": "'),
        refusals.NotACertificate,
    ),
    "certificate nested": (
        lambda folder: (folder / CERTIFICATE_NAME).write_bytes(b"[" * 100_000),
        refusals.NotACertificate,
    ),
    "certificate removed": (lambda folder: (folder / CERTIFICATE_NAME).unlink(), refusals.NoCertificate),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_each_tampering_is_refused_by_its_name(bundle: Path, public: Any, questions: Any, name: str) -> None:
    tamper, refusal = TAMPERINGS[name]
    tamper(bundle)
    outcome = verify(bundle, public, questions)
    assert type(outcome.refusal) is refusal
    assert refusal.__name__ in outcome.steps[-1].line()
    assert outcome.lines()[-1] == "Not verified: do not rely on this certificate."


def test_another_key_is_refused(bundle: Path, tmp_path: Path, questions: Any) -> None:
    other = signing.make_key(tmp_path / "other")
    outcome = verify(bundle, signing.load_public(other.public), questions)
    assert type(outcome.refusal) is refusals.OtherKey
    signed_again(bundle, lambda _: None, signing.load_private(other.private, str))
    assert verify(bundle, signing.load_public(other.public), questions).refusal is None


def raised(payload: dict[str, Any], **changes: Any) -> None:
    payload["predicate"]["isolationTests"].update(changes)


RESIGNED: dict[str, tuple[Callable[[dict[str, Any]], object], type[refusals.Refusal]]] = {
    "level raised": (lambda p: raised(p, level="scale"), refusals.RaisedLevel),
    "verdict lowered": (lambda p: raised(p, verdict="PARTIAL"), refusals.RaisedLevel),
    "cause added": (
        lambda p: raised(p, causes=[{"kind": "error", "text": "x", "checks": []}]),
        refusals.HiddenCause,
    ),
    "strength edited": (
        lambda p: p["predicate"]["isolationTests"]["strength"].update(fitting=99, caught=99),
        refusals.OtherStrength,
    ),
    "seed edited": (lambda p: raised(p, seed=8), refusals.OtherClaim),
    "suite version edited": (lambda p: raised(p, suite_version="0.0.9"), refusals.OtherClaim),
    "newer suite": (lambda p: raised(p, suite_version="99.1"), refusals.NewerCertificate),
    "older form": (lambda p: raised(p, schema_version=1), refusals.ChangedText),
    "newer form": (lambda p: raised(p, schema_version=3), refusals.NewerCertificate),
    "no version": (lambda p: raised(p, suite_version="x y"), refusals.WrongStatement),
    "unknown field": (lambda p: raised(p, surprise=1), refusals.WrongStatement),
    "run edited": (lambda p: raised(p, run_id="other"), refusals.OtherRun),
    "tests added": (lambda p: p["predicate"]["passedTests"].append("x"), refusals.OtherClaim),
    "subject renamed": (lambda p: p["subject"][0].update(name="other.jsonl"), refusals.OtherSubject),
    "subject removed": (lambda p: p["subject"].pop(), refusals.AddedFile),
    "subject twice": (lambda p: p["subject"].append(p["subject"][0]), refusals.OtherSubject),
    "digest edited": (lambda p: p["subject"][0]["digest"].update(sha256="0" * 64), refusals.ChangedFile),
    "statement type": (
        lambda p: p.update(_type="https://in-toto.io/Statement/v0.1"),
        refusals.WrongStatement,
    ),
    "predicate type": (lambda p: p.update(predicateType="https://example.org/x"), refusals.WrongStatement),
    "no claim": (lambda p: p["predicate"].pop("isolationTests"), refusals.WrongStatement),
}


@pytest.mark.parametrize("name", RESIGNED)
def test_the_right_key_does_not_make_another_statement_true(
    bundle: Path, public: Any, signer: Any, questions: Any, name: str
) -> None:
    change, refusal = RESIGNED[name]
    signed_again(bundle, change, signer)
    assert type(verify(bundle, public, questions).refusal) is refusal


def no_controls(line: dict[str, Any]) -> None:
    """Take away every row, so that nobody saw anything, and keep the counts."""
    for history in line["histories"]:
        for event in history["events"]:
            event["rows"] = []


FORGED: dict[str, tuple[Callable[[Lines], object], type[errors.EvidenceError]]] = {
    "history shows a finding": (lambda lines: sees_a_stranger(lines[1]), refusals.Contradicted),
    "history shows nothing": (lambda lines: no_controls(lines[1]), refusals.Contradicted),
    "calls raised": (lambda lines: lines[1].update(calls=999), refusals.Contradicted),
    "controls raised": (lambda lines: lines[1].update(controls=999), refusals.Contradicted),
    "verdict of the footer": (lambda lines: lines[-1].update(level="scale"), refusals.WrongEnding),
    "record removed": (lambda lines: lines.pop(2), refusals.WrongEnding),
    "expected check removed": (
        lambda lines: (lines.pop(2), lines[0]["expected"].pop(1), lines[-1]["counts"].update(HELD=6)),
        refusals.OtherQuestions,
    ),
    "check made optional": (
        lambda lines: lines[0]["expected"][0].update(optional=True),
        refusals.OtherQuestions,
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forger_with_the_right_key_and_fitting_digests_is_caught(
    bundle: Path, public: Any, signer: Any, questions: Any, name: str
) -> None:
    change, refusal = FORGED[name]
    rewritten(bundle, change, consistent=True)
    digest = hashlib.sha256((bundle / EVIDENCE_NAME).read_bytes()).hexdigest()
    signed_again(bundle, lambda p: p["subject"][0]["digest"].update(sha256=digest), signer)
    assert type(verify(bundle, public, questions).refusal) is refusal
    with pytest.raises(refusal):
        certify(bundle, signer, questions, write_html)


def unknown(line: dict[str, Any]) -> None:
    line["cases"][0]["known"] = None


def forgotten(line: dict[str, Any]) -> None:
    line.update(verdict="HELD", cases=[], reason="", histories=[line["cases"][0]["history"]])


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (lambda lines: unknown(lines[-2]), refusals.WrongEnding),
        (lambda lines: lines[-2]["cases"].clear(), refusals.ViolatedByNews),
        (lambda lines: forgotten(lines[-2]), refusals.Contradicted),
        (lambda lines: lines[0].update(known_count=0), refusals.UnfoundedKnown),
        (lambda lines: lines[-2]["cases"][0]["finding"].update(viewer=0), refusals.Contradicted),
    ],
)
def test_a_known_finding_can_neither_be_dropped_nor_made_up(
    tmp_path: Path, clean: Any, faulty: CheckResult, signer: Any, change: Any, refusal: Any
) -> None:
    others = [result for result in clean if result.check != faulty.check]
    folder = write(tmp_path / "run", [*others, known(faulty)], known_count=1)
    questions = questions_of(folder)
    rewritten(folder, change)
    if refusal is not refusals.WrongEnding:
        rewritten(folder, refit)
    rewritten(folder, lambda _: None, consistent=True)
    with pytest.raises(refusal):
        certify(folder, signer, questions, write_html)


def refit(lines: Lines) -> None:
    """Let the footer fit what the records say now."""
    header = Header.model_validate({k: v for k, v in lines[0].items() if k != "kind"})
    results = [
        CheckResult.model_validate({k: v for k, v in line.items() if k != "kind"}) for line in lines[1:-1]
    ]
    summary = summarise(header, results)
    lines[-1].update(
        verdict=summary.verdict.value,
        level=summary.level and summary.level.value,
        counts={verdict.value: count for verdict, count in summary.counts.items()},
        exit_status=exit_status(summary),
    )
