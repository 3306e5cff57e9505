"""The certificate as readable text: evidence, causes, scope, limits, and what is not covered."""

from __future__ import annotations

from collections.abc import Iterable

from isolation_tests.core.inert import plain
from isolation_tests.core.plural import counted
from isolation_tests.model import LADDER, Level, Verdict
from isolation_tests.reporting.certificates.partial import Cause
from isolation_tests.reporting.certificates.statement import Claim, Resource, Statement
from isolation_tests.reporting.evidence.evidence import SUITE
from isolation_tests.reporting.evidence.signed_text import SignedText
from isolation_tests.reporting.evidence.strength import strength_lines

__all__ = ["certificate_lines", "title_of"]

MOST_NAMED = 3


class _Text(SignedText):
    EVIDENCE = (
        "Evidence for user isolation in {versions}, as asked by {suite} {version}.",
        "Evidence of user isolation in {versions}, tested by {suite} {version}.",
    )
    HELD = (
        "{held} of {checks} held, with {controls} in {calls};",
        "{held} of {checks} held. The run made {calls} and met {controls}.",
    )
    REJUDGED = (
        "{number} were judged again from their kept histories.",
        "{number} checks were judged again from their recorded histories.",
    )
    NO_VERSION = ("{name} of no known version", "{name}, version unknown")
    CAUSES = ("What makes it partial", "Why it is PARTIAL")
    SCOPE = ("Scope",)
    NOT_COVERED = ("What was not asked", "Not covered")
    KNOWN = ("Known findings",)
    STRENGTH = ("Strength",)
    NO_STRENGTH = ("It was not measured.", "Not measured.")
    LIMITS = ("Limits",)
    FILES = ("Files",)
    TENANCY = ("users told apart by: {tenancy}", "users kept apart by: {tenancy}")
    NO_TENANCY = ("not said", "not stated")
    GIVEN = ("; given beside the target's file: {given}", "; set outside the target's file: {given}")
    CONSISTENCY = (
        "consistency: writes may take {seconds:g} seconds to be seen",
        "consistency: a write may take {seconds:g} seconds to become visible",
    )
    NO_CONSISTENCY = ("consistency: not recorded",)
    CAPABILITIES = ("capabilities asked: {names}", "capabilities tested: {names}")
    NO_CAPABILITIES = ("core only", "only the four core methods")
    ALIASES = ("names declared to be one user: {names}", "declared aliases: {names}")
    QUESTIONS = ("questions: sha256 {digest}", "expected checks: sha256 {digest}")
    NOT_OFFERED = (
        "what needs {name}, which the target does not offer",
        "checks that need {name}, which the target does not offer",
    )
    ONE_USER = (
        "whether names related by {names} are kept apart: they are one user",
        "names related by {names}, which the target declares to be one user",
    )
    VOLATILE = (
        "what the target declares to change by itself: {volatile}",
        "what the target declares non-deterministic: {volatile}",
    )
    NO_LEVEL = ("levels that were not reached: {names}",)


class _Limit(SignedText):
    VERSIONS = (
        "It speaks of these versions, this target file and this run, and of nothing else.",
        "It covers these versions, this target file and this run, and nothing else.",
    )
    EVIDENCE = (
        "What was asked and held is evidence, not proof that nothing else can happen.",
        "A check that held is evidence, not proof: an untested call may still cross between users.",
    )
    LEVEL = (
        "A level of which every check held says nothing of the levels above it.",
        "A level that was reached says nothing about the levels above it.",
    )
    RATE = (
        "Where nothing was seen in n tries, it may still happen in up to about 3 of n (95 %).",
        "After n tries without a violation, its rate may still be up to about 3 in n (95 %).",
    )
    SIGNATURE = (
        "The signature says who vouches for the run; whoever holds the key could have made up the answers.",
        "The signature shows who vouches for the run. The holder of the key could have made up the answers.",
    )


def title_of(claim: Claim) -> str:
    """Verdict and level on one line."""
    reached = f"level {claim.level}" if claim.level else "no level reached"
    partial = f", {counted(len(claim.causes), 'cause')}" if claim.verdict == "PARTIAL" else ""
    return f"{claim.verdict}: {reached}{partial}"


def certificate_lines(statement: Statement) -> list[str]:
    """The lines of the readable certificate, in the wording of the statement's own form."""
    claim = statement.predicate.claim
    form = claim.schema_version
    strength = strength_lines(claim.strength, form) if claim.strength else [_Text.NO_STRENGTH.at(form)]
    lines = [
        title_of(claim) + (" named below" if claim.verdict == "PARTIAL" else ""),
        "",
        _Text.EVIDENCE.at(form, versions=_versions(claim), suite=SUITE, version=claim.suite_version),
        _figures(claim),
        *_section(_Text.CAUSES.at(form), map(_cause, claim.causes)),
        *_section(_Text.SCOPE.at(form), _scope(claim)),
        *_section(_Text.NOT_COVERED.at(form), _not_covered(claim)),
        *_section(_Text.KNOWN.at(form), (f"{known.finding}: {known.reason}" for known in claim.known)),
        *_section(_Text.STRENGTH.at(form), strength),
        *_section(_Text.LIMITS.at(form), (limit.at(form) for limit in _Limit)),
        *_section(_Text.FILES.at(form), map(_file, statement.subject)),
    ]
    return [" ".join(plain(line).split()) if not line.startswith("- ") else _item(line) for line in lines]


def _figures(claim: Claim) -> str:
    held = _Text.HELD.at(
        claim.schema_version,
        held=claim.counts.get(Verdict.HELD, 0),
        checks=counted(sum(claim.counts.values()), "check"),
        controls=counted(claim.controls, "positive control"),
        calls=counted(claim.calls, "call"),
    )
    return f"{held} {_Text.REJUDGED.at(claim.schema_version, number=claim.rejudged)}"


def _scope(claim: Claim) -> list[str]:
    target, form = claim.target, claim.schema_version
    budget = ", ".join(f"{name} {figure:g}" for name, figure in claim.budget.items()) or "not recorded"
    title = f" ({target.title})" if target.title not in ("", target.name) else ""
    given = _Text.GIVEN.at(form, given=", ".join(claim.given)) if claim.given else ""
    file = f", target file sha256 {target.file}" if target.file else ""
    merged = f", merged from runs {', '.join(claim.merged)}" if claim.merged else ""
    seed = "random" if claim.seed is None else claim.seed
    return [
        f"target: {target.name}{title}, adapter {target.adapter}{file}",
        _Text.TENANCY.at(form, tenancy=target.tenancy or _Text.NO_TENANCY.at(form)),
        f"run {claim.run_id}{merged}, {claim.started} to {claim.ended}",
        f"Python {claim.python} on {claim.platform}",
        f"seed {seed}, {counted(claim.workers, 'worker')}{given}",
        f"profile {claim.profile}: {budget}",
        _Text.NO_CONSISTENCY.at(form)
        if claim.consistency_seconds is None
        else _Text.CONSISTENCY.at(form, seconds=claim.consistency_seconds),
        _Text.CAPABILITIES.at(form, names=", ".join(claim.capabilities) or _Text.NO_CAPABILITIES.at(form)),
        _Text.ALIASES.at(form, names=", ".join(claim.aliases) or "none"),
        _Text.QUESTIONS.at(form, digest=claim.questions),
    ]


def _not_covered(claim: Claim) -> list[str]:
    form, levels = claim.schema_version, list(LADDER)
    beyond = levels if claim.level in (None, Level.SAFE) else levels[levels.index(claim.level) + 1 :]
    lines = [_Text.NOT_OFFERED.at(form, name=name) for name in claim.not_offered]
    if claim.aliases:
        lines.append(_Text.ONE_USER.at(form, names=", ".join(claim.aliases)))
    if claim.target.volatile:
        lines.append(_Text.VOLATILE.at(form, volatile=claim.target.volatile))
    if beyond:
        lines.append(_Text.NO_LEVEL.at(form, names=", ".join(beyond)))
    return lines


def _cause(cause: Cause) -> str:
    some = ", ".join(cause.checks[:MOST_NAMED])
    more = len(cause.checks) - MOST_NAMED
    named = f" ({some}{f' and {more} more' if more > 0 else ''})" if some else ""
    return f"{cause.kind}: {cause.text}{named}"


def _file(resource: Resource) -> str:
    return f"{resource.name}: sha256 {(resource.digest or {})['sha256']}"


def _section(title: str, lines: Iterable[str]) -> list[str]:
    items = [f"- {line}" for line in lines]
    return ["", title, *items] if items else []


def _item(line: str) -> str:
    return "- " + " ".join(plain(line[2:]).split())


def _versions(claim: Claim) -> str:
    unreleased = claim.target.unreleased
    versions = [
        f"{name} {version}" + (f" ({unreleased[name]})" if name in unreleased else "")
        for name, version in claim.target.distributions.items()
    ]
    return ", ".join(versions) or _Text.NO_VERSION.at(claim.schema_version, name=claim.target.name)
