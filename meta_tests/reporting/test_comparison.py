"""Two runs side by side, and parts made whole: nothing gets better by comparing or merging."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from isolation_tests.cli import main
from isolation_tests.model import Case, CheckResult, Verdict
from isolation_tests.reporting.evidence.errors import CannotMerge, DifferentTargets, EvidenceError
from isolation_tests.reporting.evidence.evidence import Evidence, Header, TargetInfo
from isolation_tests.reporting.evidence.merge import merge
from isolation_tests.reporting.evidence.reader import read
from isolation_tests.reporting.evidence.replay_file import write_replay
from isolation_tests.reporting.evidence.summary import summary_of
from isolation_tests.reporting.formats.comparison import Comparison, compare, markdown, sentence, tables
from meta_tests.builders import make_case, make_header, make_result, write_run

ROOT = Path(__file__).parents[2]
HOSTILE = "x|y`z`<img src=q onerror=alert(1)>\x1b[31m\u202e @everyone [a](https://example.invalid)\n# b"
CHECKS = ("a[1]", "b[1]", "c[1]")


def held(check: str) -> CheckResult:
    return make_result(check, title="law")


def came_to(check: str, verdict: Verdict, *cases: Case) -> CheckResult:
    return held(check).model_copy(update={"verdict": verdict, "cases": cases})


def violated(check: str, *cases: Case) -> CheckResult:
    return came_to(check, Verdict.VIOLATED, *(cases or (make_case(),)))


def header_of(run: str, checks: Sequence[str] = CHECKS, **changes: Any) -> Header:
    target = TargetInfo(name="sample", title="Sample", adapter="sample:open", distributions={"s": "1"})
    return make_header(*map(held, checks), run_id=run, **{"target": target, **changes})


def run(tmp_path: Path, name: str, *results: CheckResult, **changes: Any) -> Evidence:
    return read(write_run(tmp_path / name, header_of(name, **changes), *results))


def pair(
    tmp_path: Path, old: Sequence[CheckResult], new: Sequence[CheckResult], **changes: Any
) -> Comparison:
    return compare(run(tmp_path, "r1", *old), run(tmp_path, "r2", *new, **changes))


def ask(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


ALL_HELD = tuple(map(held, CHECKS))


# Comparing


def test_equal_runs_are_not_worse(tmp_path: Path) -> None:
    comparison = pair(tmp_path, ALL_HELD, ALL_HELD)

    assert comparison.regressions == ()
    assert [section.title for section in comparison.sections] == ["Overall"]
    assert sentence(comparison).startswith("Not worse")


def test_a_new_finding_is_a_regression_also_where_it_is_known(tmp_path: Path) -> None:
    for number, known in enumerate((None, "reported")):
        folder = tmp_path / str(number)
        comparison = pair(folder, ALL_HELD, (violated("a[1]", make_case(known=known)), *ALL_HELD[1:]))

        assert [key for key, _ in comparison.new] == ["A1-search-same-prefix"]
        assert comparison.regressions == (
            "1 new finding",
            "level none instead of core",
            "1 check no longer holds",
        )


def test_a_finding_is_fixed_where_every_check_that_showed_it_held(tmp_path: Path) -> None:
    comparison = pair(tmp_path, (violated("a[1]"), violated("b[1]"), held("c[1]")), ALL_HELD)

    assert [key for key, _ in comparison.fixed] == ["A1-search-same-prefix"]
    assert not comparison.regressions
    assert not comparison.unclear
    assert "1 fixed" in sentence(comparison)


@pytest.mark.parametrize(
    ("now", "word"),
    [
        ((came_to("b[1]", Verdict.INCONCLUSIVE),), "inconclusive"),
        ((came_to("b[1]", Verdict.ERROR),), "error"),
        ((came_to("b[1]", Verdict.NOT_SUPPORTED),), "not supported"),
        ((violated("b[1]", make_case(relation="other")),), "violated"),
        ((), "not run"),
    ],
)
def test_a_finding_that_was_not_asked_again_is_not_fixed(
    tmp_path: Path, now: Sequence[CheckResult], word: str
) -> None:
    comparison = pair(tmp_path, (violated("a[1]"), violated("b[1]"), held("c[1]")), (held("a[1]"), *now))

    assert comparison.fixed == ()
    assert comparison.unclear == (("A1-search-same-prefix", f"b[1] is now {word}"),)


def test_an_intermittent_finding_that_does_not_show_is_not_fixed(tmp_path: Path) -> None:
    comparison = pair(tmp_path, (violated("a[1]", make_case(seen=1)), *ALL_HELD[1:]), ALL_HELD)

    assert comparison.fixed == ()
    assert "1 of 3" in comparison.unclear[0][1]


def test_a_finding_still_there_says_how_it_changed(tmp_path: Path) -> None:
    old = violated("a[1]", make_case(known="reported"))
    comparison = pair(tmp_path, (old, *ALL_HELD[1:]), (violated("a[1]", make_case(seen=2)), *ALL_HELD[1:]))

    assert comparison.still == (("A1-search-same-prefix", "showed in 2 of 3, intermittent, no longer known"),)
    assert comparison.verdict == ("VIOLATED, known", "VIOLATED")


@pytest.mark.parametrize("verdict", [Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.NOT_SUPPORTED])
def test_a_check_that_held_and_proves_nothing_now_is_a_regression(tmp_path: Path, verdict: Verdict) -> None:
    comparison = pair(tmp_path, ALL_HELD, (*ALL_HELD[:2], came_to("c[1]", verdict)))

    assert comparison.checks == (("c[1]", "held", verdict.replace("_", " ").lower()),)
    assert "1 check no longer holds" in comparison.regressions


def test_a_question_that_is_gone_is_a_regression_unless_other_questions_were_asked(tmp_path: Path) -> None:
    fewer = CHECKS[:2]
    assert pair(tmp_path / "same", ALL_HELD, ALL_HELD[:2], checks=fewer).regressions
    other = pair(tmp_path / "other", ALL_HELD, ALL_HELD[:2], checks=fewer, suite_version="0.0.9")

    assert other.regressions == ()
    assert "1 check no longer included" in sentence(other)
    assert ("isolation-tests", "0.1.0", "0.0.9") in other.around


def test_a_run_of_a_part_loses_the_level(tmp_path: Path) -> None:
    comparison = pair(tmp_path, ALL_HELD, ALL_HELD, whole=False, profile="quick")

    assert comparison.regressions == ("level none instead of core",)


def test_versions_that_changed_are_told(tmp_path: Path) -> None:
    target = TargetInfo(name="sample", title="Sample", adapter="sample:open", distributions={"t": "2"})
    comparison = pair(tmp_path, ALL_HELD, ALL_HELD, target=target, python="3.12.1")

    assert comparison.around == (
        ("version of s", "1", "none"),
        ("Python", "3.11.7", "3.12.1"),
        ("version of t", "none", "2"),
    )


def test_different_targets_are_refused_unless_asked_for(tmp_path: Path) -> None:
    target = TargetInfo(name="other", title="Other", adapter="other:open")
    old, new = run(tmp_path, "r1", *ALL_HELD), run(tmp_path, "r2", *ALL_HELD, target=target)

    with pytest.raises(DifferentTargets, match="different targets, sample and other; add --across"):
        compare(old, new)
    assert compare(old, new, across=True).target == "sample and other"


def test_nothing_in_a_comparison_steers_a_terminal_or_a_comment(tmp_path: Path) -> None:
    names = tuple(f"{HOSTILE}{number}" for number in range(40))
    target = TargetInfo(name=HOSTILE, title=HOSTILE, adapter=HOSTILE, distributions={HOSTILE: HOSTILE})
    old = run(tmp_path, "r1", *map(held, names), checks=names, target=target)
    cases = [violated(name, make_case(relation=f"{HOSTILE}{name}")) for name in names]
    comparison = compare(old, run(tmp_path, "r2", *cases, checks=names, target=target, python=HOSTILE))
    stream = io.StringIO()
    for table in tables(comparison):
        Console(file=stream, width=100).print(table)
    comment = markdown(comparison)

    for text in (stream.getvalue(), comment):
        assert not {char for char in text.replace("\n", "") if unicodedata.category(char).startswith("C")}
        assert "and 10 more" in text
    assert comment.count("\n# b") == comment.count("\n@") == 0
    assert all(line.startswith(("#", "- ", "Worse", "")) for line in comment.splitlines())
    assert len(comment) < 60_000


def test_the_command_ends_with_what_it_found(tmp_path: Path) -> None:
    old = write_run(tmp_path / "old", header_of("r1"), *ALL_HELD)
    new = write_run(tmp_path / "new", header_of("r2"), violated("a[1]"), *ALL_HELD[1:])
    worse, better = ask("diff", old, new), ask("diff", new, old, "--format", "markdown")

    assert (worse.exit_code, better.exit_code) == (1, 0)
    assert "Worse than before: 1 new finding" in worse.output
    assert "- `A1-search-same-prefix`: `showed in 3 of 3`" in better.output


@pytest.mark.long
def test_published_runs_can_be_compared() -> None:
    old, new = ROOT / "reports" / "langgraph-postgres-3.1.0", ROOT / "reports" / "langgraph-postgres"
    ran = ask("diff", old, new, "--across")

    assert ran.exit_code == 0
    assert "A1-search-prefix-colon" in ran.output


# Merging


def parts(tmp_path: Path, *groups: Sequence[CheckResult], **changes: Any) -> list[Path]:
    return [
        write_run(
            tmp_path / f"r{number}", header_of(f"r{number}", selection=(f"-k {number}",), **changes), *group
        )
        for number, group in enumerate(groups, start=1)
    ]


def test_parts_that_reported_everything_are_a_whole_run(tmp_path: Path) -> None:
    whole = run(tmp_path, "whole", violated("a[1]"), *ALL_HELD[1:])
    merged = merge(tmp_path / "out", parts(tmp_path, (violated("a[1]"),), ALL_HELD[1:], seed=7))

    assert summary_of(merged).counts == summary_of(whole).counts
    assert (merged.footer.verdict, merged.footer.level) == (whole.footer.verdict, whole.footer.level)
    assert merged.footer.exit_status == whole.footer.exit_status == 1
    assert (merged.header.selection, merged.header.merged) == ((), ("r1", "r2"))
    assert merged.header.seed == 7
    assert merged == read(tmp_path / "out")


@pytest.mark.long
def test_published_evidence_in_two_parts_gives_the_same_verdict(tmp_path: Path) -> None:
    whole = read(ROOT / "reports" / "langgraph-postgres")
    # Without the calls of each check the verdicts are the same, and the files small.
    results = [result.model_copy(update={"histories": ()}) for result in whole.results]
    middle = len(results) // 2
    folders = []
    for number, part in enumerate((results[: middle + 1], [results[0], *results[middle:]])):
        header = whole.header.model_copy(update={"run_id": f"r{number}", "selection": (f"-k {number}",)})
        folders.append(write_run(tmp_path / str(number), header, *part))
        assert read(folders[-1]).footer.exit_status == 2
    merged = merge(tmp_path / "out", folders)

    assert compare(whole, merged).regressions == ()
    assert (merged.footer.verdict, merged.footer.level) == (whole.footer.verdict, whole.footer.level)
    assert merged.footer.exit_status == whole.footer.exit_status


def test_what_no_part_reported_is_not_run_and_the_whole_stays_narrowed(tmp_path: Path) -> None:
    merged = merge(tmp_path / "out", parts(tmp_path, ALL_HELD[:1], ALL_HELD[1:2]))

    assert merged.footer.not_run == ("c[1]",)
    assert (merged.footer.verdict, merged.footer.level) == (Verdict.INCONCLUSIVE, None)
    assert merged.footer.exit_status == 2
    assert merged.header.selection == ("-k 1", "-k 2")


@pytest.mark.parametrize("verdict", [Verdict.VIOLATED, Verdict.ERROR, Verdict.INCONCLUSIVE])
@pytest.mark.parametrize("place", ["first", "last"])
def test_the_worst_of_several_results_counts_whichever_came_first(
    tmp_path: Path, verdict: Verdict, place: str
) -> None:
    bad = (came_to("a[1]", verdict, *((make_case(),) if verdict is Verdict.VIOLATED else ())),)
    groups = (bad, ALL_HELD) if place == "first" else (ALL_HELD, bad)
    merged = merge(tmp_path / "out", parts(tmp_path, *groups))

    assert merged.footer.verdict is verdict
    assert summary_of(merged).checks[0].verdict is verdict


def test_a_known_finding_that_no_longer_fits_one_part_fails_the_whole(tmp_path: Path) -> None:
    one = write_run(
        tmp_path / "r1", header_of("r1", known_count=1), *ALL_HELD, stale=("A1-get-any: not found",)
    )
    two = write_run(tmp_path / "r2", header_of("r2", known_count=1, selection=("-k a",)), *ALL_HELD)
    merged = merge(tmp_path / "out", (one, two))

    assert merged.footer.unmatched_known == ("A1-get-any: not found",)
    assert merged.footer.exit_status == 2
    assert any("within each shard only" in note for note in merged.footer.notes)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"suite_version": "0.0.9"}, r"they differ in the version of isolation-tests \(0.1.0 and 0.0.9\)"),
        (
            {"target": TargetInfo(name="x", title="x", adapter="x:y")},
            r"differ in the target \(sample and x\)",
        ),
        (
            {"target": TargetInfo(name="sample", title="Sample", adapter="sample:open", distributions={})},
            "they differ in distributions",
        ),
        ({"checks": CHECKS[:2]}, "they differ in the set of checks"),
        ({"profile": "quick", "whole": False}, "they differ in profile"),
        ({"known_file": "known.toml", "known_count": 1}, "they differ in known file"),
        ({"capabilities": ("get",)}, "they differ in capabilities"),
        ({"aliases": ("same-prefix",)}, "they differ in aliases"),
        ({"python": "3.12.1"}, r"they differ in python \(3.11.7 and 3.12.1\)"),
    ],
)
def test_runs_that_were_asked_otherwise_are_refused(
    tmp_path: Path, changes: dict[str, Any], what: str
) -> None:
    one = write_run(tmp_path / "r1", header_of("r1"), *ALL_HELD)
    two = write_run(tmp_path / "r2", header_of("r2", **changes), *ALL_HELD)

    with pytest.raises(CannotMerge, match=what):
        merge(tmp_path / "out", (one, two))
    assert not (tmp_path / "out").exists()


def test_a_run_is_merged_once_and_never_written_over(tmp_path: Path) -> None:
    one, two = parts(tmp_path, ALL_HELD[:1], ALL_HELD[1:])
    out = tmp_path / "out"
    merge(out, (one, two))
    before = (one / "evidence.jsonl").read_bytes()

    for folders, why in (
        ((one,), "only one"),
        ((one, one), "r1 is included twice"),
        ((out, two), "r2 is included"),
    ):
        with pytest.raises(CannotMerge, match=why):
            merge(tmp_path / "other", folders)
    with pytest.raises(CannotMerge, match="choose another folder"):
        merge(one, (one, two))
    assert (one / "evidence.jsonl").read_bytes() == before


def test_a_merged_run_merges_with_a_third(tmp_path: Path) -> None:
    one, two, three = parts(tmp_path, ALL_HELD[:1], ALL_HELD[1:2], ALL_HELD[2:])
    merge(tmp_path / "half", (one, two))
    merged = merge(tmp_path / "out", (tmp_path / "half", three))

    assert merged.header.merged == ("r1", "r2", "r3")
    assert merged.footer.verdict is Verdict.HELD


def test_replay_files_come_along(tmp_path: Path) -> None:
    one, two = parts(tmp_path, (violated("a[1]"),), ALL_HELD[1:])
    replay = write_replay(one, make_case(), target="sample", suite_version="0.1.0", versions={})
    (two / "findings").mkdir()
    (two / "findings" / replay.name).write_text("cut", encoding="utf-8")
    merge(tmp_path / "out", (two, one))

    assert (tmp_path / "out" / "findings" / replay.name).read_bytes() == replay.read_bytes()


# What both refuse


def test_the_command_merges_and_ends_as_the_whole_does(tmp_path: Path) -> None:
    folders = parts(tmp_path, ALL_HELD[:1], ALL_HELD[1:])
    ran = ask("merge", tmp_path / "out", *folders)

    assert ran.exit_code == 0
    assert "HELD, level core: 3 of 3 checks held." in ran.output
    assert "merged from runs r1, r2" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def cut(folder: Path) -> None:
    path = folder / "evidence.jsonl"
    path.write_bytes(path.read_bytes()[:-20])


def forged(folder: Path) -> None:
    path = folder / "evidence.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"HELD"', b'"ERROR"', 1))


def unfinished(folder: Path) -> None:
    (folder / "evidence.jsonl.partial").write_text("", encoding="utf-8")


@pytest.mark.parametrize("harm", [cut, forged, unfinished])
def test_evidence_that_can_not_be_believed_is_one_sentence_and_3(tmp_path: Path, harm: Any) -> None:
    one, two = parts(tmp_path, ALL_HELD[:1], ALL_HELD[1:])
    harm(two)

    for ran in (ask("diff", one, two), ask("diff", two, one), ask("merge", tmp_path / "out", one, two)):
        assert ran.exit_code == 3
        assert ran.output.startswith("isolation-tests: ")
        assert len(ran.output.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
    with pytest.raises(EvidenceError):
        merge(tmp_path / "out", (one, two))


def test_a_folder_without_evidence_is_told(tmp_path: Path) -> None:
    assert ask("diff", tmp_path, tmp_path).exit_code == 3
    assert ask("merge", tmp_path / "out", tmp_path, tmp_path).exit_code == 3
