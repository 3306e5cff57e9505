"""own-view, in two runs: a user's whole view is the same whether others are there or not, whatever they do.

One plan is performed with only the viewer's steps, and with everybody's. What differs between two runs of
the viewer alone differs by itself: that is the noise floor, and is not judged. What was the same in every run
alone and is another in every run of one plan with others is interference, whether it has a name or not.

Each run has names, canaries and ids of its own, on which nearness and the order of lists depend. So of an
order two things are compared that do not: whether the text itself is a search's best match, and whether the
order is still that of the viewer's last equal question, where the viewer wrote nothing in between.
"""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from isolation_tests.judges.explaining import naming
from isolation_tests.judges.finding import found
from isolation_tests.judges.repeated import question
from isolation_tests.judges.spelling import spelled
from isolation_tests.judges.walk import is_ripe, walk
from isolation_tests.model import (
    BY_ID,
    WRITING,
    Event,
    Finding,
    History,
    Judgement,
    Law,
    Operation,
    Outcome,
    Row,
    Step,
    UserIndex,
    Volatile,
)
from isolation_tests.model.world import World

Place = tuple[int, Operation]
"""Which of the viewer's own steps, and what was asked there: a settled look at the list may also search."""
Aspect = tuple[object, ...]
_UNCERTAIN = "alone, user {user} did not get the same {what} from {op} twice: comparing it proves nothing"
_NOTE = "{op}: {what} was not compared, for it differs where the user is alone"
_GRAVE = ("outcome", "facts", "rows", "number")
"""What no system that works may change by itself. The rest may vary, and is then left out with a note."""
_OF_ALL = ("rows", "number", "more")
"""What tells of memories without a canary, too. Nobody can see whether all of these are visible yet."""
_EARLY = "the total of what user {user} gets from {op} differs, but not all of it need be visible yet"
_ORDERED = (Operation.SEARCH, Operation.GET_ALL, Operation.EXPORT)
_SAID = {
    "outcome": "outcome",
    "facts": "facts",
    "rows": "number of rows",
    "number": "total",
    "more": "next page",
    "error": "error text",
    "best": "best match",
    "order": "order of rows",
    "moved": "order of rows",
    "id": "ids",
    "field": "fields of rows",
}


@dataclass(frozen=True, slots=True)
class _Answer:
    """One settled answer of the viewer's, with what can be compared of it. ripe: all writes have to show."""

    event: Event
    step: Step
    aspects: Mapping[Aspect, object]
    lost: frozenset[int]
    ripe: bool


@dataclass(frozen=True, slots=True)
class _Floor:
    """What the viewer alone is answered each time, and what is another each time, by operation."""

    steady: Mapping[Place, Mapping[Aspect, object]]
    wavering: frozenset[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Difference:
    aspect: Aspect
    alone: object
    together: object


def judge(histories: Sequence[History]) -> Judgement:
    """What others changed in the viewer's view.

    histories: of one plan, some with the viewer's steps only and some with everybody's, in any order.
    """
    viewer = histories[0].plan.viewer
    alone = [history for history in histories if is_alone(history)]
    together = [history for history in histories if not is_alone(history)]
    if viewer is None or len(alone) < 2 or not together:  # one alone has no noise floor
        return Judgement(doubts=("the view was not seen alone twice: there is nothing to compare it with",))
    volatile = together[0].volatile
    views = [_view(history, viewer) for history in together]
    lone = [_view(history, viewer) for history in alone]
    floor = _floor(lone, volatile)
    findings, early = [], []
    for place, steady in floor.steady.items():
        beside = [view[place] for view in views if place in view]
        if len(beside) == len(views):
            ripe = all(view[place].ripe for view in (*lone, *views))
            differences = list(_differences(steady, floor.wavering, beside, volatile))
            certain = [each for each in differences if ripe or each.aspect[0] not in _OF_ALL]
            findings += [_finding(together[0], beside[0], each) for each in certain[:1]]
            early += [] if certain else [_EARLY.format(user=viewer, op=place[1]) for _ in differences]
    wavering = sorted({(op, what) for op, what, *_ in floor.wavering})
    grave = [kind for kind in wavering if kind[1] in _GRAVE]
    doubts = [_UNCERTAIN.format(user=viewer, op=op, what=_SAID[what]) for op, what in grave]
    notes = [_NOTE.format(op=op, what=_SAID[what]) for op, what in wavering if what not in _GRAVE]
    return Judgement(
        findings=tuple(findings),
        doubts=tuple(dict.fromkeys([*doubts, *early])),
        notes=tuple(dict.fromkeys([*notes, *_declared(volatile)])),
    )


def is_alone(history: History) -> bool:
    """Whether nobody but the viewer does anything."""
    return all(step.user == history.plan.viewer for step in history.plan.steps)


def _declared(volatile: Volatile | None) -> list[str]:
    return [] if volatile is None else [f"not compared, as the target declares: {volatile.told()}"]


def _view(history: History, viewer: UserIndex) -> dict[Place, _Answer]:
    """Every answer of the viewer's that was settled and of known outcome, by its place among their steps.

    Nothing is compared after a write of the viewer's that may do something else each time, whoever else is
    there: one whose outcome is unknown, or that was refused when the memory need not be visible yet.
    """
    order = [number for number, step in enumerate(history.plan.steps) if step.user == viewer]
    place = {number: index for index, number in enumerate(order)}
    given: dict[str, frozenset[int]] = {}
    earlier: dict[tuple[object, ...], object] = {}
    seen: dict[Place, _Answer] = {}
    unknown = False
    for event, step, world in walk(history):
        if event.user != viewer:
            continue
        unknown = unknown or _may_have_done_otherwise(event, world)
        for row in event.rows:
            if row.id is not None and _facts(history, viewer, row):
                given.setdefault(row.id, _facts(history, viewer, row))
        if event.op in WRITING:
            earlier.clear()
        definite = event.outcome in (Outcome.OK, Outcome.REFUSED)
        ambiguous = naming.addresses_foreign(history, step) and world.addressed(step) in world.live.get(
            viewer, set()
        )
        late = world.recent or not is_ripe(history, event, wordless=True)
        if event.poll or not definite or unknown or ambiguous or late or step.lane is not None:
            continue
        limited = event.op is Operation.SEARCH and step.limit <= len(world.live.get(viewer, ()))
        aspects = dict(_aspects(history, event, step, given, limited=limited))
        ranked = aspects.pop(("order",), None)
        if event.op in _ORDERED:
            # The order itself is that of canaries or ids that are others in each run, or of no promise.
            asked = question(history, event)
            if asked in earlier:
                aspects["moved",] = ranked != earlier[asked]
            earlier[asked] = ranked
        seen[place[event.step], event.op] = _Answer(
            event, step, aspects, frozenset(world.lost(viewer)), is_ripe(history, event)
        )
    return seen


def _may_have_done_otherwise(event: Event, world: World) -> bool:
    """Whether a write may do something else in another run: by chance, or by what it could see already."""
    if event.op not in WRITING:
        return False
    refused = event.outcome is Outcome.REFUSED and event.op in BY_ID and bool(world.recent)
    return refused or event.outcome in (Outcome.INDETERMINATE, Outcome.ERROR)


def _aspects(
    history: History, event: Event, step: Step, given: Mapping[str, frozenset[int]], *, limited: bool
) -> Iterator[tuple[Aspect, object]]:
    """What can be compared of an answer, the weightiest first.

    limited: the viewer has as many facts as the search may return, or more. Which of equally good ones it
    returns is its own affair, so that only their number counts.
    """
    by_id = event.op in BY_ID
    yield ("outcome",), (event.outcome, event.error_kind, bool(event.rows) if by_id else None)
    if event.op is Operation.ADD:
        # What an add answers with differs between systems and is compared as rows of the lists.
        yield ("error",), event.error
        return
    rows = [(_facts(history, event.user, row), row) for row in event.rows]
    own = [(facts, row) for facts, row in rows if facts]
    if not limited:
        yield ("facts",), tuple(sorted(Counter(tuple(sorted(facts)) for facts, _ in own).items()))
    yield ("rows",), len(rows)
    yield ("number",), event.number
    yield ("more",), event.cursor
    yield ("error",), event.error
    if event.op is Operation.SEARCH and step.fact is not None and own:
        yield ("best",), step.fact in own[0][0]
    if limited:
        return
    yield ("order",), tuple(tuple(sorted(facts)) for facts, _ in own)
    repeated: Counter[frozenset[int]] = Counter()
    for facts, row in own:
        which = (tuple(sorted(facts)), repeated[facts])
        repeated[facts] += 1
        yield ("id", *which), None if row.id is None else tuple(sorted(given.get(row.id, frozenset())))
        for path, value in row.fields.items():
            if not _is_id(row, value):
                yield ("field", *which, path), value


def _is_id(row: Row, value: str | float) -> bool:
    """Whether a number is the row's id in another type: ids are others in each run."""
    return isinstance(value, float) and row.id is not None and row.id in (f"{value:.0f}", str(value))


def _facts(history: History, viewer: UserIndex, row: Row) -> frozenset[int]:
    """The viewer's own facts that a row's text holds."""
    facts = history.plan.facts
    return frozenset(
        s.fact
        for s in row.sightings
        if s.where == "text" and s.user is not None and viewer in facts[s.fact].owners
    )


def _floor(views: Sequence[Mapping[Place, _Answer]], volatile: Volatile | None) -> _Floor:
    """What every run alone answered alike at each place, and what wavered between them at any."""
    steady: dict[Place, dict[Aspect, object]] = {}
    wavering: set[tuple[str, ...]] = set()
    for place in views[0]:
        answers = [view[place] for view in views if place in view]
        if len(answers) < len(views):
            continue
        steady[place] = {}
        for aspect in dict.fromkeys(aspect for answer in answers for aspect in answer.aspects):
            values = [answer.aspects.get(aspect) for answer in answers]
            if _is_declared(aspect, volatile):
                continue
            if all(_alike(values[0], value, volatile) for value in values[1:]):
                steady[place][aspect] = values[0]
            else:
                wavering.add(_kind(place[1], aspect))
    return _Floor(steady, frozenset(wavering))


def _kind(op: Operation, aspect: Aspect) -> tuple[str, ...]:
    """What wavers with this aspect: what one search has by chance in the same order another may not."""
    name = str(aspect[0])
    return (op.value, name, str(aspect[-1])) if name == "field" else (op.value, name)


def _is_declared(aspect: Aspect, volatile: Volatile | None) -> bool:
    if volatile is None:
        return False
    if aspect[0] in ("order", "moved", "best"):
        return not volatile.order or (volatile.recency and aspect[0] == "best")
    return aspect[0] == "field" and any(
        fnmatch.fnmatchcase(str(aspect[-1]), each) for each in volatile.fields
    )


def _alike(one: object, other: object, volatile: Volatile | None) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= (0.0 if volatile is None else volatile.score_tolerance)
    return one == other


def _differences(
    steady: Mapping[Aspect, object],
    wavering: frozenset[tuple[str, ...]],
    beside: Sequence[_Answer],
    volatile: Volatile | None,
) -> Iterator[_Difference]:
    """What is another in every run with others than it was in every run alone."""
    op = beside[0].event.op
    for aspect in dict.fromkeys((*steady, *beside[0].aspects)):
        if _kind(op, aspect) in wavering or _is_declared(aspect, volatile):
            continue
        values = [answer.aspects.get(aspect) for answer in beside]
        if not any(_alike(steady.get(aspect), value, volatile) for value in values):
            yield _Difference(aspect, steady.get(aspect), values[0])


def _finding(history: History, answer: _Answer, differs: _Difference) -> Finding:
    event, what = answer.event, str(differs.aspect[0])
    anomaly, law = _named(history, answer, differs)
    return found(
        history,
        event,
        anomaly=anomaly,
        law=law,
        owner=event.user if law in (Law.KEEPS_OWN_FACTS, Law.DELETED_IS_GONE) else None,
        where=str(differs.aspect[-1]) if what == "field" else event.op.value,
        story=(
            f"what user {event.user} gets from {event.op} differs in {_SAID[what]} as soon as others are "
            f"there{spelled(what, differs.alone, differs.together)}"
        ),
    )


def _named(history: History, answer: _Answer, differs: _Difference) -> tuple[str, Law]:
    """The anomaly nearest to what was observed."""
    what, step = differs.aspect[0], answer.step
    if what == "outcome":
        return _of_outcome(history, answer)
    if what in ("facts", "rows"):
        return _of_content(history, answer, differs)
    if what in ("number", "more"):
        return "X1", Law.COUNTS_OWN
    if what == "error":
        foreign = naming.addresses_foreign(history, step)
        return ("X2", Law.FOREIGN_ID_IS_UNKNOWN) if foreign else ("X3", Law.SILENT_ERRORS)
    if what == "id":
        return "M1", Law.OWN_KEYS
    if what == "field":
        number = isinstance(differs.alone, float) or isinstance(differs.together, float)
        return ("X1" if number else "M4"), Law.OWN_VIEW
    return "S2", Law.OWN_VIEW


def _of_outcome(history: History, answer: _Answer) -> tuple[str, Law]:
    if answer.event.op in BY_ID and (naming.addresses_foreign(history, answer.step) or answer.step.absent):
        return "X2", Law.FOREIGN_ID_IS_UNKNOWN
    refused = answer.event.outcome is Outcome.REFUSED
    return ("X2" if refused and answer.event.op not in BY_ID else "completeness"), Law.KEEPS_OWN_FACTS


def _of_content(history: History, answer: _Answer, differs: _Difference) -> tuple[str, Law]:
    """Rows that are missing, that came back, or that are somebody else's in words this run did not write."""
    alone, together = _counted(differs.alone), _counted(differs.together)
    missing, more = alone - together, together - alone
    if more:
        return _of_more(history, answer, more, alone)
    if not missing:
        grown = _as_int(differs.together) > _as_int(differs.alone)
        return ("S1", Law.NO_CROSS_READ) if grown else ("completeness", Law.KEEPS_OWN_FACTS)
    if answer.event.op is Operation.SEARCH:
        return "S4", Law.KEEPS_OWN_FACTS
    world, lost = _last_world(history, answer.event), set(missing)
    return naming.of_loss(history, answer.step, answer.event.user, lost, world), Law.KEEPS_OWN_FACTS


def _of_more(history: History, answer: _Answer, more: Counter[int], alone: Counter[int]) -> tuple[str, Law]:
    """Own facts that show only, or more often, where others are; an equal text may be another user's."""
    if set(more) & answer.lost:
        return "D4", Law.DELETED_IS_GONE
    if any(len(history.plan.facts[fact].owners) > 1 for fact in more):
        return "S1", Law.NO_CROSS_READ
    if answer.event.op is Operation.SEARCH:
        return "S4", Law.OWN_VIEW
    return ("M4", Law.OWN_VIEW) if set(more) <= set(alone) else ("completeness", Law.OWN_VIEW)


def _counted(value: object) -> Counter[int]:
    """How often each own fact stands in an answer."""
    counted: Counter[int] = Counter()
    for facts, times in value if isinstance(value, tuple) else ():
        counted.update(dict.fromkeys(facts, times))
    return counted


def _as_int(value: object) -> int:
    return value if isinstance(value, int) else 0


def _last_world(history: History, event: Event) -> World:
    return next(world for other, _, world in walk(history) if other is event)
