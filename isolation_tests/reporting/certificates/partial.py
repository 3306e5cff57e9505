"""The causes that make a certificate PARTIAL, computed from the evidence alone.

The causes, and their reasons:

- A check that neither held nor is excused: not run, not supported, inconclusive, in error, or violated by
  known findings. A known finding keeps a build green, but it never leaves a certificate whole.
- A run that was narrowed or stops at its first failure, and a profile that runs only part of the matrix.
- Options or a list of known findings set outside the target's file, because the file's digest then describes
  something else. For a target without a file, the options define the target, so they are only stated. A seed
  is only stated too: it leaves no check out, and anyone can repeat a run until the seed suits them.
- A target's file that is not the one that the suite ships under this name, and a planted fault.
- A version that is not a release, or an unknown version: nobody else could install what was tested.
- Outdated known findings.
- A strength that was not measured for this target, version and profile with every seeded fault.
- Checks without a history that can be judged again, and findings published without their reproduction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from pydantic import ConfigDict

from isolation_tests.core.distributions import DIGEST, not_a_release
from isolation_tests.core.inert import plain
from isolation_tests.model import Frozen, Verdict
from isolation_tests.reporting.certificates.rejudge import Examined
from isolation_tests.reporting.evidence.evidence import SUITE, Evidence, Header, TargetInfo
from isolation_tests.reporting.evidence.rows import NOT_RUN, CheckRow
from isolation_tests.reporting.evidence.signed_text import LATEST_FORM, SignedText
from isolation_tests.reporting.evidence.strength import Strength

__all__ = ["Cause", "CauseKind", "causes"]

MOST_REASON = 300
FAULT = "fault:"


class CauseKind(StrEnum):
    """The kind of a cause, in a word or two."""

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
    """One cause that makes a certificate PARTIAL."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    kind: CauseKind
    text: str
    checks: tuple[str, ...] = ()
    """The checks that it concerns; empty if it concerns the whole run."""


class _Text(SignedText):
    NOT_MEASURED = (
        "which seeded faults would be caught was not measured; `isolation-tests calibrate` measures it",
        "the strength was not measured; `isolation-tests calibrate` measures it",
    )
    OTHER_TARGET = (
        "the strength was measured in front of {target}",
        "the strength was measured for another target, {target}",
    )
    OTHER_VERSIONS = ("the strength was measured for other versions",)
    OTHER_PROFILE = (
        "the strength was measured at profile {profile}",
        "the strength was measured with profile {profile}",
    )
    SOME_FAULTS = (
        "the strength was measured with a choice of the seeded faults",
        "the strength was measured with only some of the seeded faults",
    )
    PROFILE = (
        "the profile {profile} asks a part of the matrix",
        "profile {profile} runs only part of the matrix",
    )
    NARROWED = ("the run was narrowed by {narrowing}",)
    KNOWN_BESIDE = (
        "the list of known findings was given beside the target's file",
        "the list of known findings was set outside the target's file",
    )
    OPTION_BESIDE = (
        "the {option} was given beside the target's file",
        "the {option} was set outside the target's file",
    )
    NO_RELEASE = ("{name} {version} is no release: {why}", "{name} {version} is not a release: {why}")
    FAULT = ("a fault was planted in front of the target on purpose",)
    OTHER_FILE = (
        "its file is not the one that isolation-tests ships under the name {name}",
        "the target's file is not the one that isolation-tests ships as {name}",
    )
    NO_VERSION = ("no version of the target is known", "the version of the target is unknown")
    NO_HISTORY = (
        "they kept no history, so they are believed by their counts",
        "these checks recorded no history, so only their counts support them",
    )
    WITHHELD = (
        "{number} known findings were published without what shows them",
        "{number} cases of known findings were published without their reproduction",
    )


_KINDS = {
    Verdict.NOT_SUPPORTED: CauseKind.NOT_SUPPORTED,
    Verdict.INCONCLUSIVE: CauseKind.INCONCLUSIVE,
    Verdict.ERROR: CauseKind.ERROR,
    Verdict.VIOLATED: CauseKind.VIOLATED,
}


def causes(
    evidence: Evidence, examined: Examined, strength: Strength | None, form: int = LATEST_FORM
) -> tuple[Cause, ...]:
    """All causes that make a certificate of this evidence PARTIAL, the run's own first.

    form: the certificate form whose wording is used.
    """
    header = evidence.header
    found = [
        *_of_run(header, form),
        *_of_target(header.target, form),
        *(Cause(kind=CauseKind.STALE_KNOWN, text=note) for note in examined.summary.stale_known),
        *_of_checks(examined.summary.checks),
        *_of_histories(examined, form),
        *_of_strength(header, strength, form),
    ]
    return tuple(cause.model_copy(update={"text": plain(cause.text)}) for cause in found)


def _of_strength(header: Header, strength: Strength | None, form: int) -> Iterator[Cause]:
    """The cause by which the strength does not apply to this run, if any."""
    target, why = header.target, None
    if strength is None:
        why = _Text.NOT_MEASURED.at(form)
    elif strength.target != target.name:
        why = _Text.OTHER_TARGET.at(form, target=strength.target)
    elif strength.versions != target.distributions or strength.suite_version != header.suite_version:
        why = _Text.OTHER_VERSIONS.at(form)
    elif strength.profile != header.profile:
        why = _Text.OTHER_PROFILE.at(form, profile=strength.profile)
    elif not strength.whole:
        why = _Text.SOME_FAULTS.at(form)
    if why is not None:
        yield Cause(kind=CauseKind.STRENGTH, text=why)


def _of_run(header: Header, form: int) -> Iterator[Cause]:
    if not header.whole:
        yield Cause(kind=CauseKind.PROFILE, text=_Text.PROFILE.at(form, profile=header.profile))
    for narrowing in header.selection:
        yield Cause(kind=CauseKind.NARROWED, text=_Text.NARROWED.at(form, narrowing=narrowing))
    for name in header.given:
        if name == "known":
            yield Cause(kind=CauseKind.SETTINGS, text=_Text.KNOWN_BESIDE.at(form))
        elif name not in ("seed", "disposable") and header.target.file:
            yield Cause(kind=CauseKind.SETTINGS, text=_Text.OPTION_BESIDE.at(form, option=name))
    if (why := not_a_release(header.suite_version)) is not None:
        text = _Text.NO_RELEASE.at(form, name=SUITE, version=header.suite_version, why=why)
        yield Cause(kind=CauseKind.UNRELEASED, text=text)


def _of_target(target: TargetInfo, form: int) -> Iterator[Cause]:
    if target.name.startswith(FAULT):
        yield Cause(kind=CauseKind.SEEDED_FAULT, text=_Text.FAULT.at(form))
    if target.packaged and target.file != target.packaged:
        yield Cause(kind=CauseKind.TARGET_FILE, text=_Text.OTHER_FILE.at(form, name=target.name))
    if not target.distributions:
        yield Cause(kind=CauseKind.UNRELEASED, text=_Text.NO_VERSION.at(form))
    for name, why in _unreleased(target.distributions, target.unreleased):
        version = target.distributions.get(name, "")
        text = _Text.NO_RELEASE.at(form, name=name, version=version, why=why)
        yield Cause(kind=CauseKind.UNRELEASED, text=text)


def _unreleased(versions: Mapping[str, str], recorded: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Distributions that are not releases, because the run recorded it or because of their version."""
    for name in dict.fromkeys((*versions, *recorded)):
        version = versions.get(name, "")
        by_digest = version.startswith(DIGEST)
        why = recorded.get(name) or (None if by_digest else not_a_release(version))
        # The suite's own stores are identified by the digest of the expected checks.
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


def _of_histories(examined: Examined, form: int) -> Iterator[Cause]:
    if examined.counted:
        text = _Text.NO_HISTORY.at(form)
        yield Cause(kind=CauseKind.NOT_KEPT, text=text, checks=examined.counted)
    if examined.withheld:
        yield Cause(kind=CauseKind.WITHHELD, text=_Text.WITHHELD.at(form, number=examined.withheld))
