"""The summary of a run: verdict, level and exit status, on results written by hand."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from isolation_tests.model import (
    CheckResult,
    Event,
    Level,
    Operation,
    Outcome,
    Step,
    Verdict,
    alias_reason,
)
from isolation_tests.reporting.evidence.grid import grid
from isolation_tests.reporting.evidence.summary import Summary, exit_status, merge_cases, summarise
from isolation_tests.reporting.narrative.wording import (
    verdict_line,
)
from meta_tests.builders import make_case, make_header, make_plan, make_result
from meta_tests.mutations import fuzz
from meta_tests.reporting.by_hand import HARD, KNOWN, summary_of

ALIASED = make_result("b", Verdict.NOT_SUPPORTED, reason=alias_reason("case-fold"))


@pytest.mark.parametrize(
    ("results", "verdict", "level", "status"),
    [
        ((), Verdict.INCONCLUSIVE, None, 2),
        ((make_result(),), Verdict.HELD, Level.CORE, 0),
        ((make_result(controls=0),), Verdict.INCONCLUSIVE, None, 2),
        ((make_result(), make_result("b", controls=0)), Verdict.HELD, Level.CORE, 0),
        ((make_result(), make_result("b", calls=0)), Verdict.INCONCLUSIVE, None, 2),
        ((make_result(), make_result("b", Verdict.NOT_SUPPORTED)), Verdict.NOT_SUPPORTED, None, 2),
        ((make_result(), make_result("b", Verdict.NOT_SUPPORTED, **HARD)), Verdict.HELD, Level.CORE, 0),
        ((make_result(), make_result("b", **HARD)), Verdict.HELD, Level.HARDENED, 0),
        ((make_result(), make_result("b", level=Level.SCALE)), Verdict.HELD, Level.CORE, 0),
        ((make_result("b", **HARD),), Verdict.HELD, None, 0),
        ((make_result("b", Verdict.NOT_SUPPORTED, **HARD),), Verdict.INCONCLUSIVE, None, 2),
        ((make_result(), make_result("b", Verdict.ERROR, **HARD)), Verdict.ERROR, Level.CORE, 2),
        ((make_result(), make_result("b", Verdict.VIOLATED, **HARD)), Verdict.VIOLATED, Level.CORE, 1),
        ((make_result(), make_result("b", cases=(make_case(),))), Verdict.VIOLATED, None, 1),
        ((make_result(), KNOWN), Verdict.VIOLATED, None, 0),
        ((make_result(), KNOWN, make_result("b", Verdict.INCONCLUSIVE)), Verdict.VIOLATED, None, 2),
        ((make_result(), KNOWN, make_result("b", Verdict.VIOLATED)), Verdict.VIOLATED, None, 1),
        ((make_result(), KNOWN, make_result("k", Verdict.ERROR)), Verdict.VIOLATED, None, 2),
        ((make_result(), KNOWN.model_copy(update={"verdict": Verdict.ERROR})), Verdict.VIOLATED, None, 2),
        ((make_result(), KNOWN, make_result("k", Verdict.VIOLATED)), Verdict.VIOLATED, None, 1),
    ],
)
def test_verdict_level_and_status(
    results: tuple[CheckResult, ...], verdict: Verdict, level: Level | None, status: int
) -> None:
    summary = summary_of(*results)
    assert (summary.verdict, summary.level, exit_status(summary)) == (verdict, level, status)


def test_a_declared_alias_excuses_a_core_check_and_an_undeclared_one_does_not() -> None:
    assert summary_of(make_result(), ALIASED, aliases=("case-fold",)).level is Level.CORE
    assert summary_of(make_result(), ALIASED, aliases=("padding",)).level is None


def test_a_check_that_claims_a_higher_level_than_expected_is_judged_at_the_expected_one() -> None:
    header = make_header(make_result(), make_result("b"))
    results = (make_result(), make_result("b", Verdict.NOT_SUPPORTED, level=Level.SCALE))
    assert summarise(header, results).level is None


def test_known_findings_out_of_date_fail_the_run() -> None:
    summary = summarise(make_header(make_result()), [make_result()], ["A1-search-any matched nothing"])
    assert (summary.verdict, exit_status(summary)) == (Verdict.HELD, 2)
    assert "1 outdated known finding" in verdict_line(summary)


def test_cases_of_one_finding_are_one_with_the_smallest_plan() -> None:
    longer = make_plan(*make_plan().steps[:1], *make_plan().steps)
    cases = (make_case(longer, seen=1, tried=5), make_case(known="x"), make_case(operation=Operation.GET_ALL))
    merged = merge_cases([make_result(cases=cases[:2]), make_result("b", cases=cases[2:])])
    assert [case.finding.key for case in merged] == ["A1-get_all-same-prefix", "A1-search-same-prefix"]
    search = merged[1]
    assert (search.seen, search.tried, len(search.history.plan.steps), search.known) == (4, 8, 3, None)


def test_an_anomaly_is_blamed_only_for_what_showed() -> None:
    result = make_result("b", Verdict.VIOLATED, anomalies=("S1", "A1"), cases=(make_case(anomaly="A1"),))
    rows = {row.id: row for row in summary_of(make_result(anomalies=("S1",)), result).rows}
    assert (rows["A1"].verdict, rows["A1"].findings) == (Verdict.VIOLATED, 1)
    assert (rows["S1"].verdict, rows["S1"].held, rows["S1"].checks) == (Verdict.INCONCLUSIVE, 1, 2)


def test_the_grid_shows_what_was_asked() -> None:
    history = make_case(make_plan(*make_plan().steps, Step(op=Operation.GET_ALL, user=1))).history
    held = make_result(histories=(history,))
    bad = make_result("b", Verdict.VIOLATED, cases=(make_case(),), histories=(history,))
    assert grid([held])["same-prefix"] == {Operation.SEARCH: Verdict.HELD, Operation.GET_ALL: Verdict.HELD}
    assert grid([held, bad])["same-prefix"][Operation.SEARCH] is Verdict.VIOLATED
    assert grid([bad])["same-prefix"][Operation.GET_ALL] is Verdict.INCONCLUSIVE


def any_result(number: int) -> st.SearchStrategy[CheckResult]:
    cases = st.sampled_from([(), (make_case(),), (make_case(known="k"),)])
    return st.builds(
        make_result,
        st.just(f"check-{number}"),
        st.sampled_from([*Verdict, *[Verdict.HELD] * 6]),
        level=st.sampled_from(Level),
        controls=st.integers(0, 2),
        calls=st.integers(0, 2),
        reason=st.sampled_from(["", alias_reason("fold")]),
        anomalies=st.sampled_from([("A1",), ("S1", "A1")]),
    ).flatmap(
        lambda result: cases.map(
            lambda found: result.model_copy(
                update={"cases": found if result.verdict is Verdict.VIOLATED else ()}
            )
        )
    )


def height(summary: Summary) -> int:
    return -1 if summary.level is None else list(Level).index(summary.level)


@fuzz(35)
@given(st.data())
def test_leaving_out_or_not_reaching_a_check_never_improves_what_was_proved(data: st.DataObject) -> None:
    results = [data.draw(any_result(n)) for n in range(data.draw(st.integers(1, 6)))]
    header = make_header(*results, aliases=("fold",))
    before = summarise(header, results)
    lost = data.draw(st.sets(st.sampled_from(range(len(results))), min_size=1))
    worse = data.draw(st.sampled_from([None, Verdict.INCONCLUSIVE]))
    fewer = [
        result if n not in lost else result.model_copy(update={"verdict": worse, "cases": (), "controls": 0})
        for n, result in enumerate(results)
        if n not in lost or worse
    ]
    after = summarise(header, fewer)
    assert height(after) <= height(before)
    assert after.verdict not in (Verdict.HELD, Verdict.NOT_SUPPORTED)
    assert exit_status(after) != 0
    assert all(row.verdict is not Verdict.HELD for row in after.rows if row.not_run)


@fuzz(35)
@given(st.data())
def test_a_skip_never_raises_what_held(data: st.DataObject) -> None:
    results = [data.draw(any_result(n)) for n in range(data.draw(st.integers(1, 6)))]
    header = make_header(*results)
    # A check without calls proved nothing: to report it as not supported instead is only more exact.
    held = [n for n, result in enumerate(results) if result.verdict is Verdict.HELD and result.calls]
    assume(held)
    lost = data.draw(st.sampled_from(held))
    skipped = [
        result.model_copy(update={"verdict": Verdict.NOT_SUPPORTED}) if n == lost else result
        for n, result in enumerate(results)
    ]
    before, after = summarise(header, results), summarise(header, skipped)
    assert height(after) <= height(before)
    assert before.verdict is Verdict.HELD or after.verdict is not Verdict.HELD
    assert exit_status(before) == 0 or exit_status(after) != 0


def test_the_greatest_volume_at_which_users_kept_their_facts_is_told() -> None:
    def filled(stored: int, verdict: Verdict) -> CheckResult:
        add = Step(op=Operation.ADD, user=0, fact=0, times=100, within=5.0)
        event = Event(
            step=0, op=Operation.ADD, user=0, outcome=Outcome.OK, started=0.0, ended=6.0, number=stored
        )
        case = make_case(make_plan(add), events=(event,), viewer=0, step=0)
        held = verdict is Verdict.HELD
        return make_result(
            f"volume[{stored}]",
            verdict,
            histories=(case.history,) if held else (),
            cases=() if held else (case,),
        )

    results = (filled(40, Verdict.HELD), filled(60, Verdict.HELD), filled(100, Verdict.VIOLATED))
    told = "60 memories of 1 user stood at once, not 100, because the 5 s for it were over"
    assert summarise(make_header(*results, budget={"volume": 100.0}), results).volume == told
    assert summarise(make_header(*results[2:]), results[2:]).volume == ""
    quick = summarise(make_header(*results, budget={"volume": 0.0}, profile="quick"), ())
    assert quick.volume.startswith("profile quick leaves out")
