"""A certificate: what one run's evidence shows, as a statement that others can verify.

The statement is an in-toto Statement v1
(https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md) with the vetted predicate test-result
v0.1 (https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md). The predicate names
the configuration and the tests that passed, warned and failed. It may be extended, so our own claim has a key
of its own. A reader that knows only the predicate learns nothing false: PASSED means a certificate without a
cause to be PARTIAL, WARNED a PARTIAL one, and FAILED that at least one check was violated, inconclusive, in
error or not run. The subjects are the run's files, because an installed version has no digest here; the
configuration lists versions as package URLs.

The models are our own, because the Statement of `in-toto-attestation` keeps a predicate as a Protobuf struct,
which turns every whole number into a fraction.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from packaging.utils import canonicalize_name
from pydantic import ConfigDict, Field

from isolation_tests.core.distributions import NPM, not_a_release
from isolation_tests.model import Frozen, Level, Verdict
from isolation_tests.reporting.certificates.partial import Cause, causes
from isolation_tests.reporting.certificates.rejudge import Examined
from isolation_tests.reporting.evidence.evidence import (
    EVIDENCE_NAME,
    REPORT_NAME,
    SUITE,
    Evidence,
    ExpectedCheck,
    TargetInfo,
)
from isolation_tests.reporting.evidence.sanitising import encode
from isolation_tests.reporting.evidence.signed_text import LATEST_FORM
from isolation_tests.reporting.evidence.strength import STRENGTH_NAME, Strength, read_strength

__all__ = [
    "CERTIFICATE_NAME",
    "FORMS",
    "PREDICATE_TYPE",
    "STATEMENT_TYPE",
    "SUBJECTS",
    "TEXT_NAME",
    "Claim",
    "KnownFinding",
    "Resource",
    "Statement",
    "TestResult",
    "questions_digest",
    "sha256_of",
    "statement_of",
    "subjects_of",
]

FORMS = tuple(range(1, LATEST_FORM + 1))
"""The certificate forms that this version reads. They differ only in the wording of their sentences."""
CERTIFICATE_NAME = "certificate.json"
TEXT_NAME = "certificate.txt"
SUBJECTS = (EVIDENCE_NAME, REPORT_NAME, STRENGTH_NAME)
"""The files that a certificate covers; all but the evidence may be missing."""
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"


class Resource(Frozen):
    """A file or package in in-toto's terms."""

    name: str
    uri: str | None = None
    digest: dict[str, str] | None = None


class KnownFinding(Frozen):
    """A finding of the run that the target's file lists as known, with the reason."""

    finding: str
    reason: str


class Claim(Frozen):
    """The content of a certificate, all of it computed from the evidence and the measured strength."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    schema_version: Literal[1, 2] = 2
    """The certificate form."""
    verdict: Literal["HELD", "PARTIAL"]
    """PARTIAL if there is a cause: anything left out, skipped, inconclusive or known to be violated."""
    level: Level | None = None
    """The highest level that was reached; None: not even the first."""
    causes: tuple[Cause, ...]
    suite_version: str
    run_id: str
    started: str
    ended: str
    target: TargetInfo
    aliases: tuple[str, ...]
    capabilities: tuple[str, ...]
    not_offered: tuple[str, ...]
    """Capabilities that checks need and the target does not offer."""
    profile: str
    budget: dict[str, float]
    workers: int
    seed: int | None = None
    given: tuple[str, ...]
    merged: tuple[str, ...]
    consistency_seconds: float | None = None
    python: str
    platform: str
    questions: str
    """SHA-256 of the expected checks."""
    counts: dict[Verdict, int]
    """Number of checks by verdict."""
    controls: int
    calls: int
    rejudged: int
    """Number of checks whose recorded histories led to the same verdict when they were judged again."""
    known: tuple[KnownFinding, ...]
    strength: Strength | None = None


class TestResult(Frozen):
    """The predicate: in-toto's fields of a test result, and our claim under its own key."""

    result: Literal["PASSED", "WARNED", "FAILED"]
    configuration: tuple[Resource, ...]
    passed: tuple[str, ...] = Field(alias="passedTests")
    warned: tuple[str, ...] = Field(alias="warnedTests")
    failed: tuple[str, ...] = Field(alias="failedTests")
    claim: Claim = Field(alias="isolationTests")


class Statement(Frozen):
    """An in-toto Statement: files, and a claim about them."""

    type: Literal["https://in-toto.io/Statement/v1"] = Field(alias="_type")
    subject: tuple[Resource, ...]
    predicate_type: Literal["https://in-toto.io/attestation/test-result/v0.1"] = Field(alias="predicateType")
    predicate: TestResult

    def payload(self) -> bytes:
        """The bytes to sign: ASCII, the same for the same statement."""
        content = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return json.dumps(content, ensure_ascii=True, separators=(",", ":")).encode("ascii")


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def questions_digest(expected: Iterable[ExpectedCheck]) -> str:
    """SHA-256 of the expected checks, whatever their order."""
    ordered = sorted(expected, key=lambda check: check.check)
    return hashlib.sha256(b"".join(encode(check.model_dump(mode="json")) for check in ordered)).hexdigest()


def statement_of(folder: Path, evidence: Evidence, examined: Examined, form: Literal[1, 2] = 2) -> Statement:
    """The statement that a certificate of this folder has to make.

    form: the certificate form whose wording is used. Raises `EvidenceError` for an invalid strength file.
    """
    claim = _claim(evidence, examined, read_strength(folder), form)
    rows = examined.summary.checks
    passed = tuple(row.check for row in rows if row.verdict is Verdict.HELD)
    warned = tuple(row.check for row in rows if row.verdict is Verdict.NOT_SUPPORTED)
    done = {*passed, *warned}
    failed = tuple(row.check for row in rows if row.check not in done)
    predicate = TestResult(
        result="FAILED" if failed else "WARNED" if claim.causes else "PASSED",
        configuration=tuple(_configuration(claim)),
        passedTests=passed,
        warnedTests=warned,
        failedTests=failed,
        isolationTests=claim,
    )
    return Statement(
        _type=STATEMENT_TYPE,
        subject=tuple(subjects_of(folder, evidence)),
        predicateType=PREDICATE_TYPE,
        predicate=predicate,
    )


def subjects_of(folder: Path, evidence: Evidence) -> Iterator[Resource]:
    """The evidence by its unpacked bytes, so that packing changes nothing, and the files beside it."""
    yield Resource(name=EVIDENCE_NAME, digest={"sha256": evidence.sha256})
    for name in SUBJECTS[1:]:
        if (folder / name).is_file():
            yield Resource(name=name, digest={"sha256": sha256_of(folder / name)})


def _claim(evidence: Evidence, examined: Examined, strength: Strength | None, form: Literal[1, 2]) -> Claim:
    header, summary = evidence.header, examined.summary
    found = causes(evidence, examined, strength, form)
    needed = {need for check in header.expected for need in check.needs or ()}
    return Claim(
        schema_version=form,
        verdict="PARTIAL" if found or summary.level is None else "HELD",
        level=summary.level,
        causes=found,
        suite_version=header.suite_version,
        run_id=header.run_id,
        started=header.started,
        ended=evidence.footer.ended,
        target=header.target,
        aliases=header.aliases,
        capabilities=header.capabilities,
        not_offered=tuple(sorted(needed - set(header.capabilities))),
        profile=header.profile,
        budget=header.budget,
        workers=header.workers,
        seed=header.seed,
        given=header.given,
        merged=header.merged,
        consistency_seconds=header.consistency_seconds,
        python=header.python,
        platform=header.platform,
        questions=questions_digest(header.expected),
        counts=summary.counts,
        controls=summary.controls,
        calls=summary.calls,
        rejudged=examined.rejudged,
        known=tuple(
            KnownFinding(finding=case.finding.key, reason=case.known)
            for case in summary.cases
            if case.known is not None
        ),
        strength=strength,
    )


def _configuration(claim: Claim) -> Iterator[Resource]:
    yield Resource(name="questions", digest={"sha256": claim.questions})
    if claim.target.file:
        yield Resource(name="target file", digest={"sha256": claim.target.file})
    for name, version in {SUITE: claim.suite_version, **claim.target.distributions}.items():
        if not_a_release(version) is None:
            yield Resource(name=name, uri=_package_url(name, version))


def _package_url(name: str, version: str) -> str:
    """A release as a package URL, with the scope of an npm package percent-encoded."""
    if version.startswith(NPM):
        return f"pkg:npm/{quote(name)}@{version.removeprefix(NPM)}"
    return f"pkg:pypi/{canonicalize_name(name)}@{version}"
