"""What a history has asked: kinds of values, states of users, and overlap, by hand-written plans."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence

import pytest

from isolation_tests.coverage import calls as kinds
from isolation_tests.coverage.calls import Call, asked
from isolation_tests.model import (
    BoundUser,
    Event,
    FactSpec,
    History,
    Operation,
    Outcome,
    Plan,
    Step,
    UserIndex,
    UserNumber,
    UserSpec,
)

ADD, LEAVE, LIST = Operation.ADD, Operation.DELETE_ALL, Operation.GET_ALL
FACTS = (
    FactSpec(text="{canary} likes tea", owners=(0,)),
    FactSpec(text="{canary} likes rye", owners=(1,)),
    FactSpec(text="{canary} likes tea", owners=(1,)),
)


def history(*steps: Step, users: Sequence[UserSpec] = (), outcome: Outcome = Outcome.OK) -> History:
    """Every step answered in order, the last one with this outcome."""
    people = tuple(users) or tuple(UserSpec(group=group) for group in range(3))
    plan = Plan(name="p", anomaly="S1", users=people, facts=FACTS, steps=steps)
    events = tuple(
        Event(
            step=number,
            op=Operation.GET_ALL if step.op is Operation.SETTLE else step.op,
            user=step.user,
            outcome=outcome if number == len(steps) - 1 else Outcome.OK,
            started=number,
            ended=number + 0.5,
        )
        for number, step in enumerate(steps)
    )
    bound = tuple(BoundUser(number=UserNumber(n), name=f"u{n}") for n in range(len(people)))
    return History(plan=plan, users=bound, events=events)


def step(op: Operation, user: int = 0, **more: object) -> Step:
    return Step.model_validate({"op": op, "user": user, **more})


def last(*steps: Step) -> Call:
    """What the last step alone adds to the calls of all."""
    [call] = asked(history(*steps)) - asked(history(*steps[:-1], step(Operation.REOPEN)))
    return call


@pytest.mark.parametrize(
    ("made", "value"),
    [
        (step(ADD, fact=0), kinds.FOREIGN_TEXT),
        (step(ADD, 1, fact=1), kinds.ORDINARY),
        (step(ADD, 1, fact=1, odd=True), kinds.ODD_TEXT),
        (step(ADD, text=" ", odd=True), kinds.EMPTY_TEXT),
        (step(ADD, 1, fact=1, key="k"), kinds.OWN_KEY),
        (step(ADD, 1, fact=1, metadata={"topic": "x"}), kinds.METADATA),
        (step(ADD, 1, fact=1, metadata={"links": ["~0"]}), kinds.LINK),
        (step(ADD, 1, fact=1, metadata={"user_id": "@0"}), kinds.FOREIGN_NAME),
        (step(Operation.UPDATE, 1, fact=1, replaces=0), kinds.FOREIGN_ID),
        (step(Operation.UPDATE, 1, fact=1, replaces=2, absent=True), kinds.UNKNOWN_ID),
        (step(Operation.GET, fact=0), kinds.ORDINARY),
        (step(Operation.GET, fact=1), kinds.FOREIGN_ID),
        (step(Operation.DELETE, fact=0, id_form="{id}%"), kinds.ODD_ID),
        (step(Operation.SEARCH, 1, fact=1), kinds.ORDINARY),
        (step(Operation.SEARCH, 1, fact=1, limit=1), kinds.SMALL_LIMIT),
        (step(Operation.SEARCH, query=" likes rye"), kinds.FOREIGN_TEXT),
        (step(Operation.SEARCH, query="%", odd=True), kinds.ODD_QUERY),
        (step(LIST, filters={}), kinds.EMPTY_FILTER),
        (step(LIST, filters={"topic": "x"}), kinds.FILTER),
        (step(LIST, filters={"topic": None}, odd=True), kinds.ODD_FILTER),
        (step(LIST, filters={"AND": [{"user": "@1"}]}), kinds.FOREIGN_NAME),
    ],
)
def test_a_call_has_the_kind_of_its_oddest_value(made: Step, value: str) -> None:
    assert {call.value for call in asked(history(made))} == {value}


def test_a_page_by_anothers_cursor_is_told_from_the_next_page() -> None:
    first, page = step(Operation.PAGE), Operation.PAGE

    assert last(first, step(page, 1, cursor=0)).value == kinds.FOREIGN_PAGE
    assert {call.value for call in asked(history(first, step(page, cursor=0)))} == {kinds.ORDINARY}


@pytest.mark.parametrize(
    ("steps", "state"),
    [
        ((step(LIST), step(ADD, fact=0)), kinds.NEW),
        ((step(ADD, fact=0), step(LIST)), kinds.HAS_FACTS),
        ((step(ADD, fact=0), step(Operation.DELETE, fact=0), step(LIST)), kinds.HAS_DELETED),
        ((step(ADD, fact=0), step(LEAVE), step(LIST)), kinds.HAS_DELETED),
        ((step(ADD, fact=0), step(LEAVE), step(ADD, fact=0), step(LIST)), kinds.CAME_BACK),
        ((step(ADD, 1, fact=1), step(LEAVE, 1), step(ADD, fact=0), step(LIST)), kinds.SUCCESSOR),
        ((step(ADD, 1, fact=1), step(LEAVE, 1), step(LIST), step(ADD, fact=0)), kinds.SUCCESSOR),
        ((step(ADD, 1, fact=1), step(LIST)), kinds.NEWCOMER),
    ],
)
def test_a_user_is_in_the_state_of_what_last_happened_to_them(steps: tuple[Step, ...], state: str) -> None:
    found = {call.user for call in asked(history(*steps)) if call.call == LIST}

    assert found == {state}


def test_a_user_who_comes_later_than_right_after_a_leaver_is_no_successor() -> None:
    steps = (step(ADD, 1, fact=1), step(LEAVE, 1), step(ADD, 1, fact=2), step(LIST), step(ADD, fact=0))

    assert {call.user for call in asked(history(*steps)) if call.call == LIST} == {kinds.NEW}


def test_a_successor_whose_call_overlaps_another_users_write_stays_one() -> None:
    """Which of the two ends first is chance."""
    gone = (step(ADD, 1, fact=1), step(LEAVE, 1))
    beside = (step(ADD, 2, fact=2, lane=0), step(ADD, 0, fact=0, lane=1))
    found = {call for call in asked(history(*gone, *beside)) if call.overlap == kinds.OVERLAPPING}

    assert {call.user for call in found} == {kinds.SUCCESSOR}


def test_deleting_what_does_not_exist_is_no_leaving() -> None:
    steps = (step(LEAVE, 1), step(ADD, fact=0), step(LIST))

    assert {call.user for call in asked(history(*steps)) if call.call == LIST} == {kinds.HAS_FACTS}


def test_overlap_and_reopening_are_told_apart() -> None:
    assert last(step(ADD, fact=0), step(LIST)).overlap == kinds.ALONE
    assert last(step(ADD, fact=0), step(LIST, lane=1)).overlap == kinds.OVERLAPPING
    steps = (step(ADD, fact=0), step(Operation.REOPEN), step(LIST))
    assert {call.overlap for call in asked(history(*steps)) if call.call == LIST} == {kinds.REOPENED}


@pytest.mark.parametrize("outcome", [Outcome.ERROR, Outcome.INDETERMINATE, Outcome.UNSUPPORTED])
def test_what_was_not_answered_was_not_asked(outcome: Outcome) -> None:
    assert not asked(history(step(LIST), outcome=outcome))
    assert asked(history(step(LIST), outcome=Outcome.REFUSED))


def test_hostile_users_and_calls_without_a_user_have_laws_of_their_own() -> None:
    nobody = UserSpec(template="null", type="json")

    assert not asked(history(step(LIST), users=[nobody, UserSpec(), UserSpec()]))
    assert not asked(history(step(LIST, spoiled=True)))


def test_what_is_told_is_read_again() -> None:
    plain = [Call(*parts) for parts in itertools.product(("add",), ("odd id",), ("new",), ("alone",))]

    for call in (*plain, plain[0]._replace(names="prefix-digit")):
        assert Call.read(call.told()) == call
    with pytest.raises(TypeError):
        Call.read("add/ordinary")


def test_a_crowd_is_measured_in_little_time() -> None:
    """A run with 600 users at once makes tens of thousands of calls in one block."""
    crowd, rounds = 300, 60
    facts = tuple(FactSpec(text=f"{{canary}} likes tea {n}", owners=(UserIndex(n),)) for n in range(crowd))
    adds = [step(ADD, n, fact=n) for n in range(crowd)]
    block = [step(Operation.SEARCH, n % crowd, fact=n % crowd, lane=n) for n in range(crowd * rounds)]
    small = history(step(ADD, fact=0))
    plan = small.plan.model_copy(
        update={"users": (UserSpec(),) * crowd, "facts": facts, "steps": (*adds, *block)}
    )
    events = tuple(
        small.events[0].model_copy(update={"step": n, "op": made.op, "user": made.user})
        for n, made in enumerate(plan.steps)
    )
    began = time.process_time()
    found = asked(small.model_copy(update={"plan": plan, "events": events}))

    assert time.process_time() - began < 5
    assert {call.overlap for call in found if call.call == "search"} == {kinds.OVERLAPPING}
