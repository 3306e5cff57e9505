"""Compares one user's whole view, alone and with others: every surface, before and after others act."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from isolation_tests.model import BY_ID, FactSpec, History, Operation, Plan, Step
from isolation_tests.plans.cells import (
    READ_BY_ID,
    Cell,
    Material,
    add,
    delete_all,
    facts_of,
    list_all,
    ordinary,
    search,
    settle,
)
from isolation_tests.testdata.facts import People, question

VIEWER, OWN = 0, 4
CROWD = 80
"""How many more similar facts others store before the viewer stores any."""


def alone(plan: Plan) -> Plan:
    """The plan with only the viewer's steps.

    A foreign id does not exist in this plan, so another absent id takes its place.
    """
    kept = [number for number, step in enumerate(plan.steps) if step.user == plan.viewer]
    place = {number: index for index, number in enumerate(kept)}
    steps = (plan.steps[number] for number in kept)
    own = next(n for n, fact in enumerate(plan.facts) if plan.viewer in fact.owners)
    return plan.model_copy(update={"steps": tuple(_projected(plan, step, place, own) for step in steps)})


def paced(plan: Plan, together: History) -> Plan:
    """The viewer's steps alone, each after as long a wait as the others' steps took in a run with them.

    What a system orders or forgets by the clock is then no difference that others made.
    """
    lone, waits = alone(plan), []
    ended = min((event.started for event in together.events), default=0.0)
    for number, step in enumerate(plan.steps):
        if step.user != plan.viewer:
            continue
        calls = [event for event in together.events if event.step == number]
        waits.append(max(0.0, calls[0].started - ended) if calls else 0.0)
        ended = calls[-1].ended if calls else ended
    steps = (
        step.model_copy(update={"pause": max(step.pause, wait)})
        for step, wait in zip(lone.steps, waits, strict=True)
    )
    return lone.model_copy(update={"steps": tuple(steps)})


def _projected(plan: Plan, step: Step, place: dict[int, int], own: int) -> Step:
    changes: dict[str, Any] = {} if step.cursor is None else {"cursor": place[step.cursor]}
    addressed = "fact" if step.replaces is None else "replaces"
    fact = getattr(step, addressed)
    if step.op in BY_ID and fact is not None and plan.viewer not in plan.facts[fact].owners:
        changes |= {addressed: own, "absent": True}
    return step.model_copy(update=changes)


def patient(plan: Plan) -> Plan:
    """The same plan, which waits as long as a write may take wherever it waits for something."""
    steps = (
        step.model_copy(update={"hold": True}) if step.op is Operation.SETTLE else step for step in plan.steps
    )
    return plan.model_copy(update={"steps": tuple(steps)})


def varied(plan: Plan, people: People) -> Plan:
    """The same plan with different facts for the other users."""
    facts = (
        fact if plan.viewer in fact.owners else fact.model_copy(update={"text": people.fact()})
        for fact in plan.facts
    )
    return plan.model_copy(update={"facts": tuple(facts)})


@dataclass(frozen=True, slots=True)
class _Doings:
    """What the other users do, and the viewer's additional reads.

    own: the viewer's facts; the last one replaces the second. others: the other users' facts. before,
    between, later, last: the others' steps before the viewer stores anything, after the first facts, after
    more facts, and at the end. asked: the viewer's additional reads. limit: of searches.
    """

    own: Sequence[FactSpec]
    others: Sequence[FactSpec]
    before: Sequence[Step] = ()
    between: Sequence[Step] = ()
    later: Sequence[Step] = ()
    last: Sequence[Step] = ()
    asked: Sequence[Step] = ()
    limit: int = 100
    needs: tuple[str, ...] = field(default=())


def _plan(anomaly: str, doings: _Doings, material: Material) -> Plan:
    """The viewer stores, replaces and deletes, and reads every surface after each; others act in between."""
    offered, query = material.capabilities, material.people.neutral_query()
    steps: list[Step] = []

    def look(fact: int) -> None:
        steps.extend((list_all(VIEWER), search(VIEWER, fact, limit=doings.limit)))
        steps.extend((search(VIEWER, query=query, limit=doings.limit), *doings.asked))
        steps.extend(Step(op=op, user=VIEWER) for op in (Operation.COUNT, Operation.EXPORT) if op in offered)
        if "page" in offered:
            steps.append(Step(op=Operation.PAGE, user=VIEWER))
            steps.append(Step(op=Operation.PAGE, user=VIEWER, cursor=len(steps) - 1))
        for op in READ_BY_ID:
            if op in offered:
                own = Step(op=op, user=VIEWER, fact=fact)
                steps.extend((own, own.model_copy(update={"absent": True})))

    steps += [*doings.before, add(VIEWER, 0), add(VIEWER, 1), settle(VIEWER, 0)]
    # Every read is repeated, with only other users' actions in between.
    look(0)
    steps += doings.between
    look(0)
    steps += [add(VIEWER, 2)]
    if "update" in offered:
        steps += [Step(op=Operation.UPDATE, user=VIEWER, fact=3, replaces=1)]
    steps += [settle(VIEWER, 2), *doings.later]
    look(2)
    steps += doings.last
    look(2)
    if "delete" in offered:
        steps += [Step(op=Operation.DELETE, user=VIEWER, fact=0), settle(VIEWER, 2), search(VIEWER, 2)]
        steps += [Step(op=Operation.GET, user=VIEWER, fact=0)] if "get" in offered else []
    steps += [delete_all(VIEWER), settle(VIEWER), list_all(VIEWER), search(VIEWER, query=query)]
    users = 1 + max(owner for fact in doings.others for owner in fact.owners)
    return Plan(
        name=f"view-{anomaly}",
        anomaly=anomaly,
        users=tuple(ordinary(user) for user in range(users)),
        facts=(*doings.own, *doings.others),
        steps=tuple(steps),
        needs=doings.needs,
        viewer=VIEWER,
    )


def _stored(user: int, *facts: int) -> tuple[Step, ...]:
    return (*(add(user, fact) for fact in facts), settle(user))


def _volumes(material: Material) -> _Doings:
    """Two other users store five facts and two facts, and then each deletes all of them."""
    return _Doings(
        own=facts_of(material, (VIEWER,) * OWN),
        others=facts_of(material, (1, 1, 1, 1, 1, 2, 2)),
        before=_stored(1, 4, 5),
        between=(*_stored(1, 6, 7, 8), *_stored(2, 9, 10)),
        later=(delete_all(2), settle(2)),
        last=(delete_all(1), settle(1)),
        asked=(search(VIEWER, query=""),),
    )


def _equal(material: Material) -> _Doings:
    """Another user stores the viewer's texts, before and after the viewer does, and deletes them."""
    own = facts_of(material, (VIEWER,) * OWN)
    shared = tuple(fact.model_copy(update={"owners": (VIEWER, 1)}) for fact in own[:3])
    return _Doings(
        own=(*shared, own[3]),
        others=facts_of(material, (1,)),
        before=_stored(1, 1, 4),
        between=_stored(1, 0),
        later=_stored(1, 2),
        last=(delete_all(1), settle(1)),
    )


def _one_name(material: Material) -> _Doings:
    """Two users store facts about the same person; some of them contradict each other."""
    people = material.people
    entity = people.shared_entity()
    said, contrary = people.statements(entity)
    own, other = (VIEWER,), (1,)
    return _Doings(
        own=(
            FactSpec(text=said, owners=own),
            *(FactSpec(text=people.fact_about(entity), owners=own) for _ in range(OWN - 1)),
        ),
        others=(
            FactSpec(text=contrary, owners=other),
            *(FactSpec(text=people.fact_about(entity), owners=other) for _ in range(2)),
        ),
        before=_stored(1, 5),
        between=_stored(1, 4),
        later=_stored(1, 6),
        last=(delete_all(1), settle(1)),
        asked=(search(VIEWER, query=entity),),
    )


def _questions(material: Material) -> _Doings:
    """Another user makes each of the viewer's reads just before the viewer."""
    people = material.people
    subject = people.subject()
    asked = [question(subject), subject]
    before = (list_all(1), *(search(1, query=query) for query in asked))
    return _Doings(
        own=tuple(FactSpec(text=people.fact_near(subject), owners=(VIEWER,)) for _ in range(OWN)),
        others=tuple(FactSpec(text=people.fact_near(subject), owners=(1,)) for _ in range(3)),
        before=(*_stored(1, 4), *before),
        between=(*_stored(1, 5), *before),
        later=(*_stored(1, 6), *before),
        last=(delete_all(1), settle(1), *before),
        asked=tuple(search(VIEWER, query=query) for query in asked),
    )


def _ids(material: Material) -> _Doings:
    """The viewer tries another user's id while it exists and after it is deleted."""
    by_id = [op for op in READ_BY_ID if op in material.capabilities]
    return _Doings(
        own=facts_of(material, (VIEWER,) * OWN),
        others=facts_of(material, (1,) * 6),
        before=_stored(1, 4, 5, 6, 7, 8, 9),
        last=(delete_all(1), settle(1)),
        asked=tuple(Step(op=op, user=VIEWER, fact=9) for op in by_id),
        needs=("get",),
    )


def _nearer(material: Material) -> _Doings:
    """Others store so many more similar facts that they would fill a search over all users."""
    people = material.people
    subject = people.subject()
    others = [1 + number % 2 for number in range(CROWD)]
    return _Doings(
        own=tuple(FactSpec(text=people.fact_far(subject), owners=(VIEWER,)) for _ in range(OWN)),
        others=tuple(FactSpec(text=people.fact_near(subject), owners=(user,)) for user in others),
        before=(*(add(user, OWN + n) for n, user in enumerate(others)), settle(1), settle(2)),
        asked=(search(VIEWER, query=question(subject), limit=10), search(VIEWER, query=subject, limit=10)),
        limit=10,
    )


def _cell(name: str, anomaly: str, doings: Callable[[Material], _Doings], *also: str, **more: Any) -> Cell:
    def build(material: Material) -> Plan:
        return _plan(anomaly, doings(material), material)

    return Cell(f"{anomaly}-{name}", anomaly, build, also=also, **more)


_ANY = ("X1", "X3", "S2", "M4")
"""The anomalies that any difference may show, in addition to the one that a plan is about."""
VIEW_CELLS = [
    _cell("volumes", "X1", _volumes, *_ANY[1:], "D1", "completeness"),
    _cell("foreign-ids", "X2", _ids, "X3", "O1", "O4", quick=False, needs=("get",)),
    _cell("equal-texts", "M1", _equal, *_ANY, "S1", "D1", quick=False),
    _cell("one-name", "M4", _one_name, *_ANY[:3], "M2", quick=False),
    _cell("same-questions", "K1", _questions, *_ANY, quick=False),
    _cell("nearer", "S4", _nearer, *_ANY, quick=False),
]
