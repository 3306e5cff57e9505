"""The order of a run: what comes first exists, catches every fault, and leaves nothing out."""

from __future__ import annotations

from isolation_tests.engine.laws import all_laws
from isolation_tests.engine.profiles import PROFILES
from isolation_tests.engine.search.order import asked, in_order, leading
from meta_tests.calibration.order import CHOOSE, FIXED, caught, chosen
from meta_tests.calibration.relation import Relation, Row, read


def test_what_comes_first_are_checks_of_a_run_that_together_catch_every_fault() -> None:
    found = caught(read())
    by_first = set().union(*(found.get(check, set()) for check in (*leading(), *FIXED)))

    assert {*leading()} <= {entry.check_id(cell) for entry in all_laws().values() for cell in entry.cells}
    assert by_first == {*read().faults}, f"choose the order anew: {CHOOSE}"


def test_an_order_neither_adds_nor_loses_a_check() -> None:
    for profile in PROFILES.values():
        checks = [entry.check_id(cell) for entry in all_laws().values() for cell in entry.asked(profile)]
        ordered = [entry.check_id(cell) for entry, cell in asked(profile)]

        assert sorted(ordered) == sorted(checks)
        first = [check for check in leading() if check in checks]
        assert ordered[: len(first)] == first
        assert ordered[len(first) :] == [check for check in checks if check not in first]


def test_what_has_no_place_stays_behind_in_its_order() -> None:
    assert in_order(["b", leading()[1], "a", leading()[0]], str) == [*leading()[:2], "b", "a"]


def test_the_most_faults_for_a_call_come_first() -> None:
    rows = {
        "one": Row(asked="cheap", always=("cheap", "wide")),
        "two": Row(asked="wide", always=("wide",)),
        "three": Row(asked="wide", always=("wide", "dear")),
        "smoked": Row(asked="smoke[alice-and-bob]", always=("smoke[alice-and-bob]", "dear")),
        "shaky": Row(asked="racy", always=(), racy=("racy",)),
    }
    relation = Relation(about="", profile="ci", seeds=(1,), faults=rows)
    calls = {"cheap": 1, "wide": 6, "dear": 90, "racy": 5, "smoke[alice-and-bob]": 9, "idle": 0}

    assert chosen(relation, calls) == ["cheap", "wide", "racy"]


def test_what_fills_the_store_comes_last() -> None:
    for name in ("ci", "hunt"):
        assert [entry.check_id(cell) for entry, cell in asked(PROFILES[name])][-1] == FIXED[1]
