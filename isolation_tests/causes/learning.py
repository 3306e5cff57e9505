"""What colliding names have in common: a reading that takes all of them for one, and no pair kept apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from isolation_tests.model import Case, CheckResult, History, Law, Operation, Outcome, UserIndex, Verdict
from isolation_tests.testdata.readings import READINGS, Reading

__all__ = ["Pair", "apart", "apart_in", "collision", "learned", "tried"]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two names, and by what operation the first reaches the second's memories, or does not.

    anomaly: what the collision is called; empty if there was none.
    """

    actor: object
    victim: object
    operation: Operation
    anomaly: str = ""


def collision(case: Case) -> Pair | None:
    """The related names by which one user reached the other in a case; None: names are not the matter."""
    finding, users = case.finding, case.history.users
    if not finding.anomaly.startswith("A") or finding.anomaly == "A9" or case.withheld:
        return None
    other = _related(case.history, finding.viewer)
    if other is None:
        return None
    lost = finding.law is Law.KEEPS_OWN_FACTS
    actor, victim = (other, finding.viewer) if lost else (finding.viewer, other)
    return Pair(users[actor].name, users[victim].name, finding.operation, finding.anomaly)


def _related(history: History, user: UserIndex) -> UserIndex | None:
    """The other user of a user's related pair; None if the user has none."""
    users = history.plan.users
    pair = (n for n, other in enumerate(users) if n != user and other.group == users[user].group)
    found = next(pair, None)
    return None if found is None else UserIndex(found)


def apart(results: Iterable[CheckResult]) -> list[Pair]:
    """The related names that checks kept apart, each by the operation with which it was tried."""
    held = (result for result in results if result.verdict is Verdict.HELD)
    return [
        pair
        for result in held
        for history in result.histories
        if history.plan.relation is not None and (pair := apart_in(history)) is not None
    ]


def apart_in(history: History) -> Pair | None:
    """The pair of a plan whose last step shows that nothing was reached; None where a name was refused."""
    last = history.plan.steps[-1]
    other = _related(history, last.user)
    added = {e.user for e in history.events if e.op is Operation.ADD and e.outcome is Outcome.OK}
    literal = any(user.literal for user in history.plan.users)
    if other is None or literal or not {last.user, other} <= added:
        return None
    deleting = any(step.op is Operation.DELETE_ALL and step.user == other for step in history.plan.steps)
    actor, victim = (other, last.user) if deleting else (last.user, other)
    operation = Operation.DELETE_ALL if deleting else last.op
    return Pair(history.users[actor].name, history.users[victim].name, operation)


def tried(case: Case, *, together: bool) -> list[Pair]:
    """The other pairs that were tried for a case, and that collided or were kept apart."""
    finding = case.finding
    anomaly = finding.anomaly if together else ""
    return [
        Pair(trial.actor, trial.victim, finding.operation, anomaly)
        for trial in case.trials
        if trial.together is together
    ]


def learned(together: Sequence[Pair], kept: Sequence[Pair]) -> list[tuple[Reading, list[int]]]:
    """Few readings that explain the colliding pairs, each with the places of the pairs that it explains.

    The one that explains the most comes first; of equal ones, that of their anomaly, and then the narrowest.
    A reading is out if it would
    take a pair for one that was kept apart by an operation by which it explains another. A pair that no
    reading explains is left out.
    """
    fitting = [(reading, places) for reading in READINGS if (places := _fits(reading, together, kept))]
    left = set(range(len(together)))
    found: list[tuple[Reading, list[int]]] = []
    while fitting:
        reading, places = max(fitting, key=lambda fit: _weight(fit[0], left.intersection(fit[1]), together))
        covered = sorted(left.intersection(places))
        if not covered:
            break
        found.append((reading, covered))
        left -= set(covered)
    return found


def _weight(reading: Reading, places: Iterable[int], together: Sequence[Pair]) -> tuple[int, int]:
    named = [together[place].anomaly for place in places]
    return len(named), named.count(reading.anomaly)


def _fits(reading: Reading, together: Sequence[Pair], kept: Sequence[Pair]) -> list[int]:
    """The places of the pairs that a reading explains; none if a pair that was kept apart contradicts it."""
    places = [n for n, pair in enumerate(together) if reading.takes(pair.actor, pair.victim)]
    by = {together[n].operation for n in places}
    contradicted = any(pair.operation in by and reading.takes(pair.actor, pair.victim) for pair in kept)
    return [] if contradicted else places
