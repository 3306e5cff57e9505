"""What makes a certificate partial: every cause by name, from the evidence alone.

What counts, and why:

- A check that is not good: not run, not supported though nothing excuses it, inconclusive, in error, violated
  by known findings. A known finding keeps a build green, never a certificate.
- A run that was narrowed or that stops at its first failure, and a profile that asks a part of the matrix.
- Options or a list of known findings given beside the target's file: the file's digest would then speak for
  something else. Targets without a file are what their options say, so these are stated only. A seed is
  stated only: no check is left out for it, and any run can be repeated until its seed is liked.
- A target's file that is not the one which the suite ships under this name, and a fault planted on purpose.
- A version that names no release, or none at all: nobody else could install what was tested.
- Known findings that are out of date.
- A strength that was not measured for this target, version and profile with every seeded fault.
- Checks that kept nothing which can be judged again, and findings published without what shows them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from isolation_tests.core.distributions import DIGEST, not_a_release
from isolation_tests.core.inert import plain
from isolation_tests.model import Frozen, Verdict
from isolation_tests.reporting.certificates.rejudge import Examined
from isolation_tests.reporting.evidence.evidence import SUITE, Evidence, Header, TargetInfo
from isolation_tests.reporting.evidence.strength import Strength
from isolation_tests.reporting.evidence.summary import NOT_RUN, CheckRow

__all__ = ["Cause", "CauseKind", "causes", "strength_cause"]

MOST_REASON = 300
FAULT = "fault:"


class CauseKind(StrEnum):
    """Why a certificate is partial, in a word or two."""

    NOT_RUN = "not run"
    NOT_SUPPORTED = "not supported"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    KNOWN = "known finding"
    VIOLATED = "violated"
    PROFILE = "profile"
    NARROWED = "narrowed"
    SETTINGS = "settings"
    TARGET_FILE = "target file"
    SEEDED_FAULT = "seeded fault"
    UNRELEASED = "unreleased"
    STALE_KNOWN = "known out of date"
    STRENGTH = "strength"
    NOT_KEPT = "not kept"
    WITHHELD = "withheld"


class Cause(Frozen):
    """One thing that makes a certificate partial. checks: those it is about; none where it is about all."""

    kind: CauseKind
    text: str
    checks: tuple[str, ...] = ()


_KINDS = {
    Verdict.NOT_SUPPORTED: CauseKind.NOT_SUPPORTED,
    Verdict.INCONCLUSIVE: CauseKind.INCONCLUSIVE,
    Verdict.ERROR: CauseKind.ERROR,
    Verdict.VIOLATED: CauseKind.VIOLATED,
}


def causes(evidence: Evidence, examined: Examined, strength: Strength | None) -> tuple[Cause, ...]:
    """All that makes a certificate of this evidence partial, the run's own first; empty for a whole one."""
    header = evidence.header
    found = [
        *_of_run(header),
        *_of_target(header.target),
        *(Cause(kind=CauseKind.STALE_KNOWN, text=note) for note in examined.summary.stale_known),
        *_of_checks(examined.summary.checks),
        *_of_keeping(examined),
    ]
    found += [Cause(kind=CauseKind.STRENGTH, text=why)] if (why := strength_cause(header, strength)) else []
    return tuple(cause.model_copy(update={"text": plain(cause.text)}) for cause in found)


def strength_cause(header: Header, strength: Strength | None) -> str | None:
    """Why the strength does not speak for this run; None where it does."""
    target = header.target
    if strength is None:
        return "which seeded faults would be caught was not measured; `isolation-tests calibrate` measures it"
    if strength.target != target.name:
        return f"the strength was measured in front of {strength.target}"
    if strength.versions != target.distributions or strength.suite_version != header.suite_version:
        return "the strength was measured for other versions"
    if strength.profile != header.profile:
        return f"the strength was measured at profile {strength.profile}"
    return None if strength.whole else "the strength was measured with a choice of the seeded faults"


def _of_run(header: Header) -> Iterator[Cause]:
    if not header.whole:
        text = f"the profile {header.profile} asks a part of the matrix"
        yield Cause(kind=CauseKind.PROFILE, text=text)
    for narrowing in header.selection:
        yield Cause(kind=CauseKind.NARROWED, text=f"the run was narrowed by {narrowing}")
    beside = [name for name in header.given if name != "seed" and (header.target.file or name == "known")]
    for name in beside:
        what = "the list of known findings" if name == "known" else f"the {name}"
        yield Cause(kind=CauseKind.SETTINGS, text=f"{what} was given beside the target's file")
    if (why := not_a_release(header.suite_version)) is not None:
        text = f"{SUITE} {header.suite_version} is no release: {why}"
        yield Cause(kind=CauseKind.UNRELEASED, text=text)


def _of_target(target: TargetInfo) -> Iterator[Cause]:
    if target.name.startswith(FAULT):
        yield Cause(kind=CauseKind.SEEDED_FAULT, text="a fault was planted in front of the target on purpose")
    if target.packaged and target.file != target.packaged:
        text = f"its file is not the one that {SUITE} ships under the name {target.name}"
        yield Cause(kind=CauseKind.TARGET_FILE, text=text)
    if not target.distributions:
        yield Cause(kind=CauseKind.UNRELEASED, text="no version of the target is known")
    for name, why in _unreleased(target.distributions, target.unreleased):
        text = f"{name} {target.distributions.get(name, '')} is no release: {why}"
        yield Cause(kind=CauseKind.UNRELEASED, text=text)


def _unreleased(versions: Mapping[str, str], told: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Distributions that are no release: as the run saw it, or as the version itself says."""
    for name in dict.fromkeys((*versions, *told)):
        version = versions.get(name, "")
        by_digest = version.startswith(DIGEST)
        why = told.get(name) or (None if by_digest else not_a_release(version))
        # Where the suite tests its own stores, the questions' digest says which sources these were.
        if why is not None and not (name == SUITE and not_a_release(version) is None):
            yield name, why


def _of_checks(rows: tuple[CheckRow, ...]) -> list[Cause]:
    groups: dict[tuple[CauseKind, str], list[str]] = {}
    for row in rows:
        if not row.good:
            groups.setdefault(_named(row), []).append(row.check)
    return [Cause(kind=kind, text=text, checks=tuple(checks)) for (kind, text), checks in groups.items()]


def _named(row: CheckRow) -> tuple[CauseKind, str]:
    if not row.ran:
        return CauseKind.NOT_RUN, NOT_RUN
    if row.known:
        return CauseKind.KNOWN, "; ".join(dict.fromkeys(str(case.known) for case in row.cases))[:MOST_REASON]
    return _KINDS[row.verdict], (row.reason or row.verdict.value)[:MOST_REASON]


def _of_keeping(examined: Examined) -> Iterator[Cause]:
    if examined.counted:
        text = "they kept no history, so they are believed by their counts"
        yield Cause(kind=CauseKind.NOT_KEPT, text=text, checks=examined.counted)
    if examined.withheld:
        text = f"{examined.withheld} known findings were published without what shows them"
        yield Cause(kind=CauseKind.WITHHELD, text=text)
