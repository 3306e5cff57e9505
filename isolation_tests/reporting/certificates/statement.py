"""A certificate: what one run's evidence shows, as a statement that others can check.

The statement is an in-toto Statement v1 (https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md)
with the vetted predicate test-result v0.1
(https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md). That one fits: it names the
configuration and the tests that passed, warned and failed, and it may be extended; what is ours stands under
one key of its own. A reader that knows the predicate alone is told no more than is so: PASSED is said of a
certificate that nothing makes partial, WARNED of a partial one, FAILED where any check did not come to a good
end. The subjects are the run's files, for a distribution's version has no digest of its own here; the
versions stand in the configuration as package URLs.

The models are our own: the Statement of `in-toto-attestation` keeps a predicate as a Protobuf struct, in
which every whole number becomes a fraction.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from packaging.utils import canonicalize_name
from pydantic import Field

from isolation_tests.core.distributions import not_a_release
from isolation_tests.core.inert import plain
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
from isolation_tests.reporting.evidence.strength import STRENGTH_NAME, Strength, read_strength, strength_lines
from isolation_tests.reporting.evidence.writer import encode

__all__ = [
    "CERTIFICATE_NAME",
    "CERTIFICATE_VERSION",
    "PREDICATE_TYPE",
    "STATEMENT_TYPE",
    "SUBJECTS",
    "TEXT_NAME",
    "Claim",
    "KnownFinding",
    "Resource",
    "Statement",
    "TestResult",
    "certificate_lines",
    "questions_digest",
    "sha256_of",
    "statement_of",
    "subjects_of",
    "title_of",
]

CERTIFICATE_VERSION = 1
CERTIFICATE_NAME = "certificate.json"
TEXT_NAME = "certificate.txt"
SUBJECTS = (EVIDENCE_NAME, REPORT_NAME, STRENGTH_NAME)
"""What a certificate speaks of; all but the evidence may be missing."""
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
MOST_NAMED = 3


class Resource(Frozen):
    """A file or package, as in-toto describes one."""

    name: str
    uri: str | None = None
    digest: dict[str, str] | None = None


class KnownFinding(Frozen):
    """A finding that showed and that the target's file lists with its reason."""

    finding: str
    reason: str


class Claim(Frozen):
    """What the certificate says, all of it computed from the evidence and the measured strength.

    verdict: PARTIAL where anything is left out, skipped, doubted or known to be violated; `causes` names
    each. level: the highest that was reached; None: none. not_offered: capabilities that checks need and the
    target does not offer. questions: SHA-256 of the expected checks. rejudged: checks whose kept histories
    came to the same verdict when they were judged again.
    """

    schema_version: Literal[1] = 1
    verdict: Literal["HELD", "PARTIAL"]
    level: Level | None = None
    causes: tuple[Cause, ...]
    suite_version: str
    run_id: str
    started: str
    ended: str
    target: TargetInfo
    aliases: tuple[str, ...]
    capabilities: tuple[str, ...]
    not_offered: tuple[str, ...]
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
    counts: dict[Verdict, int]
    controls: int
    calls: int
    rejudged: int
    known: tuple[KnownFinding, ...]
    strength: Strength | None = None


class TestResult(Frozen):
    """The predicate: in-toto's fields of a test result, and ours under a key that nobody else uses."""

    result: Literal["PASSED", "WARNED", "FAILED"]
    configuration: tuple[Resource, ...]
    passed: tuple[str, ...] = Field(alias="passedTests")
    warned: tuple[str, ...] = Field(alias="warnedTests")
    failed: tuple[str, ...] = Field(alias="failedTests")
    claim: Claim = Field(alias="isolationTests")


class Statement(Frozen):
    """An in-toto Statement: whose files, and what is said of them."""

    type: Literal["https://in-toto.io/Statement/v1"] = Field(alias="_type")
    subject: tuple[Resource, ...]
    predicate_type: Literal["https://in-toto.io/attestation/test-result/v0.1"] = Field(alias="predicateType")
    predicate: TestResult

    def payload(self) -> bytes:
        """The statement as it is signed: ASCII, the same bytes for the same statement."""
        content = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return json.dumps(content, ensure_ascii=True, separators=(",", ":")).encode("ascii")


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def questions_digest(expected: Iterable[ExpectedCheck]) -> str:
    """SHA-256 of what a run set out to ask, whatever the order of its checks."""
    ordered = sorted(expected, key=lambda check: check.check)
    return hashlib.sha256(b"".join(encode(check.model_dump(mode="json")) for check in ordered)).hexdigest()


def statement_of(folder: Path, evidence: Evidence, examined: Examined) -> Statement:
    """What a certificate of this folder has to say; raises `EvidenceError` for a strength that is none."""
    claim = _claim(evidence, examined, read_strength(folder))
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
    """The evidence by its unpacked bytes, so that packing changes nothing, and what lies beside it."""
    yield Resource(name=EVIDENCE_NAME, digest={"sha256": evidence.sha256})
    for name in SUBJECTS[1:]:
        if (folder / name).is_file():
            yield Resource(name=name, digest={"sha256": sha256_of(folder / name)})


def _claim(evidence: Evidence, examined: Examined, strength: Strength | None) -> Claim:
    header, summary = evidence.header, examined.summary
    found = causes(evidence, examined, strength)
    needed = {need for check in header.expected for need in check.needs or ()}
    return Claim(
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
            yield Resource(name=name, uri=f"pkg:pypi/{canonicalize_name(name)}@{version}")


def title_of(claim: Claim) -> str:
    """Verdict and level in one line."""
    reached = f"level {claim.level}" if claim.level else "no level reached"
    partial = f", {_count(len(claim.causes), 'cause')} named below" if claim.verdict == "PARTIAL" else ""
    return f"{claim.verdict}: {reached}{partial}"


def certificate_lines(statement: Statement) -> list[str]:
    """The certificate for people: what it is evidence for, its scope, its limits, and what was not asked."""
    claim = statement.predicate.claim
    lines = [
        title_of(claim),
        "",
        f"Evidence for user isolation in {_versions(claim)}, as asked by {SUITE} {claim.suite_version}.",
        _figures(claim),
        *_section("What makes it partial", [_cause(cause) for cause in claim.causes]),
        *_section("Scope", _scope(claim)),
        *_section("What was not asked", _not_asked(claim)),
        *_section("Known findings", [f"{known.finding}: {known.reason}" for known in claim.known]),
        *_section("Strength", strength_lines(claim.strength) if claim.strength else ["It was not measured."]),
        *_section("Limits", _LIMITS),
        *_section(
            "Files", [f"{one.name}: sha256 {(one.digest or {})['sha256']}" for one in statement.subject]
        ),
    ]
    return [" ".join(plain(line).split()) if not line.startswith("- ") else _item(line) for line in lines]


_LIMITS = [
    "It speaks of these versions, this target file and this run, and of nothing else.",
    "What was asked and held is evidence, not proof that nothing else can happen.",
    "A level of which every check held says nothing of the levels above it.",
    "Where nothing was seen in n tries, it may still happen in up to about 3 of n (95 %).",
    "The signature says who vouches for the run; whoever holds the key could have made up the answers.",
]


def _figures(claim: Claim) -> str:
    held, asked = claim.counts.get(Verdict.HELD, 0), sum(claim.counts.values())
    return (
        f"{held} of {_count(asked, 'check')} held, with {_count(claim.controls, 'positive control')} in"
        f" {_count(claim.calls, 'call')}; {claim.rejudged} were judged again from their kept histories."
    )


def _scope(claim: Claim) -> list[str]:
    target = claim.target
    budget = ", ".join(f"{name} {figure:g}" for name, figure in claim.budget.items()) or "not recorded"
    title = f" ({target.title})" if target.title not in ("", target.name) else ""
    given = f"; given beside the target's file: {', '.join(claim.given)}" if claim.given else ""
    consistency = (
        "not recorded"
        if claim.consistency_seconds is None
        else f"writes may take {claim.consistency_seconds:g} seconds to be seen"
    )
    file = f", target file sha256 {target.file}" if target.file else ""
    merged = f", merged from runs {', '.join(claim.merged)}" if claim.merged else ""
    return [
        f"target: {target.name}{title}, adapter {target.adapter}{file}",
        f"users told apart by: {target.tenancy or 'not said'}",
        f"run {claim.run_id}{merged}, {claim.started} to {claim.ended}",
        f"Python {claim.python} on {claim.platform}",
        f"seed {'random' if claim.seed is None else claim.seed}, {_count(claim.workers, 'worker')}{given}",
        f"profile {claim.profile}: {budget}",
        f"consistency: {consistency}",
        f"capabilities asked: {', '.join(claim.capabilities) or 'core only'}",
        f"names declared to be one user: {', '.join(claim.aliases) or 'none'}",
        f"questions: sha256 {claim.questions}",
    ]


def _not_asked(claim: Claim) -> list[str]:
    levels = list(Level)
    beyond = levels if claim.level is None else levels[levels.index(claim.level) + 1 :]
    lines = [f"what needs {name}, which the target does not offer" for name in claim.not_offered]
    if claim.aliases:
        lines.append(f"whether names related by {', '.join(claim.aliases)} are kept apart: they are one user")
    if claim.target.volatile:
        lines.append(f"what the target declares to change by itself: {claim.target.volatile}")
    if beyond:
        lines.append(f"levels that were not reached: {', '.join(beyond)}")
    return lines


def _cause(cause: Cause) -> str:
    some = ", ".join(cause.checks[:MOST_NAMED])
    more = len(cause.checks) - MOST_NAMED
    named = f" ({some}{f' and {more} more' if more > 0 else ''})" if some else ""
    return f"{cause.kind}: {cause.text}{named}"


def _section(title: str, lines: Iterable[str]) -> list[str]:
    told = [f"- {line}" for line in lines]
    return ["", title, *told] if told else []


def _item(line: str) -> str:
    return "- " + " ".join(plain(line[2:]).split())


def _versions(claim: Claim) -> str:
    unreleased = claim.target.unreleased
    told = [
        f"{name} {version}" + (f" ({unreleased[name]})" if name in unreleased else "")
        for name, version in claim.target.distributions.items()
    ]
    return ", ".join(told) or f"{claim.target.name} of no known version"


def _count(number: int, one: str) -> str:
    return f"{number} {one if number == 1 else one + 's'}"
