"""A covering design has every pair, and every triple where that is asked, of what a target offers."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isolation_tests.coverage import calls as kinds
from isolation_tests.coverage.calls import Call
from isolation_tests.coverage.design import covering
from isolation_tests.coverage.figures import measured
from isolation_tests.coverage.space import possible

OPTIONAL = (
    *("get", "update", "delete", "history", "count", "export", "page", "maintain"),
    *("filters", "metadata", "key", "overlap", "reopen"),
)
offers = st.sets(st.sampled_from(OPTIONAL)).map(frozenset)


def together(calls: tuple[Call, ...], ways: int) -> set[tuple[object, ...]]:
    return {
        (places, *(call[place] for place in places))
        for call in calls
        for places in combinations(range(4), ways)
    }


@pytest.mark.long
@given(offers, st.booleans(), st.sampled_from([2, 3]))
def test_few_calls_have_every_combination(offered: frozenset[str], disposable: bool, ways: int) -> None:  # noqa: FBT001
    calls = possible(offered, disposable=disposable)
    chosen = covering(calls, ways)

    assert {*chosen} <= {*calls}
    assert together(chosen, ways) == together(calls, ways)
    assert len(chosen) <= len(calls)


def test_the_same_calls_give_the_same_design() -> None:
    calls = possible(frozenset(OPTIONAL), disposable=True)

    assert covering.__wrapped__(calls, 2) == covering.__wrapped__(calls, 2)


@given(offers)
def test_nothing_is_possible_that_a_target_does_not_offer(offered: frozenset[str]) -> None:
    calls = possible(offered, disposable=True)

    assert {call.call for call in calls} <= {"add", "search", "get_all", "delete_all", *offered}
    assert any(call.value == kinds.METADATA for call in calls) is ("metadata" in offered)
    assert any(call.value == kinds.FILTER for call in calls) is ("filters" in offered)
    assert any(call.value == kinds.OWN_KEY for call in calls) is ("key" in offered)
    assert any(call.overlap == kinds.OVERLAPPING for call in calls) is ("overlap" in offered)
    assert any(call.overlap == kinds.REOPENED for call in calls) is ("reopen" in offered)


def test_a_target_without_a_core_method_is_not_asked_it() -> None:
    calls = possible(frozenset(), disposable=True, lacking=frozenset({"get_all", "delete_all"}))

    assert {call.call for call in calls} == {"add", "search"}
    assert {call.user for call in calls} == {kinds.NEW, kinds.NEWCOMER, kinds.HAS_FACTS}


def test_a_call_that_may_reach_everybody_is_possible_on_a_disposable_target_only() -> None:
    for disposable in (True, False):
        calls = possible(frozenset({"delete", "maintain"}), disposable=disposable)
        assert any((call.call, call.value) == ("delete", kinds.ODD_ID) for call in calls) is disposable
        assert any(call.call == "maintain" for call in calls) is disposable


# Figures

TWO = (
    Call("add", "ordinary", "new", "alone"),
    Call("search", "ordinary", "has facts", "alone"),
)


def test_every_pair_of_what_was_asked_is_covered_and_the_rest_is_named() -> None:
    found = measured({TWO[0]}, TWO, ways=2)

    assert found.total(2) == (6, 11)
    by = {figure.dimensions: figure for figure in found.figures}
    assert by["calls", "values"].missing == ("search, ordinary",)
    assert by["values", "overlap"].missing == ()


def test_what_nobody_can_ask_covers_nothing() -> None:
    strange = Call("steal", "gold", "thief", "by night")

    assert measured({strange}, TWO).total(2) == (0, 11)


def test_triples_and_relations_have_figures_of_their_own() -> None:
    related = TWO[0]._replace(names="prefix-digit")
    found = measured({related}, TWO, relations=["prefix-digit", "case-upper"], ways=3)

    assert found.ways == 3
    assert found.total(3) == (4, 8)
    assert found.total(2, names=True) == (1, 4)
    assert found.total(2) == (6, 11)


@pytest.mark.parametrize("ways", [2, 3])
def test_all_is_covered_by_all_and_nothing_by_nothing(ways: int) -> None:
    calls = possible(frozenset(OPTIONAL), disposable=True)
    whole, none = measured(calls, calls, ways=ways), measured((), calls, ways=ways)

    assert whole.total(ways)[0] == whole.total(ways)[1] == none.total(ways)[1]
    assert none.total(ways)[0] == 0
    assert all(len(figure.missing) <= 100 for figure in none.figures)
