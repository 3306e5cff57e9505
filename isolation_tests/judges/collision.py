"""own-keys: equal texts and equal keys of two users stay two memories."""

from __future__ import annotations

from isolation_tests.model import Finding, History, Judgement, Law, Operation, Outcome


def judge(history: History) -> Judgement:
    """An id that two users were given for one text or one key.

    Systems that number each user's memories by themselves repeat ids for unlike texts as well; there an
    equal id proves nothing, and the facts that get lost decide.
    """
    given = {
        (event.user, fact): row.id
        for event in history.events
        if event.op is Operation.ADD and event.outcome is Outcome.OK
        for row in event.rows
        for fact in [history.plan.steps[event.step].fact]
        if row.id is not None and fact is not None
    }
    pairs = [
        (one, other)
        for one in given
        for other in given
        if one[0] < other[0] and given[one] == given[other]
    ]
    if any(one[1] != other[1] and not _same_key(history, one, other) for one, other in pairs):
        return Judgement()
    return Judgement(findings=tuple(_finding(history, one, other) for one, other in pairs))


def _key(history: History, writing: tuple[int, int]) -> str | None:
    keys = (s.key for s in history.plan.steps if s.op is Operation.ADD and (s.user, s.fact) == writing)
    return next(keys, None)


def _same_key(history: History, one: tuple[int, int], other: tuple[int, int]) -> bool:
    key = _key(history, one)
    return key is not None and key == _key(history, other)


def _finding(history: History, one: tuple[int, int], other: tuple[int, int]) -> Finding:
    shared = "text" if one[1] == other[1] else "key"
    steps = history.plan.steps
    step = next(i for i, s in enumerate(steps) if (s.op, s.user, s.fact) == (Operation.ADD, *other))
    return Finding(
        anomaly="M1" if shared == "text" else "O6",
        law=Law.OWN_KEYS,
        operation=Operation.ADD,
        relation=history.plan.relation,
        viewer=other[0],
        owner=one[0],
        step=step,
        where="id",
        story=f"users {one[0]} and {other[0]} wrote one {shared} and were given one and the same memory",
    )
