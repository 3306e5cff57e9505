"""Issuing a certificate for a folder of evidence, and checking one elsewhere: offline, without the target."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.version import Version
from pydantic import ValidationError

from isolation_tests.core.distributions import version
from isolation_tests.core.inert import plain
from isolation_tests.model import Verdict
from isolation_tests.reporting.certificates.refusals import (
    AddedFile,
    ChangedFile,
    ChangedText,
    HiddenCause,
    Incomplete,
    NewerCertificate,
    NoCertificate,
    NotACertificate,
    NothingProved,
    OtherClaim,
    OtherQuestions,
    OtherRun,
    OtherStrength,
    OtherSubject,
    OtherSuite,
    RaisedLevel,
    ViolatedByNews,
    WrongStatement,
)
from isolation_tests.reporting.certificates.rejudge import Examined, examine
from isolation_tests.reporting.certificates.signing import MOST_ENVELOPE_BYTES, signed, verified_payload
from isolation_tests.reporting.certificates.statement import (
    CERTIFICATE_NAME,
    CERTIFICATE_VERSION,
    PREDICATE_TYPE,
    STATEMENT_TYPE,
    SUBJECTS,
    TEXT_NAME,
    Claim,
    Resource,
    Statement,
    certificate_lines,
    statement_of,
    subjects_of,
    title_of,
)
from isolation_tests.reporting.evidence.errors import EvidenceError, NotWritable, first_fault
from isolation_tests.reporting.evidence.evidence import EVIDENCE_NAME, SUITE, Evidence, ExpectedCheck
from isolation_tests.reporting.evidence.reader import read

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner, Key

__all__ = ["Issued", "Questions", "Step", "Verified", "certify", "verify"]

Questions = Callable[[str], Sequence[ExpectedCheck]]
"""What this version of the suite asks at a profile, by the profile's name."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate that was written: its envelope, its readable text, and what it says."""

    path: Path
    text: Path
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was checked: what, whether it was in order, and what was found in one sentence."""

    name: str
    passed: bool
    sentence: str

    def line(self) -> str:
        """The step as it is printed."""
        word = "PASS" if self.passed else "REFUSED"
        return " ".join(plain(f"{word:<8} {self.name}: {self.sentence}").splitlines())


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of checking a certificate: steps in their order, up to the first that was refused."""

    steps: tuple[Step, ...]
    claim: Claim | None
    refusal: EvidenceError | None

    def lines(self) -> list[str]:
        """All steps as they are printed, and the outcome."""
        told = [step.line() for step in self.steps]
        if self.refusal is not None or self.claim is None:
            return [*told, "Not verified: do not rely on this certificate."]
        return [*told, f"Verified. {title_of(self.claim)}."]


def certify(folder: Path, signer: CryptoSigner, questions: Questions) -> Issued:
    """Write a signed certificate beside a run's evidence.

    Raises `EvidenceError` for evidence that can't be believed, and the `Refusal` where it is not complete, is
    violated by something that is not known, proves nothing, or contradicts itself.
    """
    evidence = read(folder)
    here = str(version(SUITE))
    if evidence.header.suite_version != here:
        raise OtherSuite(evidence.header.suite_version, here)
    _same_questions(evidence, questions)
    examined = examine(evidence)
    _can_be_certified(evidence, examined)
    statement = statement_of(folder, evidence, examined)
    lines = certificate_lines(statement)
    path, text = folder / CERTIFICATE_NAME, folder / TEXT_NAME
    _replace(path, signed(statement.payload(), signer))
    _replace(text, _text(lines))
    return Issued(path, text, tuple(lines))


def verify(folder: Path, key: Key, questions: Questions) -> Verified:
    """Check a certificate and the evidence beside it, with the issuer's public key and nothing else."""
    checking = _Checking(folder, key, questions)
    try:
        checking.all()
    except EvidenceError as error:
        step = Step(checking.now, passed=False, sentence=f"{type(error).__name__}. {error}")
        return Verified((*checking.steps, step), checking.claim, error)
    return Verified(tuple(checking.steps), checking.claim, None)


class _Checking:
    """One verification in progress: `now` names the step that is under way."""

    def __init__(self, folder: Path, key: Key, questions: Questions) -> None:
        self.folder, self.key, self.questions = folder, key, questions
        self.steps: list[Step] = []
        self.now = "signature"
        self.claim: Claim | None = None

    def all(self) -> None:
        """Check everything; what is refused is raised."""
        statement = self._signature()
        evidence = self._evidence(statement)
        self._asked(evidence)
        examined = self._judged(evidence)
        self._said(statement, evidence, examined)
        self.claim = statement.predicate.claim

    def _pass(self, sentence: str) -> None:
        self.steps.append(Step(self.now, passed=True, sentence=sentence))

    def _signature(self) -> Statement:
        payload = verified_payload(_read_certificate(self.folder / CERTIFICATE_NAME), self.key)
        self._pass(f"the certificate is as the holder of the key {self.key.keyid[:16]} signed it")
        self.now = "form"
        statement = _statement(payload)
        self._pass(f"an in-toto statement with a test result, of form {CERTIFICATE_VERSION}")
        return statement

    def _evidence(self, statement: Statement) -> Evidence:
        self.now = "evidence"
        evidence = read(self.folder)
        self._pass(
            f"the file is whole: {len(evidence.results)} records, none added, removed or changed since"
        )
        self.now = "files"
        certified = statement.predicate.claim.run_id
        if evidence.header.run_id != certified:
            raise OtherRun(certified, evidence.header.run_id)
        names = [subject.name for subject in statement.subject]
        if len(set(names)) < len(names) or EVIDENCE_NAME not in names or not set(names) <= set(SUBJECTS):
            raise OtherSubject(", ".join(names) or "nothing")
        _files_agree(statement.subject, subjects_of(self.folder, evidence))
        self._pass(f"{', '.join(names)}: they are those of run {certified} that were certified")
        return evidence

    def _asked(self, evidence: Evidence) -> None:
        self.now = "questions"
        made_by, here = evidence.header.suite_version, str(version(SUITE))
        if Version(made_by) < Version(here):
            self._pass(
                f"asked by {SUITE} {made_by}; this is {here}, so what it set out to ask is not compared"
            )
            return
        _same_questions(evidence, self.questions)
        self._pass(
            f"all {len(evidence.header.expected)} that {SUITE} {here} asks at this profile were expected"
        )

    def _judged(self, evidence: Evidence) -> Examined:
        self.now = "judged again"
        examined = examine(evidence)
        told = [
            f"re-judged {examined.rejudged} of {examined.checks} checks that made calls",
            f"from {examined.histories} histories ({examined.several} checks searched or compared several)",
        ]
        if examined.counted:
            told.append(f"{len(examined.counted)} kept no history and are believed by their counts")
        if examined.withheld:
            told.append(f"{examined.withheld} findings are published without what shows them")
        self._pass(f"{', '.join(told)}: none contradicts its verdict")
        return examined

    def _said(self, statement: Statement, evidence: Evidence, examined: Examined) -> None:
        self.now = "certifiable"
        _can_be_certified(evidence, examined)
        self._pass("all reported that had to, and no finding is new")
        self.now = "statement"
        due = statement_of(self.folder, evidence, examined)
        _claims_agree(statement.predicate.claim, due.predicate.claim)
        if statement != due:
            raise OtherClaim("list of tests")
        self._pass("verdict, level, causes, strength and figures are what the evidence shows")
        self.now = "text"
        text = self.folder / TEXT_NAME
        if text.is_file() and text.read_bytes() != _text(certificate_lines(statement)):
            raise ChangedText(TEXT_NAME)
        self._pass(
            f"{TEXT_NAME} says what was signed" if text.is_file() else f"there is no {TEXT_NAME} to read"
        )


def _read_certificate(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_ENVELOPE_BYTES + 1)
    except FileNotFoundError as error:
        raise NoCertificate(path.name) from error
    except OSError as error:
        raise NotACertificate(error.strerror or type(error).__name__) from error


def _statement(payload: bytes) -> Statement:
    """The statement that was signed; of a later form, which one."""
    try:
        content = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise WrongStatement("it is no JSON") from error
    _known_form(content)
    try:
        statement = Statement.model_validate(content)
    except ValidationError as error:
        raise WrongStatement(first_fault(error)) from error
    except RecursionError as error:
        raise WrongStatement("it is nested too deep") from error
    here = str(version(SUITE))
    made_by = statement.predicate.claim.suite_version
    if made_by != here and _is_newer(made_by, here):
        raise NewerCertificate(f"{SUITE} {made_by}", here)
    return statement


def _known_form(content: Any) -> None:
    kinds = content if isinstance(content, dict) else {}
    if kinds.get("_type") != STATEMENT_TYPE or kinds.get("predicateType") != PREDICATE_TYPE:
        raise WrongStatement("it is of another type")
    predicate = kinds.get("predicate")
    claim = predicate.get("isolationTests") if isinstance(predicate, dict) else None
    if not isinstance(claim, dict):
        raise WrongStatement("it holds no claim of isolation tests")
    if claim.get("schema_version") != CERTIFICATE_VERSION:
        raise NewerCertificate(str(claim.get("schema_version"))[:20], str(CERTIFICATE_VERSION))


def _is_newer(made_by: str, here: str) -> bool:
    try:
        return Version(made_by) > Version(here)
    except ValueError as error:
        raise WrongStatement("its suite version is none") from error


def _same_questions(evidence: Evidence, questions: Questions) -> None:
    header = evidence.header
    asked = {check.check: check for check in questions(header.profile)}
    expected = {check.check: check for check in header.expected}
    if asked != expected or len(expected) != len(header.expected):
        missing = sum(expected.get(name) != check for name, check in asked.items())
        raise OtherQuestions(header.profile, missing, len(expected.keys() - asked.keys()))


def _can_be_certified(evidence: Evidence, examined: Examined) -> None:
    summary = examined.summary
    if summary.not_run and not evidence.header.selection:
        raise Incomplete(len(summary.not_run), len(evidence.header.expected))
    if any(row.fresh for row in summary.checks):
        raise ViolatedByNews(tuple(case.finding.key for case in summary.cases if case.known is None))
    if not any(row.verdict is Verdict.HELD and row.controls for row in summary.checks):
        raise NothingProved


def _claims_agree(said: Claim, due: Claim) -> None:
    if (said.verdict, said.level) != (due.verdict, due.level):
        raise RaisedLevel(title_of(said), title_of(due))
    if said.strength != due.strength:
        raise OtherStrength
    if said.causes != due.causes:
        differing = set(said.causes) ^ set(due.causes)
        raise HiddenCause(", ".join(sorted({cause.kind for cause in differing})) or "their order")
    for field in Claim.model_fields:
        if getattr(said, field) != getattr(due, field):
            raise OtherClaim(field)


def _files_agree(said: Iterable[Resource], there: Iterable[Resource]) -> None:
    """Every file of the certificate is there and unchanged, and none was laid beside them since."""
    certified = {one.name: one for one in said}
    found = {one.name: one for one in there}
    for name, resource in certified.items():
        if found.get(name) != resource:
            raise ChangedFile(name)
    for name in found.keys() - certified.keys():
        raise AddedFile(name)


def _text(lines: Sequence[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode("utf-8", errors="backslashreplace")


def _replace(path: Path, content: bytes) -> None:
    """Put a file in its place, whole or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        raise NotWritable(path.parent, error.strerror or type(error).__name__) from error
