"""Certificates: what they say, what makes them partial, and that nothing that was changed ever verifies."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import hashlib
import json
import shutil
import stat
import subprocess
import sys
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from isolation_tests.cli import main
from isolation_tests.core.distributions import not_a_release, unreleased
from isolation_tests.core.errors import UsageProblem
from isolation_tests.engine.check import result_of
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.identity import RunKey
from isolation_tests.engine.laws import all_laws
from isolation_tests.engine.profiles import PROFILES
from isolation_tests.engine.run import SUITE_VERSION, expected_checks
from isolation_tests.model import CheckResult, Level, Verdict, alias_reason
from isolation_tests.reporting.certificates import refusals, signing
from isolation_tests.reporting.certificates.partial import CauseKind
from isolation_tests.reporting.certificates.rejudge import Examined, examine, rejudge
from isolation_tests.reporting.certificates.statement import (
    CERTIFICATE_NAME,
    FORMS,
    TEXT_NAME,
    Claim,
    Statement,
    statement_of,
)
from isolation_tests.reporting.certificates.text import certificate_lines
from isolation_tests.reporting.certificates.verification import certify, verify
from isolation_tests.reporting.evidence import errors, reader, writer
from isolation_tests.reporting.evidence.evidence import (
    EVIDENCE_NAME,
    REPORT_NAME,
    ExpectedCheck,
    Header,
    TargetInfo,
)
from isolation_tests.reporting.evidence.sanitising import encode
from isolation_tests.reporting.evidence.signed_text import SignedText
from isolation_tests.reporting.evidence.strength import STRENGTH_NAME, Strength, write_strength
from isolation_tests.reporting.evidence.summary import exit_status, summarise
from isolation_tests.reporting.html.page import beside, render_html, write_html
from isolation_tests.targets.resolve import resolve
from meta_tests.builders import install, make_evidence, write_run

pytest.importorskip("securesystemslib")
pytest.importorskip("cryptography")

CELLS = (
    ("scope-is-applied", "S1-newcomer"),
    ("delete-all-spares-others", "D1-unrelated"),
    ("search-stays-own", "A1-prefix-dash-search-a-acts"),
    ("sequences-stay-apart", "searched"),
    ("ids-need-their-owner", "O1-get"),
    ("handles-are-own", "O7-cursor"),
    ("overlapping-calls-stay-apart", "C1-two-users"),
)
QUICK = PROFILES["quick"]
few = settings(
    max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
Lines = list[dict[str, Any]]


def asked(target: str, cells: Sequence[tuple[str, str]] = CELLS) -> tuple[CheckResult, ...]:
    """A few checks of the suite, really performed."""
    key = RunKey(run_id="c0ffee", secret=b"s" * 32, seed=7, began=0.0)
    examiner = Examiner(resolve(target, known="none"), QUICK, key)
    results = []
    for law, name in cells:
        entry = all_laws()[law]
        cell = next(cell for cell in entry.cells if cell.id == name)
        results.append(result_of(examiner, entry, cell))
    examiner.close()
    return tuple(results)


@pytest.fixture(scope="module")
def clean() -> tuple[CheckResult, ...]:
    return asked("reference")


@pytest.fixture(scope="module")
def faulty() -> CheckResult:
    """A violated check, as a planted fault makes it."""
    return asked("fault:O1-get-unchecked", [("ids-need-their-owner", "O1-get")])[0]


def known(result: CheckResult) -> CheckResult:
    cases = tuple(case.model_copy(update={"known": "told to its maintainers"}) for case in result.cases)
    return result.model_copy(update={"cases": cases})


def expected_of(results: Sequence[CheckResult]) -> tuple[ExpectedCheck, ...]:
    checks = {check.check: check for check in expected_checks(PROFILES["ci"])}
    return tuple(checks[result.check] for result in results)


def header_of(results: Sequence[CheckResult], **changes: Any) -> Header:
    fields: dict[str, Any] = {
        "suite_version": SUITE_VERSION,
        "run_id": "c0ffee",
        "started": "2026-01-02T03:04:05+00:00",
        "target": target_info(),
        "capabilities": ("get", "overlap", "page"),
        "seed": 7,
        "profile": "ci",
        "budget": {"examples": 40, "replays": 3},
        "consistency_seconds": 0.0,
        "expected": expected_of(results),
    }
    return Header(**{**fields, **changes})


def target_info(**changes: Any) -> TargetInfo:
    fields: dict[str, Any] = {
        "name": "sample",
        "title": "Sample memory",
        "adapter": "sample:open",
        "distributions": {"sample": "1.2"},
        "disposable": True,
        "file": "ab" * 32,
    }
    return TargetInfo(**{**fields, **changes})


def write(
    folder: Path, results: Sequence[CheckResult], *, stale: tuple[str, ...] = (), **changes: Any
) -> Path:
    """The folder of a run, as a campaign leaves it."""
    header = header_of(results, **changes) if "expected" not in changes else header_of((), **changes)
    write_run(folder, header, *results, stale=stale)
    (folder / REPORT_NAME).write_text("<!doctype html><title>report</title>", encoding="utf-8")
    write_strength(folder, strength())
    return folder


def strength(**changes: Any) -> Strength:
    fields: dict[str, Any] = {
        "target": "sample",
        "suite_version": SUITE_VERSION,
        "date": dt.date(2026, 1, 1),
        "profile": "ci",
        "seeds": (1,),
        "calls": 10,
        "versions": {"sample": "1.2"},
        "fitting": 9,
        "caught": 9,
    }
    return Strength(**{**fields, **changes})


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return signing.make_key(tmp_path_factory.mktemp("keys") / "issuer")


@pytest.fixture(scope="module")
def signer(keys: Any) -> Any:
    return signing.load_private(keys.private, str)


@pytest.fixture(scope="module")
def public(keys: Any) -> Any:
    return signing.load_public(keys.public)


def questions_of(folder: Path) -> Callable[[str], Sequence[ExpectedCheck]]:
    """As if the suite asked exactly what this folder's run set out to ask."""
    expected = reader.read(folder).header.expected
    return lambda _: expected


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, clean: Any, signer: Any) -> Path:
    folder = write(tmp_path_factory.mktemp("run") / "run", clean)
    certify(folder, signer, questions_of(folder), write_html)
    return folder


@pytest.fixture
def bundle(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "bundle"))


@pytest.fixture(scope="module")
def questions(original: Path) -> Callable[[str], Sequence[ExpectedCheck]]:
    return questions_of(original)


def claim_of(folder: Path) -> Claim:
    found = reader.read(folder)
    return statement_of(folder, found, examine(found)).predicate.claim


# What it says


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


# Tampering


def rewritten(folder: Path, change: Callable[[Lines], object], *, consistent: bool = False) -> None:
    """Change the evidence; consistent: with a footer that fits again."""
    path = folder / EVIDENCE_NAME
    lines: Lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    change(lines)
    if consistent and lines[-1]["kind"] == "footer":
        body = b"".join(encode(line) for line in lines[:-1])
        lines[-1] |= {"records": len(lines) - 2, "digest": hashlib.sha256(body).hexdigest()}
    path.write_bytes(b"".join(encode(line) for line in lines))


def signed_again(folder: Path, change: Callable[[dict[str, Any]], object], signer: Any) -> None:
    """Sign another statement with the right key, as its holder could."""
    path = folder / CERTIFICATE_NAME
    envelope = json.loads(path.read_bytes())
    payload = json.loads(base64.b64decode(envelope["payload"]))
    change(payload)
    path.write_bytes(signing.signed(json.dumps(payload).encode(), signer))


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


# Whatever is left out or edited


def draw_results(data: st.DataObject, clean: Sequence[CheckResult], faulty: CheckResult) -> list[CheckResult]:
    """What a run could have come to: every check held, known to be violated, doubted or in error."""
    drawn = []
    for result in clean:
        verdict = data.draw(st.sampled_from([*[Verdict.HELD] * 5, *Verdict]))
        if verdict is Verdict.VIOLATED:
            drawn.append(
                known(result.model_copy(update={"verdict": verdict, "cases": faulty.cases, "histories": ()}))
            )
        elif verdict in (Verdict.HELD, Verdict.NOT_SUPPORTED):
            drawn.append(result)
        else:
            drawn.append(result.model_copy(update={"verdict": verdict, "reason": "doubted"}))
    return drawn


def height(level: Level | None) -> int:
    return -1 if level is None else list(Level).index(level)


@few
@given(st.data())
def test_what_is_left_out_never_raises_the_level_nor_hides_a_cause(
    clean: Any, faulty: CheckResult, data: st.DataObject
) -> None:
    results = draw_results(data, clean, faulty)
    offered = data.draw(st.sampled_from([("get", "overlap", "page"), ("get", "page")]))
    header = header_of(clean, capabilities=offered, aliases=("fold",), known_count=1)
    lost = data.draw(st.sets(st.sampled_from(range(len(results))), min_size=1))
    how = data.draw(st.sampled_from(["removed", "skipped", "doubted", "failed", "emptied"]))
    fewer = [worse(result, how) if n in lost else result for n, result in enumerate(results)]
    before = claim_from(header, results)
    after = claim_from(header, [result for result in fewer if result is not None])
    assert height(after.level) <= height(before.level)
    assert before.verdict == "HELD" or after.verdict == "PARTIAL"
    assert bad(before) <= bad(after)
    assert bad(after) >= {results[n].check for n in lost}


def worse(result: CheckResult, how: str) -> CheckResult | None:
    if how == "removed":
        return None
    verdicts = {"skipped": Verdict.NOT_SUPPORTED, "doubted": Verdict.INCONCLUSIVE, "failed": Verdict.ERROR}
    verdict = verdicts.get(how, result.verdict)
    emptied = {"verdict": verdict, "cases": (), "histories": ()}
    if how == "emptied" and result.cases:
        return None
    return result.model_copy(update={**emptied, "reason": "not asked"})


def claim_from(header: Header, results: Sequence[CheckResult]) -> Claim:
    summary = summarise(header, results)
    found = make_evidence(header, results)
    counted = tuple(r.check for r in results if r.calls and not r.histories and not r.cases)
    examined = Examined(summary, len(results), len(results), 0, 0, counted, 0)
    return statement_of(Path("/nonexistent"), found, examined).predicate.claim


def bad(claim: Claim) -> set[str]:
    return {check for cause in claim.causes for check in cause.checks}


@few
@given(st.data())
def test_no_edited_or_cut_byte_ever_verifies(
    original: Path, tmp_path_factory: pytest.TempPathFactory, public: Any, questions: Any, data: st.DataObject
) -> None:
    folder = Path(shutil.copytree(original, tmp_path_factory.mktemp("edit") / "bundle"))
    if data.draw(st.booleans()):
        writer.pack(folder)
    path = data.draw(st.sampled_from(sorted(folder.glob("[!.]*"))))
    content = path.read_bytes()
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        changed = content[:place]
    else:
        byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != content[place]))
        changed = content[:place] + bytes([byte]) + content[place + 1 :]
    assume(not same_content(path, content, changed))
    path.write_bytes(changed)
    assert verify(folder, public, questions).refusal is not None
    shutil.rmtree(folder.parent)


def same_content(path: Path, before: bytes, after: bytes) -> bool:
    """A packed file has a few bytes that say nothing of what is packed."""
    if path.suffix != ".gz":
        return False
    try:
        return gzip.decompress(before) == gzip.decompress(after)
    except (OSError, EOFError, ValueError, zlib.error):
        return False


# Evidence that nobody should believe


def test_a_packed_bomb_is_refused_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / f"{EVIDENCE_NAME}.gz"
    path.write_bytes(gzip.compress(b" " * 2**23))
    assert path.stat().st_size < 2**14
    monkeypatch.setattr(reader, "MOST_LINE_BYTES", 2**20)
    with pytest.raises(errors.TooLarge, match="limit of 1048576 unpacked bytes at line 1"):
        reader.read(tmp_path)


def test_more_lines_than_any_run_writes_are_refused(
    tmp_path: Path, clean: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path / "run", clean)
    monkeypatch.setattr(reader, "MOST_BYTES", 20_000)
    with pytest.raises(errors.TooLarge, match="restore the file"):
        reader.read(folder)


def test_what_a_file_says_cannot_steer_the_reader(bundle: Path, public: Any, questions: Any) -> None:
    steering = "x\x1b[31m\u202e\nPASS     signature: forged"
    rewritten(bundle, lambda lines: lines[1].update({steering: 1}))
    told = verify(bundle, public, questions).lines()
    assert "BadRecord" in told[-2]
    assert not any(char in "".join(told) for char in "\x1b\u202e\n")
    assert not any(line.startswith("PASS     signature: forged") for line in told)


@pytest.mark.parametrize(
    ("depth", "refusal"), [(80, refusals.ChangedText), (900, errors.BadRecord), (100_000, errors.BadRecord)]
)
def test_deep_nesting_is_one_sentence(
    bundle: Path, public: Any, signer: Any, questions: Any, depth: int, refusal: Any
) -> None:
    deep = b'{"a":' * depth + b"1" + b"}" * depth
    path = bundle / EVIDENCE_NAME
    content = path.read_bytes().replace(b'"metadata":null', b'"metadata":' + deep, 1)
    body, _, footer = content.rstrip(b"\n").rpartition(b"\n")
    fields = {**json.loads(footer), "digest": hashlib.sha256(body + b"\n").hexdigest()}
    path.write_bytes(body + b"\n" + encode(fields))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    signed_again(bundle, lambda p: p["subject"][0]["digest"].update(sha256=digest), signer)
    outcome = verify(bundle, public, questions)
    assert type(outcome.refusal) is refusal


def test_evidence_of_a_newer_suite_says_to_upgrade(bundle: Path) -> None:
    rewritten(bundle, lambda lines: lines[0].update(suite_version="99.1", surprise=1))
    with pytest.raises(errors.NewerSuite, match=r"written by isolation-tests 99\.1, but this is .*; upgrade"):
        reader.read(bundle)
    rewritten(bundle, lambda lines: lines[0].update(suite_version="main"))
    with pytest.raises(errors.BadRecord, match="is not a version"):
        reader.read(bundle)


def test_evidence_of_another_suite_is_not_certified(bundle: Path, signer: Any, questions: Any) -> None:
    rewritten(bundle, lambda lines: lines[0].update(suite_version="0.0.9"), consistent=True)
    with pytest.raises(refusals.OtherSuite, match=r"written by isolation-tests 0\.0\.9"):
        certify(bundle, signer, questions, write_html)


def test_an_older_run_verifies_without_comparing_its_questions(
    tmp_path: Path, clean: Any, signer: Any, public: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path / "run", clean)
    certify(folder, signer, questions_of(folder), write_html)
    monkeypatch.setattr("isolation_tests.reporting.certificates.verification.version", lambda _: "99.0")
    outcome = verify(folder, public, lambda _: ())
    assert outcome.refusal is None
    assert "are not compared" in "\n".join(outcome.lines())


def test_an_excuse_by_alias_needs_a_history_of_such_names(clean: Any) -> None:
    related = next(result for result in clean if result.check.startswith("search-stays-own"))
    relation = str(related.histories[0].plan.relation)
    excused = {"verdict": Verdict.NOT_SUPPORTED, "reason": alias_reason(relation)}
    assert rejudge(related.model_copy(update=excused), (relation,)) is None
    assert rejudge(related.model_copy(update={**excused, "histories": ()}), (relation,)) is not None
    other = clean[0].model_copy(update=excused)
    assert rejudge(other, (relation,)) is not None


# What was signed earlier


PUBLISHED = sorted((Path(__file__).parents[2] / "reports").glob(f"*/{CERTIFICATE_NAME}"))


def test_every_published_certificate_reads_as_it_was_signed() -> None:
    assert PUBLISHED
    for path in PUBLISHED:
        envelope = json.loads(path.read_text(encoding="ascii"))
        statement = Statement.model_validate_json(base64.b64decode(envelope["payload"]))
        text = path.with_name(TEXT_NAME).read_text(encoding="utf-8")
        assert certificate_lines(statement) == text.splitlines(), path


@pytest.mark.parametrize("name", ["chroma", "redis-scan"])
def test_a_published_certificate_still_verifies(name: str) -> None:
    folder = PUBLISHED[0].parents[1] / name
    issuer = signing.load_public(PUBLISHED[0].parents[1] / "isolation-tests.pub")
    outcome = verify(folder, issuer, lambda profile: expected_checks(PROFILES[profile]))
    assert outcome.refusal is None, outcome.lines()


def test_no_wording_that_was_signed_is_ever_changed() -> None:
    signed = json.loads((Path(__file__).parent / "signed_texts.json").read_text(encoding="utf-8"))
    kinds = SignedText.__subclasses__()
    assert set(signed) == {str(form) for form in FORMS}
    for form in FORMS:
        wordings = {text.value[min(form, len(text.value)) - 1] for kind in kinds for text in kind}
        assert set(signed[str(form)]) <= wordings, "append a new wording and raise LATEST_FORM instead"


# Keys


def test_a_private_key_is_its_owner_s_and_is_never_replaced(tmp_path: Path) -> None:
    made = signing.make_key(tmp_path / "key")
    assert stat.S_IMODE(made.private.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR
    before = made.private.read_bytes()
    with pytest.raises(UsageProblem, match="not replaced"):
        signing.make_key(tmp_path / "key")
    made.private.unlink()
    with pytest.raises(UsageProblem, match=r"key\.pub already exists"):
        signing.make_key(tmp_path / "key")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageProblem, match="not replaced"):
        signing.make_key(tmp_path / "link")
    assert b"PRIVATE KEY" in before


def test_an_encrypted_key_asks_for_its_passphrase(tmp_path: Path) -> None:
    made = signing.make_key(tmp_path / "key", "open sesame")
    assert signing.load_private(made.private, lambda: "open sesame").public_key.keyid == made.keyid
    with pytest.raises(UsageProblem, match="for this passphrase"):
        signing.load_private(made.private, lambda: "guess")


@pytest.mark.parametrize("content", [b"", b"hello", b"\x00" * 100])
def test_what_is_no_key_is_one_sentence(tmp_path: Path, keys: Any, content: bytes) -> None:
    path = tmp_path / "key"
    with pytest.raises(UsageProblem, match="can't be read"):
        signing.load_public(path)
    path.write_bytes(content)
    with pytest.raises(UsageProblem, match=r"ends in \.pub"):
        signing.load_public(path)
    with pytest.raises(UsageProblem, match="report keygen"):
        signing.load_private(path, str)
    with pytest.raises(UsageProblem, match="no usable private key"):
        signing.load_private(keys.public, str)
    with pytest.raises(UsageProblem, match="no public key"):
        signing.load_public(keys.private)


def test_a_missing_library_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "securesystemslib", None)
    with pytest.raises(UsageProblem, match=r"isolation-tests\[certificate\]"):
        signing.make_key(tmp_path / "key")


# What was installed


@pytest.mark.parametrize(
    ("version", "why"),
    [
        ("2.2.1", None),
        ("1.0rc1", None),
        ("1.0.dev3", "development"),
        ("1.0+g1", "local"),
        ("main", "no version"),
    ],
)
def test_a_version_that_is_no_release_says_why(version: str, why: str | None) -> None:
    found = not_a_release(version)
    assert found is None if why is None else found is not None and why in found


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (None, None),
        ('{"url": "https://example.org/x", "vcs_info": {"vcs": "git"}}', "installed from a git checkout"),
        ('{"url": "file:///x", "dir_info": {"editable": true}}', "installed from a folder or file"),
        ("{", "installed from an unknown place"),
    ],
)
def test_a_checkout_is_no_release_whatever_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str | None, why: str | None
) -> None:
    assert unreleased("sample-memory") == "not installed"
    install(tmp_path, "sample-memory", direct_url=said)
    monkeypatch.syspath_prepend(tmp_path)

    assert unreleased("sample-memory") == why


# By the command line


def run(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["report", *arguments])


def test_the_commands_issue_and_refuse(tmp_path: Path, clean: Any, keys: Any) -> None:
    folder = write(tmp_path / "run", clean)
    refused = run("certify", str(folder), "--key", str(keys.private))
    assert refused.exit_code == 1
    assert "run again with the released suite" in refused.output
    unsigned = run("verify", str(folder), "--key", str(keys.public))
    assert unsigned.exit_code == 1
    assert "NoCertificate" in unsigned.output
    for wrong in (("verify", str(tmp_path / "none"), "--key", "x"), ("verify", str(folder), "--key", "x")):
        assert run(*wrong).exit_code == 3
    assert run("certify", str(folder)).exit_code == 3
    made = run("keygen", str(tmp_path / "mine"))
    assert made.exit_code == 0
    assert (tmp_path / "mine.pub").is_file()
    assert run("keygen", str(tmp_path / "mine")).exit_code == 3


def test_a_bundle_verifies_elsewhere_with_the_public_key_alone(tmp_path: Path, clean: Any, keys: Any) -> None:
    whole = expected_checks(PROFILES["ci"])
    folder = write(tmp_path / "run", clean, expected=whole, selection=("-k few",))
    assert run("certify", str(folder), "--key", str(keys.private)).exit_code == 0
    elsewhere = tmp_path / "another" / "checkout"
    shutil.copytree(folder, elsewhere / "bundle")
    shutil.copy(keys.public, elsewhere)
    shutil.rmtree(folder)
    done = subprocess.run(
        [sys.executable, "-m", "isolation_tests", "report", "verify", "bundle", "--key", keys.public.name],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=elsewhere,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Verified. PARTIAL: no level reached" in done.stdout
    assert "narrowed by -k few" in (elsewhere / "bundle" / TEXT_NAME).read_text(encoding="utf-8")


def test_a_folder_whose_last_run_has_no_end_is_neither_certified_nor_verified(
    bundle: Path, signer: Any, public: Any
) -> None:
    questions = questions_of(bundle)
    (bundle / "evidence.jsonl.partial").write_bytes(b"")
    with pytest.raises(errors.NoFooter):
        certify(bundle, signer, questions, write_html)
    refused = verify(bundle, public, questions)
    assert isinstance(refused.refusal, errors.NoFooter)


def test_a_page_that_somebody_changed_is_written_again(tmp_path: Path, clean: Any, signer: Any) -> None:
    folder = write(tmp_path / "run", clean)
    page = folder / "report.html"
    page.write_text("HELD, level scale", encoding="utf-8")
    certify(folder, signer, questions_of(folder), write_html)
    assert page.read_text(encoding="utf-8") == render_html(reader.read(folder), beside(folder))
