"""own-keys: equal texts of two users stay two memories."""

from __future__ import annotations

from isolation_tests.model import Finding, History, Judgement, Law, Operation, Outcome


def judge(history: History) -> Judgement:
    """An id that two users were given for one text.

    Systems that number each user's memories by themselves repeat ids for unlike texts as well; there an
    equal id proves nothing, and the facts that get lost decide. So they do for equal keys: a caller's key
    may well be the id, in a place of the caller's own.
    """
    given = {
        (event.user, fact): row.id
        for event in history.events
        if event.op is Operation.ADD and event.outcome is Outcome.OK
        for row in event.rows
        for fact in [history.plan.steps[event.step].fact]
        if row.id is not None and any(s.fact == fact and s.user is not None for s in row.sightings)
    }
    pairs = [
        (one, other)
        for one in given
        for other in given
        if one[0] < other[0] and given[one] == given[other] and not _keyed(history, one, other)
    ]
    if any(one[1] != other[1] for one, other in pairs):
        return Judgement()
    return Judgement(findings=tuple(_finding(history, one, other) for one, other in pairs))


def _keyed(history: History, *writings: tuple[int, int | None]) -> bool:
    """Whether any of these was written under a key of the caller's own."""
    steps = history.plan.steps
    return any(s.key is not None and s.op is Operation.ADD and (s.user, s.fact) in writings for s in steps)


def _finding(history: History, one: tuple[int, int | None], other: tuple[int, int | None]) -> Finding:
    steps = history.plan.steps
    step = next(i for i, s in enumerate(steps) if (s.op, s.user, s.fact) == (Operation.ADD, *other))
    return Finding(
        anomaly="M1",
        law=Law.OWN_KEYS,
        operation=Operation.ADD,
        relation=history.plan.relation,
        viewer=other[0],
        owner=one[0],
        step=step,
        where="id",
        story=f"users {one[0]} and {other[0]} wrote one text and were given one and the same memory",
    )
