"""Plans about words: who has stored which of them, and that each run has words of its own."""

from __future__ import annotations

import re

import pytest

from isolation_tests.execution.binding import Lease, bind
from isolation_tests.model import WORD, FactSpec, Operation, Plan, Step, UserSpec
from isolation_tests.plans import REOPEN, Material
from isolation_tests.plans.words import VIEWER, WORD_CELLS, WORDS
from isolation_tests.testdata.canaries import Mint
from isolation_tests.testdata.facts import People, made_up_word

MATERIAL = Material(People(3), frozenset({"delete", "update", "key", REOPEN}))


@pytest.mark.parametrize("cell", WORD_CELLS, ids=[cell.id for cell in WORD_CELLS])
def test_words_of_nobody_are_asked_for_before_and_after_those_of_another(cell: object) -> None:
    plan = next(one for one in WORD_CELLS if one is cell).build(MATERIAL)
    asked = [(n, step.query or "") for n, step in enumerate(plan.steps) if step.query is not None]
    stored = next(n for n, step in enumerate(plan.steps) if step.op is Operation.ADD and step.user != VIEWER)
    foreign = {f"{{{name}}}" for fact in plan.facts for name in WORD.findall(fact.text)}

    assert len(foreign) == WORDS
    assert {plan.steps[n].user for n, _ in asked} == {VIEWER}
    before, after = ([query for n, query in asked if (n < stored) is first] for first in (True, False))
    assert foreign < {*before}
    assert all(after.count(word) == 2 for word in foreign)
    assert after[0] not in foreign
    assert after[-1] not in foreign
    assert len({*before, *after} - foreign) >= 2 * WORDS


def bound(lease: Lease) -> tuple[str, str]:
    plan = Plan(
        name="in-test",
        anomaly="S4",
        users=(UserSpec(),),
        facts=(FactSpec(text="Box {canary} has {word1} and {word2}.", owners=(0,)),),
        steps=(Step(op=Operation.SEARCH, user=0, query="{word2}"),),
    )
    binding = bind(plan, lease)
    return binding.text(0), binding.query(plan.steps[0])


def test_a_word_is_the_same_in_facts_and_queries_of_one_run_and_another_in_the_next() -> None:
    lease = Lease("k3f9", 3, Mint(b"s" * 32))
    (text, query), (_, again) = bound(lease), bound(lease)

    assert re.search(rf"\b{query}\.$", text)
    assert WORD.search(text) is None
    assert query != again
    assert len(query) == len(again)


def test_made_up_words_have_one_shape_and_few_are_equal() -> None:
    words = [made_up_word(f"{number} word1") for number in range(2_000)]

    assert {len(word) for word in words} == {13}
    assert all(word.isalpha() and word.islower() for word in words)
    assert len({*words}) > 1_990
