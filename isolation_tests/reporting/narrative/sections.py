"""What a run means, what it tested and what it did not, as sentences and lists for a page."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from isolation_tests.adapter import OPTIONAL_METHODS
from isolation_tests.catalogue import CATALOGUE
from isolation_tests.core.intervals import unseen_words
from isolation_tests.model import CheckResult, Frozen, Level, Verdict
from isolation_tests.reporting.evidence.evidence import Evidence, Header
from isolation_tests.reporting.evidence.summary import CheckRow, Summary

__all__ = [
    "Gap",
    "Group",
    "calibrating",
    "installing",
    "level_meaning",
    "meaning",
    "rerun",
    "statistics_of",
    "tested",
    "untested",
]

_MOST_NAMES = 120
_OPTION = "option "
_TOLD = frozenset(
    {
        "aliases",
        "budget",
        "capabilities",
        "consistency_seconds",
        "expected",
        "given",
        "known_count",
        "known_file",
        "owner_keys",
        "platform",
        "probed",
        "profile",
        "python",
        "run_id",
        "schema_version",
        "seed",
        "selection",
        "started",
        "suite_version",
        "target",
        "variables",
        "whole",
        "withheld",
        "workers",
    }
)
_TOLD_OF_TARGET = frozenset(
    {
        "adapter",
        "disposable",
        "distributions",
        "file",
        "name",
        "options",
        "packaged",
        "source",
        "tenancy",
        "title",
        "volatile",
    }
)
_LEVELS = {
    Level.CORE: "users with ordinary and related names are kept apart in what they search, list and delete",
    Level.HARDENED: "they are kept apart under hostile names, by ids, filters, keys and handles too",
    Level.CONCURRENT: "they are kept apart while their calls overlap too",
    Level.SCALE: "they are kept apart at the declared number of users too",
}


@dataclass(frozen=True, slots=True)
class Group:
    """Checks that share a reason. more: how many there are beyond the names that are listed."""

    reason: str
    count: int
    names: tuple[str, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Gap:
    """One way in which a run left something unproved; told: what that means, in a sentence."""

    heading: str
    told: str
    groups: tuple[Group, ...] = ()
    items: tuple[str, ...] = ()


def meaning(summary: Summary) -> str:
    """What the verdict means, in one sentence."""
    if summary.verdict is Verdict.VIOLATED and summary.known_only:
        return (
            "Users are not kept apart, in ways that this target's owner already knows: the exit status stays "
            "0, and a known finding is granted no level."
        )
    if summary.verdict is Verdict.VIOLATED:
        return "At least one user saw, lost or changed what belongs to another, or lost their own."
    if summary.verdict is Verdict.HELD and summary.stale_known:
        return (
            "Nothing that was asked crossed between users; known findings are out of date, so the run fails."
        )
    if summary.verdict is Verdict.HELD:
        return "Nothing that this run asked crossed from one user to another, and owners saw their own facts."
    return "This run proves nothing as a whole, neither that users are kept apart nor that they are not."


def level_meaning(summary: Summary) -> str:
    """Which level was reached and what it stands for, or why none was."""
    if summary.level is not None:
        reached = list(Level)[: list(Level).index(summary.level) + 1]
        return f"Level {summary.level} was reached: {'; '.join(_LEVELS[level] for level in reached)}."
    if not summary.whole:
        return "No level can be reached: this profile asks a part of the matrix. Run profile ci for a level."
    return "No level was reached: every check of level core would have to hold first."


def tested(evidence: Evidence) -> list[tuple[str, str]]:
    """What was tested and how, as label and text; all else that the header says follows by its own name."""
    header, target = evidence.header, evidence.header.target
    broken = {name: answer for name, answer in header.probed.items() if answer != "ok"}
    unprobed = [name for name in header.capabilities if name not in header.probed]
    working = [name for name in header.capabilities if name not in broken and name not in unprobed]
    known = _known(header) if header.known_file else "none are declared"
    by_level = {level: sum(check.level is level for check in header.expected) for level in Level}
    expected = ", ".join(f"{number} {level}" for level, number in by_level.items() if number)
    rows = [
        ("System", target.title if target.title == target.name else f"{target.title} ({target.name})"),
        ("Versions", _pairs(target.distributions, " ") or "unknown"),
        ("Adapter", target.adapter + (f", from {target.source}" if target.source != target.adapter else "")),
        ("Users told apart by", target.tenancy or "the target's file does not say"),
        ("Options", _pairs(target.options) or "none"),
        ("Capabilities that work", ", ".join(working) or "none beyond the four core methods"),
        ("Claimed and not working", _pairs(broken, ": ")),
        ("Claimed and not probed", ", ".join(unprobed)),
        ("Names declared to be one user", ", ".join(header.aliases) or "none"),
        ("Keys taken for the owner", ", ".join(header.owner_keys) or "none"),
        ("A write is seen within", _budget(evidence)),
        ("Declared to vary by itself", target.volatile),
        ("Known findings", known),
        ("Hostile names", "wrote and deleted too" if target.disposable else "only read: not disposable"),
        ("Profile", header.profile + _figures(header)),
        ("Seed", "random" if header.seed is None else str(header.seed)),
        ("Ran on", f"Python {header.python}, {header.platform}, {_count(header.workers, 'worker')}"),
        ("Variables", _pairs(header.variables)),
        ("Checks expected", f"{len(header.expected)}: {expected}" if expected else "none"),
        ("Time", f"{header.started} to {evidence.footer.ended}, {evidence.footer.seconds:.1f} seconds"),
        *_further(target, _TOLD_OF_TARGET),
        *_further(header, _TOLD),
    ]
    return [(label, text) for label, text in rows if text]


def untested(evidence: Evidence, summary: Summary) -> list[Gap]:
    """Everything that this run did not ask, could not ask or got no answer to, the worst first."""
    header, footer = evidence.header, evidence.footer
    asked = {row.id for row in summary.rows}
    probed = {name for name, answer in header.probed.items() if answer == "ok"}
    absent = [name for name in OPTIONAL_METHODS if name not in header.capabilities or name not in probed]
    gaps = [
        Gap(
            f"Not run ({len(summary.not_run)})",
            "This run should have done these checks and they never reported: it can't hold without them.",
            groups=_named("not run", summary.not_run) if summary.not_run else (),
        ),
        Gap(
            f"Without a result ({len(summary.unsettled)})",
            "These checks ran and proved nothing.",
            groups=_grouped(summary.unsettled),
        ),
        Gap(
            "Narrowed",
            "The run was narrowed by its caller; what is left out counts as not run.",
            items=header.selection,
        ),
        Gap(
            "Part of the matrix",
            "The profile asks a part of all relations and operations, so it reaches no level.",
            items=() if header.whole else (f"profile {header.profile}",),
        ),
        Gap(
            f"Not supported ({len(summary.not_supported)})",
            "The target does not offer what these checks ask for, or declares two names to be one user.",
            groups=_grouped(summary.not_supported),
        ),
        Gap(
            "Abilities not offered",
            "Nothing was proved of these methods.",
            items=(", ".join(absent),) if absent else (),
        ),
        Gap(
            "Known findings out of date",
            "They fail the run: correct or remove the entries.",
            items=summary.stale_known,
        ),
        Gap(
            "Ways to fail that nothing asked about",
            "No check of this run covers these anomalies.",
            items=tuple(
                f"{entry.id} {entry.name}: {entry.law}"
                for entry in CATALOGUE.values()
                if entry.visible and entry.id not in asked
            ),
        ),
        Gap(
            "Ways to fail that can't be seen from outside",
            "No test through an adapter proves their absence.",
            items=tuple(f"{e.id} {e.name}: {e.note}" for e in CATALOGUE.values() if not e.visible),
        ),
        Gap(
            f"Withheld ({header.withheld})",
            "These findings were published without their plans and histories, so they can't be judged again.",
            items=_withheld(summary),
        ),
        Gap(
            "Not compared",
            "Answers were compared without what is named here.",
            items=tuple(dict.fromkeys(note for result in evidence.results for note in result.notes))[
                :_MOST_NAMES
            ],
        ),
        Gap("Notes of the run", "What else happened.", items=footer.notes),
    ]
    return [gap for gap in gaps if gap.groups or gap.items]


def statistics_of(results: Sequence[CheckResult], summary: Summary) -> list[tuple[str, str]]:
    """How much was asked, and between which rates that puts what was seen and what was not."""
    calm = sum(result.examples for result in results if result.verdict is Verdict.HELD)
    rows = [
        (
            "Checks",
            ", ".join(
                f"{n} {verdict.replace('_', ' ').lower()}" for verdict, n in summary.counts.items() if n
            ),
        ),
        ("Examples", f"{summary.examples:,}"),
        ("Calls", f"{summary.calls:,}, of which the system refused {summary.refused:,}"),
        ("Positive controls met", f"{summary.controls:,}: owners were seen to get their own facts"),
    ]
    if calm:
        rows.append(("Nothing crossed in held checks", unseen_words(calm, "examples")))
    if unsteady := sum(case.intermittent for case in summary.cases):
        rows.append(("Intermittent findings", f"{unsteady}, violated all the same; each tells its bounds"))
    return rows


def rerun(header: Header) -> str:
    """The command that asks the same again."""
    seed = [] if header.seed is None else ["--seed", str(header.seed)]
    options = header.target.options
    given = (name.removeprefix(_OPTION) for name in header.given if name.startswith(_OPTION))
    chosen = [word for name in given if name in options for word in ("-O", f"{name}={options[name]}")]
    run = ["isolation-tests", "run", _named_by_user(header), "--profile", header.profile]
    return shlex.join([*run, *seed, *chosen])


def calibrating(header: Header) -> str:
    """The command that measures which seeded faults would be caught in front of the same target."""
    return shlex.join(["isolation-tests", "calibrate", _named_by_user(header), "--profile", header.profile])


def _named_by_user(header: Header) -> str:
    """What a user types for the target: its name where it comes with a package, else its file."""
    target = header.target
    by_name = not target.source or "," in target.source or " in front of " in target.source
    return target.name if by_name else target.source


def installing(header: Header) -> str:
    """The command that installs the versions that were tested; those of files have a digest and can't be."""
    pins = [
        f"{name}=={version}" for name, version in header.target.distributions.items() if " " not in version
    ]
    own = f"isolation-tests=={header.suite_version}"
    return shlex.join(["pip", "install", *dict.fromkeys((own, *pins))])


def _withheld(summary: Summary) -> tuple[str, ...]:
    return tuple(case.finding.key for case in summary.cases if case.withheld)


def _known(header: Header) -> str:
    return f"{_count(header.known_count, 'entry', 'entries')} in {header.known_file}"


def _budget(evidence: Evidence) -> str:
    """What the target declares, from the histories where the header does not say it."""
    if evidence.header.consistency_seconds is not None:
        return f"{evidence.header.consistency_seconds:g} s"
    budgets = {history.consistency for result in evidence.results for history in result.histories}
    return ", ".join(f"{seconds:g} s" for seconds in sorted(budgets))


def _further(model: Frozen, told: frozenset[str]) -> list[tuple[str, str]]:
    """Every other field under its own name, so that nothing that a header says is lost."""
    names = [name for name in type(model).model_fields if name not in told]
    return [(name.replace("_", " ").capitalize(), _text(getattr(model, name))) for name in names]


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {inner}" for key, inner in value.items())
    if isinstance(value, tuple | list | frozenset):
        return ", ".join(map(str, value))
    return str(value or "")


def _grouped(rows: Iterable[CheckRow]) -> tuple[Group, ...]:
    reasons: dict[str, list[str]] = {}
    for row in rows:
        reasons.setdefault(row.reason or "no reason was given", []).append(f"{row.check} ({row.level})")
    return tuple(group for reason, names in reasons.items() for group in _named(reason, names))


def _named(reason: str, names: Sequence[str]) -> tuple[Group, ...]:
    return (Group(reason, len(names), tuple(names[:_MOST_NAMES]), max(0, len(names) - _MOST_NAMES)),)


def _figures(header: Header) -> str:
    figures = ", ".join(f"{name} {figure:g}" for name, figure in header.budget.items())
    return f" ({figures})" if figures else ""


def _words(verdict: Verdict) -> str:
    return verdict.replace("_", " ").lower()


def _pairs(values: Mapping[str, str], between: str = "=") -> str:
    return ", ".join(f"{name}{between}{value}" for name, value in values.items())


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
