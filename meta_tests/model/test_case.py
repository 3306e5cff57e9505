"""What a case and a history may hold."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from isolation_tests.model import Event, Operation, Outcome
from meta_tests.builders import ALICE, BOB, make_case


def test_a_case_is_not_seen_more_often_than_it_was_tried() -> None:
    with pytest.raises(ValidationError, match="more often than it was tried"):
        make_case(seen=3, tried=2)


def test_a_finding_is_of_users_of_its_history() -> None:
    with pytest.raises(ValidationError, match="a finding is of users of its history"):
        make_case(owner=2)


@pytest.mark.parametrize("names", [(ALICE,), (ALICE, BOB, "iso-r1-6")])
def test_each_user_of_a_plan_has_a_real_name(names: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError, match="a real name for each user of its plan"):
        make_case(names=names)


@pytest.mark.parametrize(("step", "user"), [(3, 0), (0, 2)])
def test_an_answer_is_of_a_step_and_a_user_of_the_plan(step: int, user: int) -> None:
    event = Event.model_validate(
        {
            "step": step,
            "op": Operation.GET_ALL,
            "user": user,
            "outcome": Outcome.OK,
            "started": 0.0,
            "ended": 0.1,
            "worker": "w0",
        }
    )
    with pytest.raises(ValidationError, match="answers of its plan's steps and users only"):
        make_case(events=(event,))
