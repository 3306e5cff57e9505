"""What a run means, what it tested and what it did not, as sentences and lists for the report page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from isolation_tests.adapter import OPTIONAL_METHODS
from isolation_tests.catalogue import CATALOGUE
from isolation_tests.core.intervals import unseen_words
from isolation_tests.core.plural import counted
from isolation_tests.model import LADDER, CheckResult, Frozen, Level, Verdict
from isolation_tests.reporting.evidence.evidence import Evidence, Header
from isolation_tests.reporting.evidence.summary import CheckRow, Summary
from isolation_tests.reporting.narrative.scale import DECILE_HEADINGS, asked_words, decile_rows, scale_lines
from isolation_tests.reporting.narrative.wording import axes_of, hazard_text, pairs

__all__ = [
    "Gap",
    "Group",
    "level_meaning",
    "meaning",
    "statistics_of",
    "tested",
    "untested",
]

_MOST_NAMES = 120
_LISTED = frozenset(
    {
        "aliases",
        "axes",
        "budget",
        "capabilities",
        "consistency_seconds",
        "expected",
        "fail_on",
        "given",
        "hazards",
        "known_count",
        "known_file",
        "owner_keys",
        "platform",
        "probed",
        "profile",
        "python",
        "run_id",
        "scale",
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
_LISTED_OF_TARGET = frozenset(
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
    Level.SAFE: "users with harmless names stay apart in searches, lists and deletes",
    Level.CORE: "users with ordinary or related names stay apart in searches, lists and deletes",
    Level.HARDENED: "they stay apart with hostile names, ids, filters, keys and handles",
    Level.CONCURRENT: "they stay apart while their calls overlap",
    Level.SCALE: "they stay apart at the declared number of users",
}


@dataclass(frozen=True, slots=True)
class Group:
    """Checks with the same reason. more: how many are not listed by name."""

    reason: str
    count: int
    names: tuple[str, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Gap:
    """One kind of thing that a run did not prove. meaning: one sentence about it."""

    heading: str
    meaning: str
    groups: tuple[Group, ...] = ()
    items: tuple[str, ...] = ()


def meaning(summary: Summary) -> str:
    """What the verdict means, in plain words."""
    if summary.verdict is Verdict.VIOLATED and summary.known_only:
        return (
            "Users are not kept apart, but every finding is listed as known. The exit status stays 0."
            " A known finding blocks its level and all higher levels."
        )
    if summary.verdict is Verdict.VIOLATED:
        return "At least one user saw, changed or deleted another user's data, or lost their own."
    if summary.verdict is Verdict.HELD and summary.stale_known:
        return "No call crossed between users, but the list of known findings is outdated, so the run fails."
    if summary.verdict is Verdict.HELD:
        return "In this run no user reached another user's data, and owners saw their own facts."
    return "This run proves nothing: neither that users are kept apart nor that they are not."


def level_meaning(summary: Summary) -> str:
    """The level that was reached and its meaning, or why no level was reached."""
    if summary.level is Level.SAFE:
        return (
            f"Level safe was reached: {_LEVELS[Level.SAFE]}. The target is not disposable, so hostile names"
            f" only read, which leaves out {counted(summary.spared, 'check')}. Level core needs a store that"
            " a run may destroy."
        )
    if summary.level is not None:
        reached = LADDER[: LADDER.index(summary.level) + 1]
        return f"Level {summary.level} was reached: {'; '.join(_LEVELS[level] for level in reached)}."
    if not summary.whole:
        return (
            "This profile runs only part of the matrix, so it reaches no level. Use profile ci to reach one."
        )
    return "No level was reached. For the first level, every core check has to hold."


def tested(evidence: Evidence) -> list[tuple[str, str]]:
    """What was tested and how, as (label, text) pairs; other header fields follow under their own names."""
    header, target = evidence.header, evidence.header.target
    broken = {name: answer for name, answer in header.probed.items() if answer != "ok"}
    unprobed = [name for name in header.capabilities if name not in header.probed]
    working = [name for name in header.capabilities if name not in broken and name not in unprobed]
    known = _known(header) if header.known_file else "none"
    by_level = {level: sum(check.level is level for check in header.expected) for level in Level}
    expected = ", ".join(f"{number} {level}" for level, number in by_level.items() if number)
    rows = [
        ("System", target.title if target.title == target.name else f"{target.title} ({target.name})"),
        ("Versions", pairs(target.distributions, " ") or "unknown"),
        ("Adapter", target.adapter + (f", from {target.source}" if target.source != target.adapter else "")),
        ("Users kept apart by", target.tenancy or "not stated in the target's file"),
        ("Axes, outer to inner", axes_of(header)),
        ("Options", pairs(target.options) or "none"),
        ("Working capabilities", ", ".join(working) or "only the four core methods"),
        ("Claimed but not working", pairs(broken, ": ")),
        ("Claimed but not probed", ", ".join(unprobed)),
        ("Declared aliases", ", ".join(header.aliases) or "none"),
        ("Owner keys", ", ".join(header.owner_keys) or "none"),
        ("A write is visible within", _budget(evidence)),
        ("Declared non-deterministic", target.volatile),
        ("Known findings", known),
        (
            "Hostile names",
            "read, write and delete" if target.disposable else "read only: the store is not disposable",
        ),
        ("Profile", header.profile + _figures(header)),
        ("Seed", "random" if header.seed is None else str(header.seed)),
        ("Run on", f"Python {header.python}, {header.platform}, {counted(header.workers, 'worker')}"),
        ("ISOLATION_* variables", pairs(header.variables)),
        ("Expected checks", f"{len(header.expected)}: {expected}" if expected else "none"),
        ("Time", f"{header.started} to {evidence.footer.ended}, {evidence.footer.seconds:.1f} seconds"),
        *_scaled(evidence),
        *_further(target, _LISTED_OF_TARGET),
        *_further(header, _LISTED),
    ]
    return [(label, text) for label, text in rows if text]


def _scaled(evidence: Evidence) -> list[tuple[str, str]]:
    """The question and the figures of a scale run."""
    asked, figures = evidence.header.scale, evidence.footer.scale
    if asked is None or figures is None:
        return []
    told = [line.removeprefix("scale: ") for line in scale_lines(figures)]
    tenths = [
        (
            f"Users {row[0]}",
            "; ".join(f"{name} {cell}" for name, cell in zip(DECILE_HEADINGS[1:], row[1:], strict=True)),
        )
        for row in decile_rows(asked, figures)
    ]
    return [("Scale run", asked_words(asked)), ("Scale figures", "; ".join(told)), *tenths]


def untested(evidence: Evidence, summary: Summary) -> list[Gap]:
    """Everything that the run did not prove, the worst first."""
    header, footer = evidence.header, evidence.footer
    covered = {row.id for row in summary.rows}
    probed = {name for name, answer in header.probed.items() if answer == "ok"}
    absent = [name for name in OPTIONAL_METHODS if name not in header.capabilities or name not in probed]
    gaps = [
        Gap(
            f"Not run ({len(summary.not_run)})",
            "These checks were expected but never reported. Without them the run can't hold.",
            groups=_named("not run", summary.not_run) if summary.not_run else (),
        ),
        Gap(
            f"Inconclusive or in error ({len(summary.unsettled)})",
            "These checks ran but proved nothing.",
            groups=_grouped(summary.unsettled),
        ),
        Gap(
            f"Explained by a finding ({len(summary.explained)})",
            "A proven finding already shows all that these checks could, so they were skipped.",
            groups=_grouped(summary.explained),
        ),
        Gap(
            f"Hazards ({len(summary.hazards)})",
            "Nobody's data was reached, but users cross here once an application slips."
            " A hazard that the target does not declare keeps the level below hardened.",
            items=tuple(hazard_text(hazard) for hazard in summary.hazards),
        ),
        Gap(
            "Narrowed",
            "These options narrowed the run. Checks left out count as not run.",
            items=header.selection,
        ),
        Gap(
            "Part of the matrix",
            "The profile runs only some of the relations and operations, so it reaches no level.",
            items=() if header.whole else (f"profile {header.profile}",),
        ),
        Gap(
            f"Not supported ({len(summary.not_supported)})",
            "The target does not offer what these checks need, declares two names to be one user, or is not"
            " disposable.",
            groups=_grouped(summary.not_supported),
        ),
        Gap(
            "Methods not offered",
            "Nothing was proved about these methods.",
            items=(", ".join(absent),) if absent else (),
        ),
        Gap(
            "Outdated known findings",
            "They fail the run. Correct or remove the entries.",
            items=summary.stale_known,
        ),
        Gap(
            "Anomalies not covered",
            "No check of this run covers these anomalies.",
            items=tuple(
                f"{entry.id} {entry.name}: {entry.law}"
                for entry in CATALOGUE.values()
                if entry.visible and entry.id not in covered
            ),
        ),
        Gap(
            "Anomalies that can't be seen from outside",
            "No test through an adapter can prove their absence.",
            items=tuple(f"{e.id} {e.name}: {e.note}" for e in CATALOGUE.values() if not e.visible),
        ),
        Gap(
            f"Withheld ({len(_withheld(summary))})",
            "These findings were published without their reproduction, so they can't be judged again.",
            items=_withheld(summary),
        ),
        Gap(
            "Not compared",
            "Comparisons ignored these parts of the answers.",
            items=tuple(dict.fromkeys(note for result in evidence.results for note in result.notes))[
                :_MOST_NAMES
            ],
        ),
        Gap("Notes", "Other events of the run.", items=footer.notes),
    ]
    return [gap for gap in gaps if gap.groups or gap.items]


def statistics_of(results: Sequence[CheckResult], summary: Summary) -> list[tuple[str, str]]:
    """How much was tested, and the bounds of the rates that follow from it."""
    calm = sum(result.examples for result in results if result.verdict is Verdict.HELD)
    rows = [
        (
            "Checks",
            ", ".join(
                f"{n} {verdict.replace('_', ' ').lower()}" for verdict, n in summary.counts.items() if n
            ),
        ),
        ("Examples", f"{summary.examples:,}"),
        ("Calls", f"{summary.calls:,}, of which the target refused {summary.refused:,}"),
        ("Positive controls", f"{summary.controls:,}: answers in which owners got their own facts"),
    ]
    if summary.volume:
        rows.append(("Volume", summary.volume))
    if calm:
        rows.append(("Violations in held checks", unseen_words(calm, "examples")))
    if unsteady := sum(case.intermittent for case in summary.cases):
        rows.append(
            ("Intermittent findings", f"{unsteady}; they count as violated, and each states its bounds")
        )
    return rows


def _withheld(summary: Summary) -> tuple[str, ...]:
    return tuple(case.finding.key for case in summary.cases if case.withheld)


def _known(header: Header) -> str:
    return f"{counted(header.known_count, 'entry', 'entries')} in {header.known_file}"


def _budget(evidence: Evidence) -> str:
    """The consistency time that the target declares, from the histories if the header lacks it."""
    if evidence.header.consistency_seconds is not None:
        return f"{evidence.header.consistency_seconds:g} s"
    budgets = {history.consistency for result in evidence.results for history in result.histories}
    return ", ".join(f"{seconds:g} s" for seconds in sorted(budgets))


def _further(model: Frozen, listed: frozenset[str]) -> list[tuple[str, str]]:
    """Every other field under its own name, so that no header field is lost."""
    names = [name for name in type(model).model_fields if name not in listed]
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
        reasons.setdefault(row.reason or "no reason given", []).append(f"{row.check} ({row.level})")
    return tuple(group for reason, names in reasons.items() for group in _named(reason, names))


def _named(reason: str, names: Sequence[str]) -> tuple[Group, ...]:
    return (Group(reason, len(names), tuple(names[:_MOST_NAMES]), max(0, len(names) - _MOST_NAMES)),)


def _figures(header: Header) -> str:
    figures = ", ".join(f"{name} {figure:g}" for name, figure in header.budget.items())
    return f" ({figures})" if figures else ""
