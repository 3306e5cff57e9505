"""A finding as a few lines of Python, and as two sentences."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from isolation_tests.model import (
    Law,
    Operation,
    Step,
)
from isolation_tests.reporting.narrative.reproduction import MOST_LINES, reproduction, story
from meta_tests.builders import make_case, make_plan


def steps_with_ids(op: Operation) -> tuple[Step, ...]:
    return (
        Step(op=Operation.ADD, user=0, fact=0),
        Step(op=Operation.SETTLE, user=0),
        Step(
            op=op,
            user=1,
            fact=1 if op is Operation.UPDATE else 0,
            replaces=0 if op is Operation.UPDATE else None,
        ),
    )


def test_a_search_is_reproduced() -> None:
    assert reproduction(make_case()).splitlines() == [
        "memory.add('iso-r1-5-corp', 'My locker code is CANARY-0')",
        "memory.add('iso-r1-5', 'My dentist is CANARY-1')",
        "memory.search('iso-r1-5', 'locker', limit=100)  # returns a fact of 'iso-r1-5-corp'",
    ]


def test_a_call_by_id_is_reproduced() -> None:
    get = reproduction(make_case(make_plan(*steps_with_ids(Operation.GET)))).splitlines()
    assert get[0].startswith("fact_0, = memory.add(")
    assert get[-1].startswith("memory.get('iso-r1-5', fact_0.id)  # returns")
    update = reproduction(make_case(make_plan(*steps_with_ids(Operation.UPDATE))))
    assert "memory.update('iso-r1-5', fact_0.id, 'My dentist is CANARY-1')" in update


def test_an_update_keeps_the_id() -> None:
    get = Step(op=Operation.GET, user=0, fact=1)
    case = make_case(make_plan(*steps_with_ids(Operation.UPDATE), get))
    assert "memory.get('iso-r1-5-corp', fact_0.id)" in reproduction(case)


def test_what_several_calls_pass_is_one_object() -> None:
    reads = [Step(op=Operation.GET_ALL, user=user, filters={"topic": "travel"}) for user in (0, 1)]
    assert reproduction(make_case(make_plan(*reads), operation=Operation.GET_ALL)).splitlines() == [
        "given = {'topic': 'travel'}",
        "memory.get_all('iso-r1-5-corp', filters=given)",
        "memory.get_all('iso-r1-5', filters=given)  # returns a fact of 'iso-r1-5-corp'",
    ]


def test_odd_ids_and_texts_without_a_fact_are_reproduced() -> None:
    plan = make_plan(
        Step(op=Operation.ADD, user=0, fact=0),
        Step(op=Operation.ADD, user=1, text=" ", metadata={"ref": ["~0"]}, odd=True),
        Step(op=Operation.GET, user=0, fact=0, id_form="{id}%", odd=True),
        Step(op=Operation.GET, user=1, fact=0, id_form="*", odd=True),
    )
    assert reproduction(make_case(plan, operation=Operation.GET)).splitlines()[1:3] == [
        "memory.add('iso-r1-5', ' ', metadata={'ref': [fact_0.id]})",
        "memory.get('iso-r1-5-corp', '{id}%'.format(id=fact_0.id))",
    ]


def test_many_adds_are_one_loop() -> None:
    adds = [Step(op=Operation.ADD, user=0, fact=0)] * 130
    plan = make_plan(*adds, Step(op=Operation.DELETE_ALL, user=0), Step(op=Operation.GET_ALL, user=0))
    case = make_case(plan, law=Law.DELETED_IS_GONE, viewer=0, owner=0)
    assert reproduction(case).splitlines() == [
        "for n in range(130): memory.add('iso-r1-5-corp', 'My locker code is CANARY-' + str(n))",
        "memory.delete_all('iso-r1-5-corp')",
        "memory.get_all('iso-r1-5-corp')  # still returns deleted facts",
    ]


def test_what_showed_while_waiting_is_shown_by_the_call_that_polled() -> None:
    plan = make_plan(Step(op=Operation.ADD, user=1, fact=1), Step(op=Operation.SETTLE, user=1))
    case = make_case(plan, operation=Operation.GET_ALL, law=Law.KEEPS_OWN_FACTS)
    assert reproduction(case).splitlines()[-1] == "memory.get_all('iso-r1-5')  # own facts are missing"


def test_names_and_markers_are_bound() -> None:
    step = Step(op=Operation.SEARCH, user=1, fact=0, filters={"OR": [{"user_id": "@0"}, {"note": "#1"}]})
    text = reproduction(make_case(make_plan(step), names=("a\u200b'", None)))
    assert "memory.search(None, 'My locker code is CANARY-0'" in text
    assert r"""filters={'OR': [{'user_id': "a\u200b'"}, {'note': 'CANARY-1'}]}""" in text


def test_a_call_without_a_user_names_none() -> None:
    text = reproduction(make_case(make_plan(Step(op=Operation.SEARCH, user=1, fact=0, spoiled=True))))
    assert text.startswith("memory.search(None, 'My locker code is CANARY-0'")


class Recorder:
    """An adapter that answers everything with one memory."""

    id = cursor = "x"

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: self if name == "page" else [self]


steps = st.builds(
    Step,
    op=st.sampled_from(Operation),
    user=st.sampled_from([0, 1]),
    fact=st.sampled_from([0, 1]),
    absent=st.booleans(),
    replaces=st.sampled_from([None, 0, 1]),
    metadata=st.sampled_from([None, {"owner": "@1"}]),
    victim=st.just(1),
    how=st.just("expired-credential"),
)


@given(
    st.lists(steps, min_size=1, max_size=30),
    st.sampled_from(list(Law)),
    st.tuples(*[st.one_of(st.text(), st.just("x" * 300 + "'"), st.none(), st.floats(), st.integers())] * 2),
    st.sampled_from([None, 0, 1]),
)
def test_every_reproduction_runs_and_is_short(
    drawn: list[Step], law: Law, names: Any, owner: int | None
) -> None:
    adds = [Step(op=Operation.ADD, user=0, fact=0), Step(op=Operation.ADD, user=1, fact=1)]
    case = make_case(make_plan(*adds, *drawn), law=law, names=names, owner=owner, operation=Operation.SEARCH)
    text = reproduction(case)
    assert text.isascii()
    assert 1 <= len(text.splitlines()) <= MOST_LINES
    exec(compile(text, "reproduction", "exec"), {"memory": Recorder()})  # noqa: S102 - that it runs is the point
    assert story(case).endswith(".")


def test_the_story_names_who_saw_whose_fact() -> None:
    assert story(make_case(seen=1)) == (
        "'iso-r1-5' got a fact of 'iso-r1-5-corp' from search, in field 'text'."
        " It showed in 1 of 3 tries: between 0.8 % and 91 % of tries (95 %, Clopper-Pearson);"
        " the names are related by same-prefix."
    )


def test_the_story_of_an_intermittent_finding_tells_the_bounds() -> None:
    assert "It showed in 1 of 61 tries: between 0.04 % and 8.8 % of tries (95 %" in story(
        make_case(seen=1, tried=61)
    )
    assert "It showed in 4 of 4 tries;" in story(make_case(seen=4, tried=4))
