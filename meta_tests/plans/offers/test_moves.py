"""Plans over all that an adapter offers: what is drawn, how each plan ends, and which pairs are asked."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from isolation_tests.model import BY_ID, WRITING, Operation, Plan
from isolation_tests.plans import REOPEN, Cell, Material, Offer
from isolation_tests.plans.cells import TOPIC
from isolation_tests.plans.offers import moves, two_calls, values
from isolation_tests.plans.offers.every_pair import EVERY_PAIR_CELLS
from isolation_tests.plans.offers.moves import CHOICES, NEWCOMER, Choice, Draft
from isolation_tests.plans.offers.offered import OFFERED_CELLS, offered
from isolation_tests.plans.probes import PROBE_CELLS
from isolation_tests.testdata.facts import People
from isolation_tests.testdata.relations import may_be_real

EVERYTHING = frozenset(
    {"get", "update", "delete", "history", "count", "export", "page", "maintain"}
    | {"filters", "metadata", "key", "overlap", "reopen"}
)
CELLS = {cell.id: cell for cell in OFFERED_CELLS}
READS = frozenset({Operation.SEARCH, Operation.GET_ALL, Operation.COUNT, Operation.EXPORT, Operation.PAGE})
every_style = pytest.mark.parametrize("cell", OFFERED_CELLS, ids=lambda cell: cell.id)


def drawn(cell: Cell, **offer: object) -> list[Plan]:
    """Some plans of a cell."""
    plans: list[Plan] = []

    @settings(
        max_examples=30,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(offered(cell, Offer(**{"capabilities": EVERYTHING, **offer})))  # type: ignore[arg-type]
    def take(plan: Plan) -> None:
        plans.append(plan)

    take()
    return plans


@every_style
def test_every_plan_ends_with_everybody_and_a_newcomer_looking(cell: Cell) -> None:
    for plan in drawn(cell):
        written = {step.user for step in plan.steps if step.op is Operation.ADD}
        looks = [(step.op, step.user) for step in plan.steps[-len(plan.users) * 12 :]]

        assert NEWCOMER not in written
        assert all((op, NEWCOMER) in looks for op in READS)
        for user in written:
            last = max(n for n, step in enumerate(plan.steps) if step.user == user and step.op in WRITING)
            after = {step.op for step in plan.steps[last:] if step.user == user}
            assert after >= READS - {Operation.GET_ALL}
            # Whoever has stored nothing but a text that nobody can tell has no fact to wait for.
            assert after & {Operation.SETTLE, Operation.GET_ALL}


def test_nothing_is_read_between_writes_where_reads_may_flush_them() -> None:
    for plan in drawn(CELLS["unread"]):
        first = next(n for n, step in enumerate(plan.steps) if step.op is Operation.SETTLE)
        last = max(n for n, step in enumerate(plan.steps) if step.op in WRITING)

        assert last < first


def test_a_plan_that_reopens_does_so_after_its_last_write() -> None:
    for plan in drawn(CELLS["reopened"]):
        [at] = [n for n, step in enumerate(plan.steps) if step.op is Operation.REOPEN]

        assert all(step.op not in WRITING for step in plan.steps[at:])
    assert CELLS["reopened"].needs == (REOPEN,)


def test_overlapping_plans_put_calls_of_several_users_into_lanes() -> None:
    plans = drawn(CELLS["together"])
    lanes = [{step.lane for step in plan.steps} - {None} for plan in plans]

    assert any(len(each) > 1 for each in lanes)


def test_a_view_is_compared_without_ids_that_are_others_there() -> None:
    for plan in drawn(CELLS["compared"]):
        assert plan.viewer == 0
        assert "~" not in str([step.metadata for step in plan.steps])


def test_a_view_is_compared_by_ids_that_stay_the_viewers() -> None:
    """A system that gives an id again would look as if others had changed the view."""
    for plan in drawn(CELLS["compared"]):
        for step in (step for step in plan.steps if step.user == plan.viewer):
            addressed = step.fact if step.replaces is None else step.replaces
            assert step.op not in (Operation.DELETE, Operation.DELETE_ALL)
            assert step.id_form is None
            assert step.op not in BY_ID or step.user in plan.facts[addressed or 0].owners


@every_style
def test_without_capabilities_only_the_four_calls_are_drawn(cell: Cell) -> None:
    allowed = {Operation.ADD, Operation.SEARCH, Operation.GET_ALL, Operation.DELETE_ALL}
    allowed |= {Operation.SETTLE, Operation.REOPEN}
    for plan in drawn(cell, capabilities=frozenset()):
        assert {step.op for step in plan.steps} <= allowed
        assert all(step.key is None and step.metadata is None for step in plan.steps)


def test_a_store_with_other_data_gets_no_call_that_may_reach_it() -> None:
    for plan in drawn(CELLS["in-turn"], destructive=False):
        assert Operation.MAINTAIN not in {step.op for step in plan.steps}
        assert not any(step.op is Operation.DELETE and step.id_form for step in plan.steps)


def test_users_in_every_state_call_between_the_moves() -> None:
    """A drawn plan has more users than those of its moves, and they come and go."""
    plans = [plan for cell in ("in-turn", "together", "reopened") for plan in drawn(CELLS[cell])]
    staged = [plan for plan in plans if len(plan.users) > NEWCOMER + 1]

    assert len(staged) > len(plans) / 2
    assert all(len(plan.users) == NEWCOMER + 1 for plan in drawn(CELLS["unread"]) + drawn(CELLS["compared"]))


def draft(seed: int) -> Draft:
    people = People(seed)
    choose = random.Random(seed).choice  # noqa: S311 - values, not secrets
    made = Draft(choose, Offer(capabilities=EVERYTHING), people)
    for user in range(3):
        made.fact(user)
    return made


@given(st.sampled_from(CHOICES), st.integers(0, 2), st.integers(0, 200))
def test_every_move_is_made_by_those_who_may(choice: Choice, user: int, seed: int) -> None:
    made = draft(seed)
    steps = choice.move(made, user)

    assert steps
    assert all(step.user in (user, NEWCOMER - 1) for step in steps)
    for step in steps:
        if step.op is Operation.ADD and step.fact is not None:
            assert step.user in made.facts[step.fact].owners


def test_an_odd_value_is_marked_as_odd() -> None:
    steps = [step for choice in CHOICES for seed in range(40) for step in choice.move(draft(seed), 0)]

    strange = (step for step in steps if step.filters not in (None, TOPIC))
    assert all(step.odd for step in strange)
    assert all(step.odd for step in steps if step.text is not None or step.id_form)
    assert {step.op for step in steps if step.odd} >= {Operation.ADD, Operation.UPDATE, Operation.GET}


def test_a_search_for_an_odd_text_is_odd_like_the_text() -> None:
    """A system may fail on such a query as it may on the text."""
    for seed in range(40):
        made = draft(seed)
        odd = made.odd_fact(0)
        made.written = {0: [odd], 1: [1]}
        moves.look(made, 0)
        moves.look(made, 1)
        searches = [step for step in made.steps if step.op is Operation.SEARCH]
        own = [step for step in searches if step.fact == odd]
        foreign = [step for step in searches if step.user == 1 and step.fact is None]
        assert own
        assert foreign
        assert all(step.odd for step in (*own, *foreign))
        assert all(step.odd for step in moves.store_near(made, 1))


def material(seed: int = 1, *, disposable: bool = True) -> Material:
    return Material(people=People(seed), capabilities=EVERYTHING, seed=seed, disposable=disposable)


def test_every_two_writes_follow_each_other_by_different_users() -> None:
    writing = [choice for choice in CHOICES if not (choice.reads or choice.wide or choice.many)]
    asked = sum(
        one.op in WRITING and other.op in WRITING and one.user != other.user
        for cell in two_calls.UNREAD_CELLS
        for one, other in pairwise(cell.build(material()).steps)
    )

    assert asked >= len(writing) ** 2


def test_every_two_ordinary_calls_overlap() -> None:
    plans = [cell.build(material()) for cell in two_calls.TOGETHER_CELLS]
    pairs = set()
    for plan in plans:
        block: dict[int, Operation] = {}
        for step in plan.steps:
            if step.lane is None:
                pairs |= {frozenset(block.values())} if len(block) == 2 else set()
                block = {}
            else:
                block[step.lane] = step.op
    ops = {Operation.ADD, Operation.GET_ALL, Operation.SEARCH, Operation.DELETE_ALL, Operation.DELETE}
    ops |= {Operation.UPDATE, Operation.COUNT, Operation.EXPORT, Operation.PAGE, Operation.GET}

    assert {frozenset((one, other)) for one in ops for other in ops} <= pairs


@pytest.mark.parametrize("cell", PROBE_CELLS, ids=lambda cell: cell.id)
def test_after_a_probe_a_newcomer_looks_before_and_after_its_user_leaves(cell: Cell) -> None:
    plan = cell.build(material())
    at = next(n for n, step in enumerate(plan.steps) if step.op is Operation.DELETE_ALL)
    new = (
        [step.op for step in plan.steps[:at] if step.user == 1],
        [s.op for s in plan.steps[at:] if s.user == 1],
    )

    assert set(new[0]) >= {Operation.GET_ALL, Operation.SEARCH, Operation.EXPORT, Operation.PAGE}
    assert set(new[1]) >= {Operation.ADD, *new[0]}
    assert cell.tries in cell.needs


@pytest.mark.parametrize("disposable", [True, False])
def test_no_id_that_may_be_real_is_tried_in_a_store_of_strangers(*, disposable: bool) -> None:
    cells = [*values.VALUE_CELLS, *two_calls.UNREAD_CELLS, *EVERY_PAIR_CELLS]
    steps = [step for cell in cells for step in cell.build(material(disposable=disposable)).steps]
    # A delete by an odd id needs a disposable store, whatever the id.
    tried = {step.id_form for step in steps if step.op is not Operation.DELETE and step.id_form is not None}
    assert any("{id}" not in form and may_be_real(form) for form in tried) == disposable


def test_every_odd_value_is_asked_once() -> None:
    steps = [step for cell in values.VALUE_CELLS for step in cell.build(material()).steps]
    filters = [step.filters for step in steps if step.filters is not None]

    assert {step.text for step in steps if step.op is Operation.ADD} >= {*moves.BLANKS}
    assert {step.text for step in steps if step.op is Operation.UPDATE} >= {*moves.BLANKS}
    assert {step.id_form for step in steps if step.op is Operation.GET} >= {*moves.IDS}
    asked = [step.query for step in steps if step.odd and step.query is not None]
    for query in moves.QUERIES:
        before, _, after = query.partition("{}")
        assert any(one.startswith(before) and one.endswith(after) for one in asked), query
    assert {name for step in steps for name in step.metadata or ()} >= {*moves.REFERENCES}
    assert all(any(value in known.values() for known in filters) for value in moves.VALUES)
    assert {} in filters
    assert {Operation.GET_ALL, Operation.SEARCH} <= {step.op for step in steps if step.filters is not None}


def test_every_value_is_asked_with_what_a_target_offers() -> None:
    few = Material(people=People(1), capabilities=frozenset(), seed=1)
    for cell in values.VALUE_CELLS:
        steps = cell.build(few).steps
        assert {step.op for step in steps} <= {
            Operation.ADD,
            Operation.SEARCH,
            Operation.GET_ALL,
            Operation.DELETE_ALL,
            Operation.SETTLE,
        }
