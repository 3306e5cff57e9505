"""surfaces-agree: between two writes of a user, all that lists the user's memories lists the same ones.

A search may miss a memory, for it ranks; lists, pages, exports, totals and calls by id may not. What should
be there by the plan is other judges' matter: here one answer is held against another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from isolation_tests.judges.finding import found
from isolation_tests.judges.walk import walk
from isolation_tests.model import (
    WRITING,
    Event,
    Finding,
    History,
    Judgement,
    Law,
    Operation,
    Outcome,
    Step,
    linked,
)
from isolation_tests.model.world import World, facts_of_plan

_EARLY = (
    "what user {user} gets from {op} differs from their list, within the target's consistency_seconds: "
    "nothing waited for {op}"
)


@dataclass
class _Moment:
    """What a user was answered since their last write.

    listed: the ids under which the last list held each fact. pages: for each page, by its step, the facts
    from the first page up to it.
    """

    listed: dict[int, set[str]] | None = None
    pages: dict[int, frozenset[int]] = field(default_factory=dict)


def judge(history: History) -> Judgement:
    """Each settled answer that disagrees with the user's own list of the same moment.

    Each surface has a time of its own to show a write. Within it, to disagree is a doubt in a plan about it.
    """
    moments: dict[int, _Moment] = {}
    findings: list[Finding] = []
    early: list[str] = []
    for event, step, world in walk(history):
        if event.op in WRITING:
            moments.pop(event.user, None)
        elif _may_compare(history, event, step, world):
            moment = moments.setdefault(event.user, _Moment())
            findings += _disagreements(history, event, step, world, moment)
            _note(event, step, moment)
        elif event.user in moments and _is_early(history, event, step, world, moments[event.user]):
            early.append(_EARLY.format(user=event.user, op=event.op))
    return Judgement(findings=tuple(findings), early=tuple(dict.fromkeys(early)))


def _is_early(history: History, event: Event, step: Step, world: World, moment: _Moment) -> bool:
    """Whether an answer of a plan about it disagrees with a list, but may do so yet."""
    if history.plan.anomaly != "completeness" or not world.recent:
        return False
    due = replace(world, recent=set())
    if not _may_compare(history, event, step, due):
        return False
    disagrees = any(True for _ in _disagreements(history, event, step, due, moment))
    _note(event, step, moment)
    return disagrees


def _may_compare(history: History, event: Event, step: Step, world: World) -> bool:
    """Only settled answers without a filter, by users whom no other check shares and who do not write now.

    What others may write or delete, by the rule of visibility, can differ from one answer to the next.
    """
    quiet = not world.racing and not world.recent and not world.doubtful.get(event.user)
    plain = step.filters is None and not event.poll and not step.odd and step.on in ("thread", "twin")
    shared = history.plan.users[event.user].literal or event.user in linked(history.plan)
    return quiet and plain and not shared


def _note(event: Event, step: Step, moment: _Moment) -> None:
    if event.outcome is not Outcome.OK:
        return
    if event.op is Operation.GET_ALL:
        moment.listed = {}
        for row in event.rows:
            for sighting in row.sightings:
                if sighting.user is not None and row.id is not None:
                    moment.listed.setdefault(sighting.fact, set()).add(row.id)
    elif event.op is Operation.PAGE and (held := _paged(event, step, moment)) is not None:
        moment.pages[event.step] = held


def _paged(event: Event, step: Step, moment: _Moment) -> frozenset[int] | None:
    """The facts of all pages up to this one; None where the first of them is of an earlier moment."""
    before = frozenset[int]() if step.cursor is None else moment.pages.get(step.cursor)
    return None if before is None else before | facts_of_plan(event)


def _disagreements(
    history: History, event: Event, step: Step, world: World, moment: _Moment
) -> Iterator[Finding]:
    if moment.listed is None:
        return
    listed = {fact: ids for fact, ids in moment.listed.items() if fact in world.own(event.user)}
    if event.op is Operation.COUNT and event.number is not None:
        yield from _short_total(history, event, listed)
    elif event.op in (Operation.EXPORT, Operation.PAGE) and event.outcome is Outcome.OK:
        exported = event.op is Operation.EXPORT
        held = frozenset(facts_of_plan(event)) if exported else _paged(event, step, moment)
        if held is not None:
            yield from _other_list(history, event, listed, held)
    elif event.op is Operation.GET and event.outcome in (Outcome.OK, Outcome.REFUSED) and not step.absent:
        known = world.ids.get((event.user, -1 if step.fact is None else step.fact))
        opened = step.fact in facts_of_plan(event)
        if known is not None and known in listed.get(step.fact or 0, ()) and not opened:
            story = f"user {event.user} sees a memory in get_all, and get does not find it by its id"
            yield _finding(history, event, story)


def _short_total(history: History, event: Event, listed: dict[int, set[str]]) -> Iterator[Finding]:
    """A total below what the list holds, where a memory may be of several facts and a fact in several."""
    rows = {id for ids in listed.values() for id in ids}
    if (event.number or 0) < min(len(rows), len(listed)):
        story = f"user {event.user} sees {len(listed)} own facts in get_all, and count says {event.number}"
        yield _finding(history, event, story)


def _other_list(
    history: History, event: Event, listed: dict[int, set[str]], held: frozenset[int]
) -> Iterator[Finding]:
    """An export, or pages up to the last one, that lacks what the list held; the reverse may be mere lag."""
    missing = listed.keys() - held
    if missing and not event.cursor:
        story = f"user {event.user} sees {len(missing)} own facts in get_all and not in {event.op}"
        yield _finding(history, event, story)


def _finding(history: History, event: Event, story: str) -> Finding:
    return found(
        history,
        event,
        anomaly="completeness",
        law=Law.SURFACES_AGREE,
        owner=event.user,
        story=story,
    )
