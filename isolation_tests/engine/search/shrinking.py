"""Learns what matters in a finding: drops steps, tries other names, and makes the names smaller.

The names of one finding are replaced in its own plan, so that nothing but the names changes. Delta debugging
(Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", TSE 2002) drops what the
plan and both names can do without.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from isolation_tests.causes.learning import apart_in, collision
from isolation_tests.model import Case, Finding, History, Judgement, Operation, Plan, Trial, UserIndex

__all__ = ["Shrinking"]

Ask = Callable[[Plan], tuple[History, Judgement] | None]
"""Runs a plan and judges it; None where the plan must not run, or where there is no more time."""

_TOKEN = re.compile(r"\{base\}|\{n\}|.", re.DOTALL)
_TRIALS = (
    ("{base}1", "{base}2"),
    ("{base}", "{base}7"),
    ("{base}a", "{base}b"),
    ("{base}", "{base}z"),
    ("{base}a", "{base}A"),
    ("{base}-x", "{base}_x"),
    ("{base}", "{base} "),
)
"""Pairs, each of which only some readings of names take for one: the actor's name and the victim's."""

Names = tuple[str, str]


@dataclass
class Shrinking:
    """Makes findings smaller, each anomaly of each operation once. ask: performs a plan."""

    ask: Ask
    _done: set[tuple[str, str]] = field(default_factory=set)

    def smaller(self, case: Case, reported: frozenset[str]) -> Case:
        """The case with fewer steps and smaller names, and with what other names showed.

        A plan whose calls overlap, or that is compared in several runs, stays as it is. reported: the keys of
        all findings of its check, beyond which a smaller plan may show none.
        """
        finding, plan = case.finding, case.history.plan
        kind = finding.anomaly, finding.operation.value
        racing = any(step.lane is not None for step in plan.steps)
        if racing or plan.viewer is not None or kind in self._done:
            return case
        self._done.add(kind)
        if plan.fills:
            # Each try would take thousands of calls.
            return self._or_smaller(case, _bare(plan, finding), reported)
        pair = _pair(case)
        if pair is not None and plan.relation is not None:
            case = self._with_names(case, pair, reported)
        return self._with_fewer_steps(case, reported)

    def _with_names(self, case: Case, pair: tuple[int, int], reported: frozenset[str]) -> Case:
        trials = tuple(filter(None, (self._trial(case, pair, names) for names in _TRIALS)))
        return self._shrunk(case, pair, reported).model_copy(update={"trials": trials})

    def _trial(self, case: Case, pair: tuple[int, int], names: Names) -> Trial | None:
        """What two other names showed in the same plan; None if that proves nothing."""
        asked = self.ask(_renamed(case.history.plan, pair, names))
        if asked is None or asked[1].errors or asked[1].doubts:
            return None
        history, judged = asked
        together = _shown(case.finding, judged) is not None
        if not together and apart_in(history) is None:
            return None
        actor, victim = (str(history.users[user].name) for user in pair)
        return Trial(actor=actor, victim=victim, together=together)

    def _with_fewer_steps(self, case: Case, reported: frozenset[str]) -> Case:
        """The case without the steps that its finding does without: the biggest parts first."""
        size = len(case.history.plan.steps)
        while (size := size // 2) >= 1:
            start = len(case.history.plan.steps) - size
            while start >= 0:
                fewer = _without_steps(case.history.plan, start, size)
                case = case if fewer is None else self._or_smaller(case, fewer, reported)
                start = min(start, len(case.history.plan.steps)) - size
        return case

    def _or_smaller(self, case: Case, plan: Plan, reported: frozenset[str]) -> Case:
        """The case with this plan, if it shows the finding and nothing that is not reported; else itself."""
        asked = self.ask(plan)
        if asked is None:
            return case
        history, judged = asked
        shown = _shown(case.finding, judged)
        if shown is None or not {finding.key for finding in judged.findings} <= reported:
            return case
        return case.model_copy(update={"finding": shown, "history": history})

    def _shrunk(self, case: Case, pair: tuple[int, int], reported: frozenset[str]) -> Case:
        """The case with the smallest names that still show its finding, and nothing that is not reported."""
        users = case.history.plan.users
        names = users[pair[0]].template, users[pair[1]].template
        tried = {names}
        smaller = _smaller(names)
        while (candidate := next(smaller, None)) is not None:
            if candidate in tried:
                continue
            tried.add(candidate)
            less = self._or_smaller(case, _renamed(case.history.plan, pair, candidate), reported)
            smaller = smaller if less is case else _smaller(candidate)
            case = less
        return case


def _pair(case: Case) -> tuple[int, int] | None:
    """The actor and the victim of a collision of texts, as users of the plan."""
    found = collision(case)
    if found is None or not (isinstance(found.actor, str) and isinstance(found.victim, str)):
        return None
    names = [str(user.name) for user in case.history.users]
    return names.index(found.actor), names.index(found.victim)


def _renamed(plan: Plan, pair: tuple[int, int], names: Names) -> Plan:
    users = list(plan.users)
    for user, name in zip(pair, names, strict=True):
        users[user] = users[user].model_copy(update={"template": name})
    return plan.model_copy(update={"users": tuple(users)})


def _without_steps(plan: Plan, start: int, size: int) -> Plan | None:
    """The plan without some steps; None where another step turns a page that one of them opened."""
    gone = range(start, start + size)
    kept = [step for number, step in enumerate(plan.steps) if number not in gone]
    if not kept or any(step.cursor in gone for step in kept if step.cursor is not None):
        return None
    moved = [
        step.model_copy(update={"cursor": step.cursor - size})
        if step.cursor is not None and step.cursor >= start
        else step
        for step in kept
    ]
    return plan.model_copy(update={"steps": tuple(moved)})


def _bare(plan: Plan, finding: Finding) -> Plan:
    """The plan with what it stores, and the viewer's first and last look at what the finding is about."""
    looks = [
        number
        for number, step in enumerate(plan.steps[: finding.step + 1])
        if (step.op, step.user) == (plan.steps[finding.step].op, finding.viewer)
    ]
    kept = {*looks[:1], finding.step}
    steps = (
        step
        for number, step in enumerate(plan.steps[: finding.step + 1])
        if step.op is Operation.ADD or number in kept
    )
    return plan.model_copy(update={"steps": tuple(steps)})


def _shown(finding: Finding, judged: Judgement) -> Finding | None:
    """The same finding in another history. Whose fact it was stays known: what was left behind is another."""
    same = (
        other
        for other in judged.findings
        if other.key == finding.key and (other.owner is None) <= (finding.owner is None)
    )
    return next((other for other in same if other.viewer == UserIndex(finding.viewer)), None)


def _smaller(names: Names) -> Iterator[Names]:
    """Two different names of which something was dropped: the biggest parts first, from both or from one."""
    one, other = (_TOKEN.findall(name) for name in names)
    size = max(len(one), len(other))
    while (size := size // 2) >= 1:
        for start in range(0, max(len(one), len(other)), size):
            cut, cut_other = (_without(name, start, size) for name in (one, other))
            for pair in ((cut, cut_other), (cut, other), (one, cut_other)):
                smaller = "".join(pair[0]), "".join(pair[1])
                if smaller != names and smaller[0] != smaller[1]:
                    yield smaller


def _without(tokens: list[str], start: int, size: int) -> list[str]:
    """The tokens without those of one part; what makes a name fresh is never dropped."""
    part = tokens[start : start + size]
    return [*tokens[:start], *(token for token in part if len(token) > 1), *tokens[start + size :]]
