"""Plans of witnesses: users who store their facts at the start of a run, and look at them until its end."""

from __future__ import annotations

from isolation_tests.model import WITNESSES, WRITING, FactSpec, Operation, Plan, Step
from isolation_tests.plans.cells import (
    READ_BY_ID,
    REOPEN,
    TOPIC,
    Material,
    add,
    delete_all,
    facts_of,
    list_all,
    ordinary,
    search,
    settle,
)

FIRST, SECOND, NEWCOMER = 0, 1, 2
"""The witnesses: two who have facts, and one who never stores any."""
OWNERS = (FIRST, FIRST, FIRST, SECOND)
_WHOLE = (Operation.EXPORT, Operation.PAGE, Operation.COUNT)


def witness_plan(material: Material) -> Plan:
    """Two users store facts; they and a newcomer look on every surface, and look once more.

    Whatever happens between the two looks is no part of the plan. What is lost by then was taken by
    somebody (D1), or is crowded out of a search (S4). Where the target can be opened again, it is before
    the last look.
    """
    more = {"metadata": dict(TOPIC)} if "metadata" in material.capabilities else {}
    again = (Step(op=Operation.REOPEN, user=FIRST),) if REOPEN in material.capabilities else ()
    looking = look(material)
    return Plan(
        name=WITNESSES,
        anomaly="S1",
        users=tuple(ordinary(user) for user in (FIRST, SECOND, NEWCOMER)),
        facts=facts_of(material, OWNERS),
        steps=(
            *(add(owner, fact, **more) for fact, owner in enumerate(OWNERS)),
            settle(FIRST, 0),
            settle(SECOND, len(OWNERS) - 1),
            *looking,
            *again,
            *looking,
        ),
    )


def look(material: Material) -> tuple[Step, ...]:
    """Everybody looks on every surface that the target offers."""
    query = material.people.neutral_query()
    steps: list[Step] = []
    for user in (FIRST, SECOND, NEWCOMER):
        steps += [list_all(user, anomaly="D1"), search(user, query=query)]
        steps += [Step(op=op, user=user) for op in _WHOLE if op in material.capabilities]
    for fact, user in enumerate(OWNERS):
        steps.append(search(user, fact, anomaly="S4"))
        steps += [Step(op=op, user=user, fact=fact) for op in READ_BY_ID if op in material.capabilities]
    return tuple(steps)


def before_last_look(witnesses: Plan) -> int:
    """How many steps of a witnesses' plan come before its last look and the opening before that."""
    writes = len(OWNERS) + 2
    return writes + (len(witnesses.steps) - writes) // 2


def last_look(witnesses: Plan, *, opened_again: bool) -> range:
    """The steps of the last look, with or without the opening before it."""
    first = before_last_look(witnesses)
    opening = not opened_again and witnesses.steps[first].op is Operation.REOPEN
    return range(first + opening, len(witnesses.steps))


def around(plan: Plan, witnesses: Plan, *, cleaned: bool = True) -> Plan:
    """The plan, with witnesses who store before its first step, look, and look again after its last.

    The plan's own users and facts keep their indexes, and those of the witnesses come after them. cleaned:
    whoever wrote deletes everything before the last look, as after every plan. Who did what is in the plan,
    so that its judges find the word for what is lost; a user whose name is not the run's own has a word.
    """
    users, facts = len(plan.users), len(plan.facts)
    groups = 1 + max((user.group for user in plan.users), default=-1)
    first = before_last_look(witnesses)
    word = plan.anomaly if any(user.literal for user in plan.users) else None
    moved = tuple(_moved(step, users, facts, word) for step in witnesses.steps)
    own = (
        step if step.cursor is None else step.model_copy(update={"cursor": step.cursor + first})
        for step in plan.steps
    )
    writers = sorted({step.user for step in plan.steps if cleaned and step.op in WRITING})
    return plan.model_copy(
        update={
            "name": f"{plan.name}-beside-witnesses",
            "users": (*plan.users, *(ordinary(groups + user.group) for user in witnesses.users)),
            "facts": (*plan.facts, *(_owned(fact, users) for fact in witnesses.facts)),
            "steps": (*moved[:first], *own, *map(delete_all, writers), *moved[first:]),
            "viewer": None,
        }
    )


def _moved(step: Step, users: int, facts: int, word: str | None) -> Step:
    fact = None if step.fact is None else step.fact + facts
    return step.model_copy(update={"user": step.user + users, "fact": fact, "anomaly": word})


def _owned(fact: FactSpec, users: int) -> FactSpec:
    return fact.model_copy(update={"owners": tuple(owner + users for owner in fact.owners)})
