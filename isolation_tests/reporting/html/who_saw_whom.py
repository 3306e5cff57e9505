"""Who saw whom: viewers against owners, over all cases in which a fact reached another user."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from isolation_tests.model import Case, CheckResult, Law, NameSpec, UserSpec
from isolation_tests.testdata.display import show

__all__ = ["Cell", "Matrix", "who_saw_whom"]

OTHERS = "all others"
ANOTHER_CHECK = "a user of another check"
_MOST_LINES = 14
_BLANK = "\N{OPEN BOX}"
_MOST_LINKS = 6
_READS = frozenset({Law.NO_CROSS_READ, Law.SILENT_ERRORS, Law.REFUSES_MISSING_USER})


@dataclass(frozen=True, slots=True)
class Cell:
    """How often the viewer got a fact of the owner.

    cases: number of recorded cases. findings: the first few of their numbers on the page. more: the number of
    other findings.
    """

    cases: int
    findings: tuple[int, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Matrix:
    """A row per viewer with a cell per owner; None: no case."""

    owners: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]


def who_saw_whom(results: Iterable[CheckResult], numbers: Mapping[str, int]) -> Matrix:
    """The matrix of all leaks. Names are fresh in each example, so rows and columns show how they are made.

    numbers: a finding's number on the page, by its key. The most frequent names come first; the rest share a
    line.
    """
    seen: dict[tuple[str, str], list[int]] = {}
    for result in results:
        for case in result.cases:
            if _leaks(case):
                seen.setdefault(_pair(case), []).append(numbers[case.finding.key])
    viewers = _most(seen, 0)
    owners = _most(seen, 1)
    cells: dict[tuple[str, str], list[int]] = {}
    for (viewer, owner), found in seen.items():
        place = (viewer if viewer in viewers else OTHERS, owner if owner in owners else OTHERS)
        cells.setdefault(place, []).extend(found)
    return Matrix(
        owners=owners,
        rows=tuple((v, tuple(_cell(cells.get((v, owner))) for owner in owners)) for v in viewers),
    )


def _leaks(case: Case) -> bool:
    finding = case.finding
    return finding.law in _READS and finding.owner != finding.viewer


def _pair(case: Case) -> tuple[str, str]:
    finding = case.finding
    owner = ANOTHER_CHECK if finding.owner is None else _made(case, finding.owner)
    return _made(case, finding.viewer), owner


def _made(case: Case, user: int) -> str:
    """How the user's name is made. NAME: what the viewer's group shares. OTHER: another group's part."""
    users, viewer = case.history.plan.users, case.finding.viewer
    if not (0 <= user < len(users) and 0 <= viewer < len(users)):
        return f"user {user}"
    named = _spelled(users[user], users[viewer])
    given = {axis: {repr((each.scope or {}).get(axis)) for each in users} for axis in users[user].scope or {}}
    axes = [axis for axis, values in given.items() if len(values) > 1]
    values = [_valued(axis, users[user], users[viewer]) for axis in axes]
    return f"{named} ({', '.join(values)})" if values else named


def _valued(axis: str, user: UserSpec, viewer: UserSpec) -> str:
    """A user's value of an axis, made as names are."""
    value, seen = ((each.scope or {}).get(axis) for each in (user, viewer))
    return f"no {axis}" if value is None else f"{axis} {_spelled(value, value if seen is None else seen)}"


def _spelled(spec: NameSpec, viewer: NameSpec) -> str:
    if spec.type == "json":
        return spec.template
    base = "NAME" if spec.group == viewer.group else "OTHER"
    # Only the text around the base can mislead: it is spelled out like names, and spaces are drawn.
    made = show(spec.template.replace("{base}", base).replace("{n}", "N"))[1:-1].replace(" ", _BLANK)
    return made if spec.type == "str" else f"{made} ({spec.type})"


def _most(seen: Mapping[tuple[str, str], list[int]], side: int) -> tuple[str, ...]:
    counts: Counter[str] = Counter()
    for pair, found in seen.items():
        counts[pair[side]] += len(found)
    names = [name for name, _ in counts.most_common()]
    return (*names[: _MOST_LINES - 1], OTHERS) if len(names) > _MOST_LINES else tuple(names)


def _cell(found: list[int] | None) -> Cell | None:
    if not found:
        return None
    numbers = sorted(set(found))
    return Cell(len(found), tuple(numbers[:_MOST_LINKS]), max(0, len(numbers) - _MOST_LINKS))
