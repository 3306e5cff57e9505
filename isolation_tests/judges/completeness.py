"""keeps-own-facts: what a user stored and did not delete is still there. The positive control lives here.

A fact that was never seen proves nothing about isolation, so it is a doubt; it becomes a finding only
where something else shows that the surface works: the user sees other facts of its own, or another user
of the same plan sees all of theirs (an over-fix that hides some users' data).
"""

from __future__ import annotations

from collections.abc import Iterator

from isolation_tests.judges.explaining import naming
from isolation_tests.judges.repeated import still_listed
from isolation_tests.judges.walk import walk
from isolation_tests.model import Event, Finding, History, Judgement, Law, Operation, Outcome, Step
from isolation_tests.model.world import World, facts_of_plan

_COMPLETE = (Operation.GET_ALL, Operation.EXPORT)
_BY_ANOMALY = {"O2": Operation.UPDATE, "O3": Operation.DELETE, "D2": Operation.MAINTAIN}


def judge(history: History) -> Judgement:
    """Own facts missing from a settled complete answer; failed positive controls."""
    findings: list[Finding] = []
    doubts: list[str] = []
    served = _served(history)
    for event, step, world in _settled(history):
        due = world.own(event.user)
        # A literal name may be refused or lead nowhere, and whoever else uses it may delete its facts.
        if not due or step.filters is not None or history.plan.users[event.user].literal:
            continue
        missing = due - facts_of_plan(event)
        if event.outcome is Outcome.OK and event.op in _COMPLETE and missing:
            _weigh(history, event, step, world, missing, served, findings, doubts)
        elif _is_missed(history, event, step, world) and step.fact in missing:
            doubts.append(f"user {event.user} searched for the text of their own fact and did not find it")
        elif event.op in _COMPLETE and event.outcome is Outcome.REFUSED:
            doubts.append(f"user {event.user} could store a fact but {event.op} was refused")
    return Judgement(findings=tuple(findings), doubts=tuple(doubts))


def controls(history: History) -> int:
    """How many positive controls were met: settled answers in which the owner saw their own fact."""
    return sum(
        1
        for event, step, world in _settled(history)
        if step.op is Operation.SETTLE and world.own(event.user) & facts_of_plan(event)
    )


def _is_missed(history: History, event: Event, step: Step, world: World) -> bool:
    """Whether a settled search should have found its own text; without room, one by time need not."""
    ranked = history.volatile is not None and history.volatile.recency
    crowded = ranked and len(world.own(event.user)) > step.limit
    return event.op is Operation.SEARCH and step.op is Operation.SETTLE and not crowded


def _settled(history: History) -> Iterator[tuple[Event, Step, World]]:
    return ((event, step, world) for event, step, world in walk(history) if not event.poll)


def _served(history: History) -> set[tuple[Operation, int]]:
    """(surface, user) pairs at which some settled answer held everything that was due."""
    return {
        (event.op, event.user)
        for event, _, world in _settled(history)
        if event.outcome is Outcome.OK
        and world.own(event.user)
        and world.own(event.user) <= facts_of_plan(event)
    }


def _weigh(
    history: History,
    event: Event,
    step: Step,
    world: World,
    missing: set[int],
    served: set[tuple[Operation, int]],
    findings: list[Finding],
    doubts: list[str],
) -> None:
    reached = world.reached.get(event.user, set()) & missing
    late = _seen_later(history, event, missing - reached)
    if late:
        doubts.append(
            f"user {event.user} saw a fact only after it was due in {event.op}: "
            "the system is slower than its declared consistency_seconds"
        )
    missing = missing - late
    others = any(op is event.op and user != event.user for op, user in served)
    known = world.reached.get(event.user, set())
    worked = missing <= {new for old, new in world.newer.items() if old in known}
    if missing and not reached and not others and not worked and missing | late == world.own(event.user):
        doubts.append(
            f"user {event.user} stored a fact and never saw it in {event.op}: "
            "either the adapter does not return what was stored, or the system is slower than its "
            "declared consistency_seconds"
        )
        return
    if not missing:
        return
    anomaly = (
        naming.of_loss(history, step, event.user, missing, world)
        if (reached or world.suspects(event.user, missing)) and not _only_here(history, event, missing)
        else _never_stored(history, step, missing)
    )
    if anomaly == "completeness" and not reached and _declined(history, event, missing):
        doubts.append(f"add by user {event.user} answered with nothing stored, and nothing was")
        return
    lost = bool(reached) and not _only_here(history, event, missing)
    what = "lost facts they had seen before" if lost else "does not see all of their own facts"
    findings.append(
        Finding(
            anomaly=anomaly,
            law=Law.KEEPS_OWN_FACTS,
            operation=_BY_ANOMALY.get(anomaly) or _blamed(history, event, missing, anomaly),
            relation=history.plan.relation,
            viewer=event.user,
            owner=event.user,
            step=event.step,
            where=event.op.value,
            story=f"user {event.user} {what}: {len(missing)} of {len(world.own(event.user))} missing",
        )
    )


def _only_here(history: History, event: Event, missing: set[int]) -> bool:
    """Whether an export lacks what the user's list still holds: nobody took it."""
    return event.op is Operation.EXPORT and still_listed(history, event, missing)


def _declined(history: History, event: Event, missing: set[int]) -> bool:
    """Whether each missing fact was answered with no row: a system may find nothing to keep in a text."""
    answers = {
        history.plan.steps[other.step].fact: bool(other.rows)
        for other in history.events
        if other.op is Operation.ADD and other.user == event.user
    }
    return all(answers.get(fact) is False for fact in missing)


def _seen_later(history: History, event: Event, missing: set[int]) -> set[int]:
    """Which of the facts show to the same user afterwards without being written again."""
    position = next(i for i, other in enumerate(history.events) if other is event)
    pending, late = set(missing), set[int]()
    for later in history.events[position + 1 :]:
        if later.user != event.user or not pending:
            continue
        if later.op in (Operation.ADD, Operation.UPDATE):
            pending -= {history.plan.steps[later.step].fact}
        late |= pending & facts_of_plan(later)
    return late


def _never_stored(history: History, step: Step, missing: set[int]) -> str:
    """A loss at writing: only what two writers share can be another user's doing."""
    if step.anomaly in ("M1", "M2", "M4", "O5", "O6", "A5") and history.plan.relation is None:
        return step.anomaly
    if all(len(history.plan.facts[fact].owners) > 1 for fact in missing):
        return "M1"
    keyed = {step.fact for step in history.plan.steps if step.key is not None}
    return "O6" if missing <= keyed else "completeness"


def _blamed(history: History, event: Event, missing: set[int], anomaly: str) -> Operation:
    """The last writing call of somebody else before the loss showed: that is the operation at fault."""
    removing = (Operation.DELETE_ALL, Operation.MAINTAIN, Operation.DELETE, Operation.UPDATE)
    blamed = event.op
    if anomaly == "O6" or _only_here(history, event, missing):
        return blamed
    for earlier in history.events:
        if earlier is event:
            break
        if earlier.user != event.user and earlier.op in removing and earlier.outcome is Outcome.OK:
            blamed = earlier.op
    return blamed
