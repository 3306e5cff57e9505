"""own-keys: equal texts of two users stay two memories."""

from __future__ import annotations

from isolation_tests.model import Event, Finding, History, Judgement, Law, Operation, Outcome


def judge(history: History) -> Judgement:
    """An id that two users were given for one text.

    Systems that number each user's memories by themselves repeat ids for unlike texts as well; there an
    equal id proves nothing, and the facts that get lost decide. So they do where ids are made from the text
    (a text that its user deleted and stored again has its old id), and for equal keys: a caller's key
    may well be the id, in a place of the caller's own.
    """
    given: dict[tuple[int, int | None], str] = {}
    for event in history.events:
        if event.op is not Operation.ADD or event.outcome is not Outcome.OK:
            continue
        fact = history.plan.steps[event.step].fact
        for row in event.rows:
            if row.id is None or not any(s.fact == fact and s.user is not None for s in row.sightings):
                continue
            if given.setdefault((event.user, fact), row.id) == row.id and _is_again(history, event):
                return Judgement()
    pairs = [
        (one, other)
        for one in given
        for other in given
        if one[0] < other[0] and given[one] == given[other] and not _keyed(history, one, other)
    ]
    if any(one[1] != other[1] for one, other in pairs):
        return Judgement()
    return Judgement(findings=tuple(_finding(history, one, other) for one, other in pairs))


def _is_again(history: History, event: Event) -> bool:
    """Whether the user had stored this text before, and has deleted all in between."""
    fact, stored, deleted = history.plan.steps[event.step].fact, False, False
    for earlier in history.events:
        if earlier is event:
            break
        if earlier.user == event.user and earlier.outcome is Outcome.OK:
            stored |= earlier.op is Operation.ADD and history.plan.steps[earlier.step].fact == fact
            deleted |= stored and earlier.op is Operation.DELETE_ALL
    return deleted


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
