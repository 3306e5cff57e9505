"""Compares two runs of a target: new, fixed, remaining and unclear findings, and other changes.

A finding that is gone counts as fixed only if every check that showed it ran again and held. A new finding, a
lower level, and a check that held before and does not hold now are regressions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from rich import box
from rich.table import Table
from rich.text import Text

from isolation_tests.core.inert import inert
from isolation_tests.core.plural import counted
from isolation_tests.model import Case, Level, Verdict
from isolation_tests.reporting.evidence.errors import DifferentTargets
from isolation_tests.reporting.evidence.evidence import Evidence, Header
from isolation_tests.reporting.evidence.summary import CheckRow, Summary, summary_of
from isolation_tests.reporting.formats.markdown import code

__all__ = ["Comparison", "Section", "compare", "markdown", "sentence", "tables"]

MOST_ROWS = 30
NOT_RUN = "not run"
NOT_INCLUDED = "not included"
HELD = "held"


@dataclass(frozen=True, slots=True)
class Section:
    """One table of the comparison. rows: texts; the first names the row's subject."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The changes from an earlier run to a later one.

    new, fixed, unclear, still: findings by key, each with a note; unclear ones are gone but not proved fixed.
    checks: those with another result: check, before, after. around: versions and settings that changed: name,
    before, after. regressions: what got worse, as phrases.
    """

    target: str
    verdict: tuple[str, str]
    level: tuple[str, str]
    new: tuple[tuple[str, str], ...]
    fixed: tuple[tuple[str, str], ...]
    unclear: tuple[tuple[str, str], ...]
    still: tuple[tuple[str, str], ...]
    checks: tuple[tuple[str, str, str], ...]
    around: tuple[tuple[str, str, str], ...]
    regressions: tuple[str, ...]

    @property
    def sections(self) -> tuple[Section, ...]:
        """The tables that have rows, the most important first."""
        overall = (("verdict", *self.verdict), ("level", *self.level))
        findings = ("finding", "note")
        all_of_them = (
            Section("Overall", ("result", "before", "after"), overall),
            Section("New findings", findings, self.new),
            Section("Gone, but not proved fixed", findings, self.unclear),
            Section("Fixed findings", findings, self.fixed),
            Section("Remaining findings", findings, self.still),
            Section("Checks with another result", ("check", "before", "after"), self.checks),
            Section("Other changes", ("setting", "before", "after"), self.around),
        )
        return tuple(section for section in all_of_them if section.rows)


def compare(old: Evidence, new: Evidence, *, across: bool = False) -> Comparison:
    """The changes from the old run to the new one.

    across: allow runs of different targets; without it, such runs raise `DifferentTargets`.
    """
    names = (old.header.target.name, new.header.target.name)
    if names[0] != names[1] and not across:
        raise DifferentTargets(*(inert(name, 100) for name in names))
    before, after = summary_of(old), summary_of(new)
    earlier, later = _rows(before), _rows(after)
    findings = _Findings(before, after, later)
    checks = tuple(sorted(_changed(earlier, later), key=lambda change: change[1] != HELD))
    levels = (before.level, after.level)
    comparison = Comparison(
        target=names[0] if names[0] == names[1] else f"{names[0]} and {names[1]}",
        verdict=(_overall(before), _overall(after)),
        level=(str(levels[0] or "none"), str(levels[1] or "none")),
        new=findings.new(),
        fixed=findings.gone(fixed=True),
        unclear=findings.gone(fixed=False),
        still=findings.still(),
        checks=checks,
        around=tuple(_around(old.header, new.header)),
        regressions=(),
    )
    same = _checks_of(old.header) == _checks_of(new.header)
    return _judged(comparison, levels, same_checks=same)


def sentence(comparison: Comparison) -> str:
    """The comparison in one sentence."""
    if comparison.regressions:
        return f"Worse than before: {'; '.join(comparison.regressions)}."
    gone = sum(after == NOT_INCLUDED for _, _, after in comparison.checks)
    more = [f"{len(comparison.fixed)} fixed"] if comparison.fixed else []
    more += [f"{counted(gone, 'check')} no longer included"] if gone else []
    return "; ".join(["Not worse than before: no new finding, no lower level, no check lost", *more]) + "."


def tables(comparison: Comparison) -> Iterator[Table]:
    """The comparison as tables for a terminal; no text can steer it."""
    for section in comparison.sections:
        table = Table(title=section.title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        for heading in section.headings:
            table.add_column(heading, overflow="fold")
        for row in section.rows[:MOST_ROWS]:
            table.add_row(*(Text(inert(cell)) for cell in row))
        if len(section.rows) > MOST_ROWS:
            table.caption = f"and {len(section.rows) - MOST_ROWS} more"
        yield table


def markdown(comparison: Comparison) -> str:
    """The comparison for a pull request comment: lists in which every name is a code span."""
    parts = [f"### User isolation of {code(comparison.target)}, before and after", sentence(comparison)]
    for section in comparison.sections:
        lines = [_line(row) for row in section.rows[:MOST_ROWS]]
        left_out = len(section.rows) - MOST_ROWS
        parts += [
            f"#### {section.title}",
            "\n".join(lines + ([f"- and {left_out} more"] if left_out > 0 else [])),
        ]
    return "\n\n".join(parts) + "\n"


def _line(row: tuple[str, ...]) -> str:
    name, *rest = (code(cell) for cell in row if cell)
    return f"- {name}: {' → '.join(rest)}" if rest else f"- {name}"


class _Findings:
    """The findings of both runs by key, with the checks that showed them."""

    def __init__(self, before: Summary, after: Summary, later: Mapping[str, CheckRow]) -> None:
        self._old = {case.finding.key: case for case in before.cases}
        self._new = {case.finding.key: case for case in after.cases}
        self._before, self._later = before, later

    def new(self) -> tuple[tuple[str, str], ...]:
        return tuple((key, _often(case)) for key, case in self._new.items() if key not in self._old)

    def still(self) -> tuple[tuple[str, str], ...]:
        return tuple(
            (key, _often(case, self._old[key])) for key, case in self._new.items() if key in self._old
        )

    def gone(self, *, fixed: bool) -> tuple[tuple[str, str], ...]:
        lost = [
            (key, case, self._doubt(key, case)) for key, case in self._old.items() if key not in self._new
        ]
        return tuple((key, doubt or _often(case)) for key, case, doubt in lost if (doubt is None) is fixed)

    def _doubt(self, key: str, case: Case) -> str | None:
        """Why the finding's absence proves nothing; None if it is fixed."""
        if case.intermittent:
            return f"it showed in only {case.seen} of {case.tried} tries, so it may show again"
        showing = [
            row.check for row in self._before.checks if any(one.finding.key == key for one in row.cases)
        ]
        unsettled = [check for check in showing if _word(self._later.get(check)) != HELD]
        if unsettled:
            return f"{unsettled[0]} is now {_word(self._later.get(unsettled[0]))}"
        return None


def _often(case: Case, earlier: Case | None = None) -> str:
    words = [f"showed in {case.seen} of {case.tried}"]
    words += ["intermittent"] if case.intermittent else []
    words += ["known"] if case.known is not None else []
    if earlier is not None and case.known is None and earlier.known is not None:
        words.append("no longer known")
    return ", ".join(words)


def _rows(summary: Summary) -> dict[str, CheckRow]:
    return {row.check: row for row in summary.checks}


def _word(row: CheckRow | None) -> str:
    if row is None:
        return NOT_INCLUDED
    return row.verdict.replace("_", " ").lower() if row.ran else NOT_RUN


def _changed(
    earlier: Mapping[str, CheckRow], later: Mapping[str, CheckRow]
) -> Iterator[tuple[str, str, str]]:
    for check in dict.fromkeys((*earlier, *later)):
        before, after = _word(earlier.get(check)), _word(later.get(check))
        if before != after:
            yield check, before, after


def _overall(summary: Summary) -> str:
    word = summary.verdict.replace("_", " ")
    return f"{word}, known" if summary.verdict is Verdict.VIOLATED and summary.known_only else word


def _checks_of(header: Header) -> tuple[str, str]:
    return header.suite_version, header.profile


def _around(old: Header, new: Header) -> Iterator[tuple[str, str, str]]:
    before, after = _settings(old), _settings(new)
    for name in dict.fromkeys((*before, *after)):
        values = (before.get(name, "none"), after.get(name, "none"))
        if values[0] != values[1]:
            yield name, *values


def _settings(header: Header) -> dict[str, str]:
    target = header.target
    return {
        "isolation-tests": header.suite_version,
        **{f"version of {name}": version for name, version in target.distributions.items()},
        "Python": header.python,
        "platform": header.platform,
        "adapter": target.adapter,
        **{f"option {name}": value for name, value in target.options.items()},
        "capabilities": ", ".join(header.capabilities) or "none",
        "declared aliases": ", ".join(header.aliases) or "none",
        "profile": header.profile,
        "narrowed by": " ".join(header.selection) or "nothing",
        "known findings": f"{header.known_count} in {header.known_file}" if header.known_file else "none",
    }


def _judged(
    comparison: Comparison, levels: tuple[Level | None, Level | None], *, same_checks: bool
) -> Comparison:
    """The comparison with its regressions.

    A check that held and is no longer included is not a regression if the suite's version or the profile
    changed, because then the set of checks changed too.
    """
    excused = () if same_checks else (NOT_INCLUDED,)
    lost = [check for check, before, after in comparison.checks if before == HELD and after not in excused]
    found = [
        *([counted(len(comparison.new), "new finding")] if comparison.new else []),
        *([f"level {comparison.level[1]} instead of {comparison.level[0]}"] if _is_lower(*levels) else []),
        *(
            [f"{counted(len(lost), 'check')} no longer {'holds' if len(lost) == 1 else 'hold'}"]
            if lost
            else []
        ),
    ]
    return replace(comparison, regressions=tuple(found))


def _is_lower(before: Level | None, after: Level | None) -> bool:
    order = [None, *Level]
    return order.index(after) < order.index(before)
