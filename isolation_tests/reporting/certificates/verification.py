"""Issues a certificate for a folder of evidence, and verifies one offline, without the target."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.version import Version
from pydantic import ValidationError

from isolation_tests.core.bounded import no_json, parsed, read_file
from isolation_tests.core.distributions import version
from isolation_tests.core.inert import plain
from isolation_tests.model import Verdict
from isolation_tests.plans.cells import concerns
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
    FORMS,
    PREDICATE_TYPE,
    STATEMENT_TYPE,
    SUBJECTS,
    TEXT_NAME,
    Claim,
    Resource,
    Statement,
    statement_of,
    subjects_of,
)
from isolation_tests.reporting.certificates.text import certificate_lines, title_of
from isolation_tests.reporting.evidence.errors import EvidenceError, first_fault
from isolation_tests.reporting.evidence.evidence import (
    EVIDENCE_NAME,
    REPORT_NAME,
    SUITE,
    Evidence,
    ExpectedCheck,
)
from isolation_tests.reporting.evidence.files import write_whole
from isolation_tests.reporting.evidence.reader import read

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner, Key

__all__ = ["Issued", "Questions", "Render", "Step", "Verified", "certify", "verify"]

Questions = Callable[[str], Sequence[ExpectedCheck]]
"""Returns the checks that this version of the suite runs with a profile, given its name."""

Render = Callable[[Evidence, Path], object]
"""Writes the page of a run's evidence to a path."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate that was written: the paths of its envelope and its text, and the text's lines."""

    path: Path
    text: Path
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a verification: its name, whether it passed, and one sentence about it."""

    name: str
    passed: bool
    sentence: str

    def line(self) -> str:
        """The step as one line of output."""
        word = "PASS" if self.passed else "REFUSED"
        return " ".join(plain(f"{word:<8} {self.name}: {self.sentence}").splitlines())


@dataclass(frozen=True, slots=True)
class Verified:
    """The result of a verification: its steps in order, up to the first that was refused."""

    steps: tuple[Step, ...]
    claim: Claim | None
    refusal: EvidenceError | None

    def lines(self) -> list[str]:
        """The steps as lines of output, then the outcome."""
        lines = [step.line() for step in self.steps]
        if self.refusal is not None or self.claim is None:
            return [*lines, "Not verified: do not rely on this certificate."]
        return [*lines, f"Verified. {title_of(self.claim)}."]


def certify(folder: Path, signer: CryptoSigner, questions: Questions, render: Render) -> Issued:
    """Write a signed certificate beside a run's evidence.

    The run's page is written again first, so that a page which somebody has changed is never certified.

    Raises `EvidenceError` for evidence that can't be trusted, and a `Refusal` if the run is incomplete, is
    violated by findings not listed as known, proves nothing, or contradicts itself.
    """
    evidence = read(folder)
    here = str(version(SUITE))
    if evidence.header.suite_version != here:
        raise OtherSuite(evidence.header.suite_version, here)
    _same_questions(evidence, questions)
    examined = examine(evidence)
    _can_be_certified(evidence, examined)
    render(evidence, folder / REPORT_NAME)
    statement = statement_of(folder, evidence, examined)
    lines = certificate_lines(statement)
    path, text = folder / CERTIFICATE_NAME, folder / TEXT_NAME
    write_whole(path, signed(statement.payload(), signer))
    write_whole(text, _text(lines))
    return Issued(path, text, tuple(lines))


def verify(folder: Path, key: Key, questions: Questions) -> Verified:
    """Verify a certificate and the evidence beside it with nothing but the issuer's public key."""
    checking = _Checking(folder, key, questions)
    try:
        checking.all()
    except EvidenceError as error:
        step = Step(checking.now, passed=False, sentence=f"{type(error).__name__}. {error}")
        return Verified((*checking.steps, step), checking.claim, error)
    return Verified(tuple(checking.steps), checking.claim, None)


class _Checking:
    """One verification in progress. now: the name of the current step."""

    def __init__(self, folder: Path, key: Key, questions: Questions) -> None:
        self.folder, self.key, self.questions = folder, key, questions
        self.steps: list[Step] = []
        self.now = "signature"
        self.claim: Claim | None = None

    def all(self) -> None:
        """Run all steps; raises at the first that fails."""
        statement = self._signature()
        evidence = self._evidence(statement)
        self._compare_expected(evidence)
        examined = self._judge_again(evidence)
        self._compare_statement(statement, evidence, examined)
        self.claim = statement.predicate.claim

    def _pass(self, sentence: str) -> None:
        self.steps.append(Step(self.now, passed=True, sentence=sentence))

    def _signature(self) -> Statement:
        payload = verified_payload(_read_certificate(self.folder / CERTIFICATE_NAME), self.key)
        self._pass(f"the holder of key {self.key.keyid[:16]} signed this certificate")
        self.now = "form"
        statement = _statement(payload)
        self._pass(f"an in-toto test result, form {statement.predicate.claim.schema_version}")
        return statement

    def _evidence(self, statement: Statement) -> Evidence:
        self.now = "evidence"
        evidence = read(self.folder)
        self._pass(f"the file is complete and unchanged: {len(evidence.results)} records")
        self.now = "files"
        certified = statement.predicate.claim.run_id
        if evidence.header.run_id != certified:
            raise OtherRun(certified, evidence.header.run_id)
        names = [subject.name for subject in statement.subject]
        if len(set(names)) < len(names) or EVIDENCE_NAME not in names or not set(names) <= set(SUBJECTS):
            raise OtherSubject(", ".join(names) or "nothing")
        _files_agree(statement.subject, subjects_of(self.folder, evidence))
        self._pass(f"{', '.join(names)}: the certified files of run {certified}")
        return evidence

    def _compare_expected(self, evidence: Evidence) -> None:
        self.now = "expected checks"
        made_by, here = evidence.header.suite_version, str(version(SUITE))
        if Version(made_by) < Version(here):
            self._pass(
                f"made by {SUITE} {made_by}, but this is {here}, so the expected checks are not compared"
            )
            return
        _same_questions(evidence, self.questions)
        self._pass(f"all {len(evidence.header.expected)} checks that {SUITE} {here} runs with this profile")

    def _judge_again(self, evidence: Evidence) -> Examined:
        self.now = "judged again"
        examined = examine(evidence)
        notes = [
            f"{examined.rejudged} of {examined.checks} checks that made calls",
            f"{examined.histories} histories ({examined.several} checks recorded more than one)",
        ]
        if examined.counted:
            notes.append(
                f"{len(examined.counted)} checks recorded no history and are accepted by their counts"
            )
        if examined.withheld:
            notes.append(f"{examined.withheld} cases are published without their reproduction")
        self._pass(f"{', '.join(notes)}; no contradiction")
        return examined

    def _compare_statement(self, statement: Statement, evidence: Evidence, examined: Examined) -> None:
        self.now = "certifiable"
        _can_be_certified(evidence, examined)
        self._pass("no expected check is missing, and no finding is new")
        self.now = "statement"
        due = statement_of(self.folder, evidence, examined, statement.predicate.claim.schema_version)
        _claims_agree(statement.predicate.claim, due.predicate.claim)
        if statement != due:
            raise OtherClaim("list of tests")
        self._pass("verdict, level, causes, strength and figures match the evidence")
        self.now = "text"
        text = self.folder / TEXT_NAME
        if text.is_file() and not _holds(text, _text(certificate_lines(statement))):
            raise ChangedText(TEXT_NAME)
        self._pass(
            f"{TEXT_NAME} matches the signed certificate" if text.is_file() else f"there is no {TEXT_NAME}"
        )


def _read_certificate(path: Path) -> bytes:
    try:
        return read_file(path, MOST_ENVELOPE_BYTES)
    except FileNotFoundError as error:
        raise NoCertificate(path.name) from error
    except OSError as error:
        raise NotACertificate(error.strerror or type(error).__name__) from error


def _holds(path: Path, due: bytes) -> bool:
    """Whether a file holds these bytes and no more."""
    try:
        return read_file(path, len(due)) == due
    except OSError:
        return False


def _statement(payload: bytes) -> Statement:
    """The signed statement; raises a `Refusal` if it is invalid or newer than this version."""
    try:
        content = parsed(payload, once=True)
    except ValueError as error:
        raise WrongStatement(no_json(error)) from error
    _known_form(content)
    try:
        statement = Statement.model_validate(content)
    except ValidationError as error:
        raise WrongStatement(first_fault(error)) from error
    except RecursionError as error:
        raise WrongStatement("it is nested too deeply") from error
    if _plain(statement.model_dump(mode="json", by_alias=True, exclude_unset=True)) != _plain(content):
        # What is read here as a number, say, may be a text to another reader.
        raise WrongStatement("a value has another type than this suite writes")
    here = str(version(SUITE))
    made_by = statement.predicate.claim.suite_version
    if made_by != here and _is_newer(made_by, here):
        raise NewerCertificate(f"{SUITE} {made_by}", here)
    return statement


def _plain(content: Any) -> str:
    """JSON as a text that differs if a value or its type does, and that no order changes."""
    return json.dumps(content, sort_keys=True)


def _known_form(content: Any) -> None:
    kinds = content if isinstance(content, dict) else {}
    if kinds.get("_type") != STATEMENT_TYPE or kinds.get("predicateType") != PREDICATE_TYPE:
        raise WrongStatement("it has another type")
    predicate = kinds.get("predicate")
    claim = predicate.get("isolationTests") if isinstance(predicate, dict) else None
    if not isinstance(claim, dict):
        raise WrongStatement("it holds no claim of isolation-tests")
    if claim.get("schema_version") not in FORMS:
        raise NewerCertificate(str(claim.get("schema_version"))[:20], " and ".join(map(str, FORMS)))


def _is_newer(made_by: str, here: str) -> bool:
    try:
        return Version(made_by) > Version(here)
    except ValueError as error:
        raise WrongStatement("its suite version is not a version") from error


def _same_questions(evidence: Evidence, questions: Questions) -> None:
    header = evidence.header
    asked = (check for check in questions(header.profile) if concerns(check.needs or (), header.capabilities))
    due = {check.check: check for check in asked}
    expected = {check.check: check for check in header.expected}
    if due != expected or len(expected) != len(header.expected):
        missing = sum(expected.get(name) != check for name, check in due.items())
        raise OtherQuestions(header.profile, missing, len(expected.keys() - due.keys()))


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
    """Raise a `Refusal` if a certified file is missing or changed, or if a file was added."""
    certified = {one.name: one for one in said}
    found = {one.name: one for one in there}
    for name, resource in certified.items():
        if found.get(name) != resource:
            raise ChangedFile(name)
    for name in found.keys() - certified.keys():
        raise AddedFile(name)


def _text(lines: Sequence[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode("utf-8", errors="backslashreplace")
