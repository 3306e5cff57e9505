"""Coverage in evidence and reports: what counts, what it says, and that nothing in it is markup."""

from __future__ import annotations

from pathlib import Path

import pytest

from isolation_tests.coverage.calls import Call
from isolation_tests.coverage.figures import Coverage, Covered
from isolation_tests.model import CheckResult, Event, Operation, Outcome, Verdict
from isolation_tests.reporting.evidence.coverage import coverage_of
from isolation_tests.reporting.evidence.evidence import Ending, Header
from isolation_tests.reporting.evidence.merge import merge
from isolation_tests.reporting.evidence.reader import read
from isolation_tests.reporting.evidence.summary import summary_of
from isolation_tests.reporting.formats import markdown, terminal
from isolation_tests.reporting.html.page import render_html
from isolation_tests.reporting.narrative.coverage import coverage_line, coverage_rows
from meta_tests.builders import make_case, make_evidence, make_header, make_result, write_run

ADDED, LISTED = Call("add", "ordinary", "new", "alone"), Call("get_all", "ordinary", "has facts", "alone")
SOME = Coverage(
    figures=(
        Covered(dimensions=("calls", "values"), covered=2, possible=3, missing=("get, odd id",)),
        Covered(dimensions=("values", "overlap"), covered=1, possible=1),
        Covered(dimensions=("calls", "names"), covered=4, possible=8, missing=("add, a|b<i>",)),
    )
)


def asking(*calls: Call, **changes: object) -> CheckResult:
    return make_result(asked=tuple(call.told() for call in calls), **changes)  # type: ignore[arg-type]


def pairs(header: Header, *results: CheckResult) -> int:
    return coverage_of(header, results).total(2)[0]


def test_only_a_check_that_proved_something_covers_anything() -> None:
    header = make_header()
    case = make_case()

    assert pairs(header, asking(ADDED, LISTED)) == 11
    assert pairs(header, asking(ADDED, LISTED, verdict=Verdict.VIOLATED, cases=(case,))) == 11
    for verdict in (Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.NOT_SUPPORTED):
        assert pairs(header, asking(ADDED, LISTED, verdict=verdict)) == 0


def test_checks_add_up_and_what_is_asked_twice_counts_once() -> None:
    header = make_header()

    assert pairs(header, asking(ADDED), asking(LISTED, check="other"), asking(LISTED, check="third")) == 11


def test_what_a_target_does_not_offer_is_not_missing() -> None:
    plain = coverage_of(make_header(), ())
    more = coverage_of(make_header(capabilities=("get",)), ())
    broken = coverage_of(make_header(capabilities=("get",), probed={"get": "it fails"}), ())

    assert plain.total(2)[1] == broken.total(2)[1] < more.total(2)[1]


def test_a_core_method_that_the_target_lacks_is_not_missing() -> None:
    op = Operation.GET_ALL
    event = Event(step=0, op=op, user=0, outcome=Outcome.UNSUPPORTED, started=0, ended=1)
    lacking = make_case().history.model_copy(update={"events": (event,)})
    found = coverage_of(make_header(), [make_result(histories=(lacking,))])

    assert not any("get_all" in one for figure in found.figures for one in figure.missing)
    assert any(
        "get_all" in one for figure in coverage_of(make_header(), ()).figures for one in figure.missing
    )


def test_a_relation_that_is_an_alias_is_not_missing_and_hunt_counts_triples() -> None:
    plain, header = coverage_of(make_header(), ()), make_header(aliases=("prefix-digit",), budget={"ways": 3})
    found = coverage_of(header, ())

    assert found.total(2, names=True)[1] == plain.total(2, names=True)[1] - 4
    assert (plain.ways, found.ways) == (2, 3)


def test_merged_shards_cover_together_what_each_covers(tmp_path: Path) -> None:
    one, other = asking(ADDED), asking(LISTED, check="no-cross-read[b]")
    header = make_header(one, other)
    folders = [
        write_run(tmp_path / name, header.model_copy(update={"run_id": name}), result)
        for name, result in (("a1", one), ("b2", other))
    ]
    merged = merge(tmp_path / "both", folders)

    assert merged.footer.coverage == coverage_of(header, (one, other))


def test_the_line_says_what_of_how_much_and_never_rounds_up() -> None:
    assert coverage_line(SOME) == (
        "3 of 4 pairs of calls, values, users' states and overlap (75 %), "
        "4 of 8 pairs of calls and names (50 %)"
    )
    nearly = Covered(dimensions=("calls", "values"), covered=999, possible=1000)
    assert "(99 %)" in coverage_line(Coverage(figures=(nearly,)))
    triple = Covered(dimensions=("calls", "values", "overlap"), covered=1, possible=2)
    assert "1 of 2 triples (50 %)" in coverage_line(Coverage(figures=(*SOME.figures, triple)))


def test_the_table_names_what_is_missing_and_how_many_more() -> None:
    many = Covered(dimensions=("calls", "values"), covered=0, possible=40, missing=("x, y",) * 20)
    [row] = coverage_rows(Coverage(figures=(many,)))

    assert row.missing.count("(x, y)") == 12
    assert row.missing.endswith("and 28 others")
    assert coverage_rows(SOME)[1].missing == ""


def test_page_comment_and_terminal_tell_it_and_nothing_in_it_is_markup(
    capsys: pytest.CaptureFixture[str],
) -> None:
    result = make_result()
    evidence = make_evidence(make_header(result), [result], coverage=SOME)
    page, comment = render_html(evidence), markdown.render(evidence)
    terminal.print_summary(summary_of(evidence), terminal.Written())

    assert f"coverage: {coverage_line(SOME)}" in capsys.readouterr().out
    assert "(get, odd id)" in page
    assert "(add, a|b&lt;i&gt;)" in page
    assert "| calls and values | 2 | 3 | (get, odd id) |" in comment
    assert "| calls and names | 4 | 8 | (add, a?b?i?), and 3 others |" in comment


def test_evidence_from_before_it_was_measured_shows_no_coverage(tmp_path: Path) -> None:
    result = make_result()
    evidence = read(write_run(tmp_path, make_header(result), result))

    assert Ending.model_fields["coverage"].default is None
    assert evidence.footer.coverage is None
    assert 'id="coverage"' not in render_html(evidence)
    assert "Coverage" not in markdown.render(evidence)
