"""own-view: between two equal questions a user's view changes by the user's own writes only.

What one user saw is compared with what the same user sees when asking again, with nothing written by that
user in between. Index lag, a caller's filters that find less for a reason, and facts that are truly gone
(which completeness tells) are no interference. Words that only others have stored find nothing, either.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from isolation_tests.judges.explaining import naming
from isolation_tests.judges.finding import found
from isolation_tests.judges.repeated import actors_between, question, still_listed, words_of, writes
from isolation_tests.judges.walk import is_ripe, walk
from isolation_tests.model import (
    BY_ID,
    Event,
    Finding,
    History,
    Judgement,
    Law,
    Operation,
    Outcome,
    UserIndex,
    linked,
    owns,
)
from isolation_tests.model.world import World, facts_of_plan

_ASKING = (
    Operation.SEARCH,
    Operation.GET_ALL,
    Operation.EXPORT,
    Operation.COUNT,
    Operation.GET,
    Operation.HISTORY,
)
_FEWEST_WORDS, _FEWEST_UNKNOWN = 4, 8
"""So many words of one fact have to find something, and so many that nobody has stored nothing."""
_UNASKED = "no search found own facts before others stored nearer ones: starvation was not asked"


@dataclass(frozen=True, slots=True)
class _Asked:
    """One settled answer, and what the user had when it came. listed: rows of the user's own list."""

    event: Event
    own: frozenset[int]
    listed: int | None
    removers: int
    others: int


@dataclass(frozen=True, slots=True)
class _Word:
    """A search for one word. fact: one of somebody else that has the word and was stored before, or None."""

    event: Event
    word: str
    fact: int | None


def judge(history: History) -> Judgement:
    """Each answer that differs from an earlier one to the same question, by nothing its user did."""
    asked: dict[tuple[int, tuple[object, ...]], list[_Asked]] = {}
    findings: list[Finding] = []
    for event, _, world in walk(history):
        if not _may_compare(history, event):
            continue
        now = _noted(event, world)
        earlier = asked.setdefault((event.user, question(history, event)), [])
        findings += _stale(history, now, earlier)
        # The latest first: it tells at how many foreign facts a search still found what it no longer finds.
        latest = reversed(earlier)
        undisturbed = [one for one in latest if not writes(history, {event.user}, one.event, event)]
        findings += (f for f in _compared(history, undisturbed, now, world))
        findings += _crowded_out(history, now, earlier)
        earlier.append(now)
    findings += _by_others_words(history)
    return Judgement(findings=tuple(findings), doubts=_unasked(history))


def _may_compare(history: History, event: Event) -> bool:
    """Only settled answers of calls that did not overlap, by users whom no other check shares.

    By the rule of visibility, others may write what a user is shown; such an answer may change.
    """
    return (
        event.op in _ASKING
        and not event.poll
        and event.outcome in (Outcome.OK, Outcome.REFUSED)
        and history.plan.steps[event.step].lane is None
        and not history.plan.steps[event.step].odd
        and not history.plan.users[event.user].literal
        and event.user not in linked(history.plan)
    )


def _noted(event: Event, world: World) -> _Asked:
    others = sum(len(live) for user, live in world.live.items() if user != event.user)
    own = frozenset(world.own(event.user))
    return _Asked(event, own, world.listed.get(event.user), len(world.removers), others)


def _compared(history: History, earlier: list[_Asked], now: _Asked, world: World) -> Iterator[Finding]:
    for first in earlier:
        if _kind(first.event) != _kind(now.event):
            yield from _other_outcome(history, first, now, world)
        elif now.event.op is Operation.SEARCH:
            yield from _lost_hits(history, first, now, world)
        elif now.event.op is Operation.COUNT:
            yield from _other_total(history, first, now)


def _kind(event: Event) -> tuple[object, ...]:
    return event.outcome, event.error_kind, event.op in BY_ID and bool(event.rows)


def _lost_hits(history: History, first: _Asked, now: _Asked, world: World) -> Iterator[Finding]:
    """Own facts that a search found and no longer finds, though the user still has them and there is room."""
    user, step = now.event.user, history.plan.steps[now.event.step]
    missing = (facts_of_plan(first.event) & now.own) - facts_of_plan(now.event)
    room = max(len(now.own), now.listed or 0) <= step.limit
    actors = actors_between(history, user, first.event, now.event)
    if not missing or not room or not actors or not still_listed(history, now.event, missing):
        return
    if step.anomaly is not None and step.anomaly not in naming.SIGHTS:
        anomaly = step.anomaly
    elif any(actor != user for actor, _, _ in world.removers[first.removers :]):
        anomaly = naming.of_loss(history, step, user, missing, world)
    else:
        anomaly = next(filter(None, (naming.related(history, user, actor) for actor in actors)), "S4")
    nearer = "nearer " if step.anomaly == "S4" else ""
    yield _finding(
        history,
        now,
        (anomaly, Law.KEEPS_OWN_FACTS, user),
        f"user {user} no longer finds {len(missing)} of {len(now.own)} own facts by the same search, "
        f"with {now.others} {nearer}facts of other users; with {first.others} it found them",
    )


def _crowded_out(history: History, now: _Asked, earlier: list[_Asked]) -> Iterator[Finding]:
    """An own fact that the search for its own text found before, and not now, though there is room for it.

    It is the user's own, and so were the writes in between: what they deleted still takes up the room.
    """
    event, step = now.event, history.plan.steps[now.event.step]
    if event.op is not Operation.SEARCH or step.fact not in now.own or step.query is not None:
        return
    found_before = any(step.fact in facts_of_plan(one.event) for one in earlier)
    room = event.outcome is Outcome.OK and len(event.rows) < step.limit
    missing = {step.fact} - facts_of_plan(event)
    if found_before and room and missing and still_listed(history, event, missing):
        yield _finding(
            history,
            now,
            (step.anomaly or "completeness", Law.KEEPS_OWN_FACTS, event.user),
            f"user {event.user} searches for the text of their own fact and gets {len(event.rows)} of at "
            f"most {step.limit} memories without it; before, the same search found it",
        )


def _other_total(history: History, first: _Asked, now: _Asked) -> Iterator[Finding]:
    """A total that moved while the user's own list stayed as long as it was."""
    user = now.event.user
    known = first.listed is not None and first.listed == now.listed
    settled = known and is_ripe(history, first.event)
    moved = settled and first.event.number != now.event.number
    if moved and actors_between(history, user, first.event, now.event):
        yield _finding(
            history,
            now,
            ("X1", Law.COUNTS_OWN, None),
            f"user {user} wrote nothing and {now.event.op} went from {first.event.number} to "
            f"{now.event.number} while others wrote",
        )


def _other_outcome(history: History, first: _Asked, now: _Asked, world: World) -> Iterator[Finding]:
    """An answer of another kind: about an id that is not the user's, or about all that the user has."""
    user, step = now.event.user, history.plan.steps[now.event.step]
    actors = actors_between(history, user, first.event, now.event)
    by_id = now.event.op in BY_ID
    own = world.addressed(step) in world.live.get(user, set()) | world.gone.get(user, set())
    if not actors or (by_id and own) or not (by_id or now.own):
        return
    kind = next(filter(None, (naming.related(history, user, actor) for actor in actors)), "X2")
    yield _finding(
        history,
        now,
        (kind, Law.FOREIGN_ID_IS_UNKNOWN if by_id else Law.KEEPS_OWN_FACTS, None if by_id else user),
        f"user {user} wrote nothing and {now.event.op} went from {first.event.outcome} to "
        f"{now.event.outcome} while others wrote",
    )


def _stale(history: History, now: _Asked, earlier: list[_Asked]) -> Iterator[Finding]:
    """An answer of before the user's last write, given once more after another question showed that write.

    Said only where a plan asks for it: the fact that is missing is what the question is about.
    """
    event, step = now.event, history.plan.steps[now.event.step]
    if step.anomaly != "K1" or event.op not in (Operation.SEARCH, Operation.GET_ALL):
        return
    missing = now.own - facts_of_plan(event)
    if event.op is Operation.SEARCH:
        missing &= {step.fact}
    old = any(one.event.rows == event.rows and missing.isdisjoint(one.own) for one in earlier)
    if missing and old and _shown_elsewhere(history, event, missing):
        yield _finding(
            history,
            now,
            ("K1", Law.KEEPS_OWN_FACTS, event.user),
            f"user {event.user} stored a fact and {event.op} still answers as before, from what it kept",
        )


def _shown_elsewhere(history: History, event: Event, missing: frozenset[int] | set[int]) -> bool:
    """Whether another question of the user, since the last write, was answered with the missing facts."""
    asked = question(history, event)
    return any(
        other.user == event.user
        and other.op in (Operation.SEARCH, Operation.GET_ALL)
        and question(history, other) != asked
        and missing <= facts_of_plan(other)
        and not writes(history, {event.user}, other, event)
        for other in history.events
    )


def _by_others_words(history: History) -> Iterator[Finding]:
    """Words that only somebody else has stored find the viewer's own memories; words of nobody find none.

    A search that always finds something, or by nearness and so by chance, answers words that nobody has
    stored, too: nothing is said of it.
    """
    texts = [words_of(fact.text) for fact in history.plan.facts]
    own = [
        frozenset[str]().union(
            *(texts[n] for n, fact in enumerate(history.plan.facts) if user in fact.owners)
        )
        for user in range(len(history.plan.users))
    ]
    stored: dict[int, int] = {}
    asked: dict[int, list[_Word]] = {}
    for event in history.events:
        step = history.plan.steps[event.step]
        if event.op in (Operation.ADD, Operation.UPDATE) and step.fact is not None:
            stored.setdefault(step.fact, event.user)
        elif (word := _lone_word(history, event)) is not None and word not in own[event.user]:
            others = (f for f, writer in stored.items() if writer != event.user and word in texts[f])
            asked.setdefault(event.user, []).append(_Word(event, word, next(others, None)))
    for words in asked.values():
        yield from _decided_by_words(history, words)


def _lone_word(history: History, event: Event) -> str | None:
    """The word that a search asks for, if it asks for one and nothing else."""
    step = history.plan.steps[event.step]
    if not _may_compare(history, event) or event.op is not Operation.SEARCH or step.filters is not None:
        return None
    found_words = words_of(step.query or "")
    return next(iter(found_words)) if len(found_words) == 1 else None


def _decided_by_words(history: History, asked: list[_Word]) -> Iterator[Finding]:
    """One finding for each fact of somebody else whose words decide what a user's searches find."""
    unknown = [one for one in asked if one.fact is None]
    if len({one.word for one in unknown}) < _FEWEST_UNKNOWN or any(one.event.rows for one in unknown):
        return
    for fact in dict.fromkeys(one.fact for one in asked if one.fact is not None):
        known = [one for one in asked if one.fact == fact]
        between = asked.index(unknown[0]) < asked.index(known[0]) and unknown[-1] is asked[-1]
        if not between or len({one.word for one in known}) < _FEWEST_WORDS:
            continue
        if all(_shows_own_alone(history, one.event) for one in known):
            event, owner = known[-1].event, history.plan.facts[fact].owners[0]
            many, none = (len({one.word for one in some}) for some in (known, unknown))
            yield found(
                history,
                event,
                anomaly=history.plan.steps[event.step].anomaly or "S4",
                law=Law.OWN_VIEW,
                owner=owner,
                story=f"user {event.user} finds own memories by {many} words that only user {owner} has "
                f"stored, and none by {none} words that nobody has stored",
            )


def _shows_own_alone(history: History, event: Event) -> bool:
    """Whether an answer holds facts of the caller's own and nobody else's."""
    seen = event.seen()
    return bool(seen) and all(
        one.user is not None and event.user in history.plan.facts[one.fact].owners for one in seen
    )


def _unasked(history: History) -> tuple[str, ...]:
    """Where no search of a plan about starvation found anything own, nothing could be lost."""
    asked = [
        event
        for event in history.events
        if event.op is Operation.SEARCH
        and event.outcome is Outcome.OK
        and history.plan.steps[event.step].anomaly == "S4"
    ]
    own = any(owns(history.plan, event.user, fact) for event in asked for fact in facts_of_plan(event))
    return (_UNASKED,) if asked and not own and history.plan.anomaly == "S4" else ()


def _finding(history: History, asked: _Asked, said: tuple[str, Law, UserIndex | None], story: str) -> Finding:
    anomaly, law, owner = said
    return found(
        history,
        asked.event,
        anomaly=anomaly,
        law=law,
        owner=owner,
        story=story,
    )
