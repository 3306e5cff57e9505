"""Evidence, summary and reports, on results written by hand."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from rich.console import Console

from isolation_tests.catalogue import CATALOGUE, anomaly
from isolation_tests.core.inert import plain
from isolation_tests.core.masking import masked_options, masked_text
from isolation_tests.model import (
    CheckResult,
    Law,
    Level,
    Operation,
    Step,
    Verdict,
    alias_reason,
)
from isolation_tests.reporting.evidence import errors, evidence, reader, replay_file
from isolation_tests.reporting.evidence.evidence import TargetInfo
from isolation_tests.reporting.evidence.grid import grid
from isolation_tests.reporting.evidence.summary import Summary, exit_status, merge_cases, summarise
from isolation_tests.reporting.evidence.writer import EvidenceWriter
from isolation_tests.reporting.html.page import render_html, write_html
from isolation_tests.reporting.narrative.commands import replay_command
from isolation_tests.reporting.narrative.reproduction import MOST_LINES, reproduction, story
from isolation_tests.reporting.narrative.wording import (
    finding_text,
    header_lines,
    summary_table,
    verdict_line,
)
from meta_tests.builders import BOB, ENDING, make_case, make_header, make_plan, make_result, write

# Drawing whole results is slow on a busy machine, which says nothing about them.
HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e"


def summary_of(*results: CheckResult, **changes: Any) -> Summary:
    return summarise(make_header(*results, **changes), results)


# The catalogue


def test_the_catalogue_has_every_id_and_no_empty_entry() -> None:
    families = {"S": 6, "A": 9, "O": 7, "D": 4, "M": 5, "C": 5, "K": 2, "X": 5}
    ids = {f"{letter}{n}" for letter, count in families.items() for n in range(1, count + 1)} | {
        "completeness"
    }
    assert set(CATALOGUE) == ids
    for entry in CATALOGUE.values():
        assert entry.law.endswith(".")
        assert entry.fix.endswith(".")
        assert entry.controls
        assert entry.visible or entry.note
    assert {entry.id for entry in CATALOGUE.values() if not entry.visible} == {"C5", "X4"}


def test_an_unknown_anomaly_is_told_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match="choose one of S1"):
        anomaly("Z9")


# Evidence


def test_what_is_written_is_read(tmp_path: Path) -> None:
    results = (make_result(), make_result("b", Verdict.VIOLATED, cases=(make_case(names=("a\ud800", None)),)))
    path = write(tmp_path / "new" / "folder", *results)
    found = reader.read(path)
    assert found == reader.read(path.parent)
    assert found.results == results
    assert found.header == make_header(*results)
    assert found.footer.records == 2
    assert not path.with_name("evidence.jsonl.partial").exists()


def test_the_published_schema_is_the_one_in_use() -> None:
    published = Path(evidence.__file__).with_name("evidence.schema.json").read_text(encoding="utf-8")
    assert json.loads(published) == evidence.schema()


def test_a_folder_has_one_writer_and_the_second_is_told_who_it_is(tmp_path: Path) -> None:
    with EvidenceWriter(tmp_path, make_header()):
        with pytest.raises(errors.FolderTaken, match=r"run r1 .* choose another folder"):
            EvidenceWriter(tmp_path, make_header(run_id="r2"))
        with pytest.raises(errors.FolderTaken, match="run r1"):
            EvidenceWriter(tmp_path, make_header(run_id="r3"))
    EvidenceWriter(tmp_path, make_header(run_id="r2")).close()


def test_a_folder_that_cannot_be_written_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.NotWritable, match="choose another folder"):
        EvidenceWriter(tmp_path / "file", make_header())
    (tmp_path / "taken" / "evidence.jsonl.partial").mkdir(parents=True)
    for _ in range(2):
        with pytest.raises(errors.NotWritable, match="choose another folder"):
            EvidenceWriter(tmp_path / "taken", make_header())


def test_a_run_that_died_keeps_the_earlier_evidence_and_its_own_partial(tmp_path: Path) -> None:
    write(tmp_path, make_result())
    before = (tmp_path / "evidence.jsonl").read_bytes()
    with EvidenceWriter(tmp_path, make_header(run_id="r2")) as writer:
        writer.append(make_result())
    assert (tmp_path / "evidence.jsonl").read_bytes() == before
    with pytest.raises(errors.NoFooter):
        reader.read(tmp_path / "evidence.jsonl.partial")
    with pytest.raises(errors.WriterClosed):
        writer.append(make_result())


def test_a_folder_with_only_a_partial_says_that_the_run_died(tmp_path: Path) -> None:
    EvidenceWriter(tmp_path, make_header()).close()
    with pytest.raises(errors.NoFooter):
        reader.read(tmp_path)


def test_every_cut_of_a_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, make_result(), make_result("b"))
    whole = path.read_bytes()
    for size in range(0, len(whole) - 1, 7):
        path.write_bytes(whole[:size])
        with pytest.raises(errors.EvidenceError):
            reader.read(path)


def changed(number: int, **fields: Any) -> Any:
    def change(lines: list[str]) -> list[str]:
        lines[number] = json.dumps({**json.loads(lines[number]), **fields})
        return lines

    return change


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda _: [], errors.NotEvidence),
        (lambda _: ["hello"], errors.NotEvidence),
        (lambda _: ["[" * 100_000], errors.NotEvidence),
        (lambda lines: lines[1:], errors.NotEvidence),
        (lambda lines: lines[:-1], errors.NoFooter),
        (lambda lines: [lines[0], *lines[2:]], errors.CountMismatch),
        (lambda lines: [*lines[:2], *lines[1:]], errors.CountMismatch),
        (lambda lines: [lines[0], lines[2], lines[1], lines[3]], errors.WrongDigest),
        (lambda lines: [*lines, lines[1]], errors.AfterFooter),
        (lambda lines: [lines[0], "{", *lines[2:]], errors.BadRecord),
        (lambda lines: [lines[0], "3", *lines[2:]], errors.BadRecord),
        (lambda lines: [lines[0], *lines], errors.BadRecord),
        (changed(0, schema_version=2), errors.UnknownSchema),
        (changed(0, surprise=1), errors.BadRecord),
        (changed(1, verdict="FINE"), errors.BadRecord),
        (changed(1, verdict="NOT_SUPPORTED"), errors.WrongDigest),
        (changed(3, records=1), errors.CountMismatch),
    ],
)
def test_each_way_of_being_wrong_has_its_error(tmp_path: Path, change: Any, error: type[Exception]) -> None:
    path = write(tmp_path, make_result(), make_result("b"))
    lines = change(path.read_text().splitlines())
    path.write_text("".join(f"{line}\n" for line in lines))
    with pytest.raises(error, match=path.name) as caught:
        reader.read(path)
    assert type(caught.value) is error


def test_a_folder_without_evidence_is_told(tmp_path: Path) -> None:
    with pytest.raises(errors.NoEvidence, match="give the report folder"):
        reader.read(tmp_path)


# Secrets


def test_options_are_flat_and_secrets_masked() -> None:
    options = {
        "llm": {"config": {"api_key": "hunter2", "model": "m"}},
        "dsn": "hunter2",
        "tokens": ["hunter2"],
        "credentials": {"user": "hunter2"},
        "url": "https://u:hunter2@host/x?token=hunter2&a=1",
        "conninfo": "host=h password='hunter2 x' user=u",
        "header": "Authorization: Bearer hunter2hunter2",
        "path": "/var/data",
    }
    masked = masked_options(options)
    assert "hunter2" not in json.dumps(masked)
    assert masked["llm.config.model"] == "m"
    assert masked["path"] == "/var/data"
    assert masked_options(masked) == masked


def test_no_secret_reaches_a_file_or_a_report(tmp_path: Path) -> None:
    leaky = "could not open http://me:hunter2@host: {'api_key': 'hunter2'} password=hunter2"
    result = make_result("b", Verdict.ERROR, reason=leaky)
    path = write(tmp_path, result, probed={"get": leaky}, capabilities=("get",))
    found = reader.read(path)
    assert "hunter2" not in path.read_text()
    assert "hunter2" not in render_html(found)
    assert "hunter2" not in "\n".join(header_lines(make_header(probed={"get": leaky}, capabilities=("get",))))


def test_harmless_text_is_kept() -> None:
    assert masked_text("KeyError: 'user' at host:80") == "KeyError: 'user' at host:80"


# Replay files


def test_a_replay_file_is_read_as_written(tmp_path: Path) -> None:
    case = make_case()
    path = replay_file.write_replay(
        tmp_path, case, target="sample", suite_version="0.1.0", versions={"sample": "1"}
    )
    assert path == tmp_path / "findings" / "A1-search-same-prefix.json"
    replay = replay_file.read_replay(path)
    assert (replay.plan, replay.finding, replay.seen) == (case.history.plan, case.finding, 3)


@pytest.mark.parametrize("relation", ["../../etc/passwd", "a/b", "a\\b", "..", "\x00", "x" * 500, "\ud800"])
def test_a_replay_file_stays_in_its_folder(tmp_path: Path, relation: str) -> None:
    case = make_case(relation=relation)
    path = replay_file.write_replay(tmp_path, case, target="t", suite_version="1", versions={})
    assert path.resolve().parent == (tmp_path / "findings").resolve()
    assert replay_file.read_replay(path).finding.relation == relation


@pytest.mark.parametrize(
    "fields",
    [
        {"schema_version": 9},
        {"schema_version": None},
        {"plan": {}},
        {"seen": 0},
        {"surprise": 1},
        {"finding": {**make_case().finding.model_dump(mode="json"), "viewer": 7}},
        {"finding": {**make_case().finding.model_dump(mode="json"), "step": 7}},
    ],
)
def test_a_wrong_replay_file_is_one_clear_error(tmp_path: Path, fields: dict[str, Any]) -> None:
    path = replay_file.write_replay(tmp_path, make_case(), target="t", suite_version="1", versions={})
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))
    with pytest.raises(errors.BadReplay, match="give a file from the findings folder"):
        replay_file.read_replay(path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_a_corrupt_replay_file_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.json"
    with pytest.raises(errors.BadReplay):
        replay_file.read_replay(path)
    path.write_bytes(content)
    with pytest.raises(errors.BadReplay):
        replay_file.read_replay(path)


# Summary

HARD: dict[str, Any] = {"level": Level.HARDENED}
ALIASED = make_result("b", Verdict.NOT_SUPPORTED, reason=alias_reason("case-fold"))
KNOWN = make_result("k", Verdict.VIOLATED, cases=(make_case(known="upstream"),))


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


# Reproduction


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


# Reports


def test_a_finding_is_told_whole() -> None:
    told = finding_text(
        make_case(known="upstream"),
        replay_command(Path("out dir/findings/A1.json"), make_header()),
    )
    for part in (
        CATALOGUE["A1"].law,
        "'iso-r1-5' got a fact of 'iso-r1-5-corp'",
        "same-prefix: ",
        "memory.search('iso-r1-5'",
        "isolation-tests replay 'out dir/findings/A1.json'",
        CATALOGUE["A1"].fix,
        "known: upstream",
    ):
        assert part in told


def test_a_terminal_is_never_steered_by_a_target() -> None:
    case = make_case(names=(HOSTILE, BOB), anomaly=HOSTILE, where=HOSTILE, relation=HOSTILE, known=HOSTILE)
    header = make_header(make_result(title=HOSTILE), selection=(HOSTILE,), probed={"get": HOSTILE})
    summary = summary_of(make_result(anomalies=("[red]x[/red]", HOSTILE)))
    screen = Console(file=io.StringIO(), width=200)
    screen.print(summary_table(summary))
    assert isinstance(screen.file, io.StringIO)
    for text in (finding_text(case, None), *header_lines(header), screen.file.getvalue()):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "[red]x[/red]" in screen.file.getvalue()
    assert plain("a\nb") == "a\nb"


def test_the_verdict_is_told_in_words() -> None:
    assert verdict_line(summary_of(make_result())) == "HELD, level core: 1 of 1 check held."
    line = verdict_line(
        summarise(make_header(make_result(), KNOWN, make_result("x")), [make_result(), KNOWN])
    )
    assert line == "VIOLATED, no level reached: 1 of 3 checks held, 1 violated (1 known finding), 1 not run."
    assert verdict_line(summary_of(make_result(), KNOWN)).startswith("VIOLATED, known, no level reached: ")


def test_the_page_escapes_whatever_a_target_said(tmp_path: Path) -> None:
    case = make_case(names=(HOSTILE, BOB), anomaly=HOSTILE, where=HOSTILE, relation=HOSTILE, known=HOSTILE)
    results = (
        make_result(HOSTILE, Verdict.VIOLATED, title=HOSTILE, anomalies=(HOSTILE,), cases=(case,)),
        make_result("b", Verdict.NOT_SUPPORTED, reason=HOSTILE),
    )
    target = TargetInfo(name=HOSTILE, title=HOSTILE, adapter=HOSTILE, distributions={HOSTILE: HOSTILE})
    path = write(tmp_path, *results, target=target, run_id=HOSTILE, known_file=HOSTILE, aliases=(HOSTILE,))
    page = write_html(reader.read(path), tmp_path / "sub" / "report.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;" in page
    for forbidden in ("<script", "\x1b", "\u202e", "http://", "https://", "src=", "@import", "url("):
        assert forbidden not in page


def test_the_page_says_what_was_not_tested(tmp_path: Path) -> None:
    left_out = make_result("left-out[x]")
    header = make_header(make_result(), left_out)
    with EvidenceWriter(tmp_path, header) as writer:
        writer.append(make_result())
        writer.append(make_result("b", Verdict.NOT_SUPPORTED, reason="has no get", **HARD))
        path = writer.finish(ENDING.model_copy(update={"unmatched_known": ("A9-any matched nothing",)}))
    page = render_html(reader.read(path))
    for part in ("INCONCLUSIVE, no level reached", "left-out[x]", "has no get", "A9-any matched nothing"):
        assert part in page


def test_the_page_of_an_empty_run_is_no_pass(tmp_path: Path) -> None:
    page = render_html(reader.read(write(tmp_path)))
    assert "INCONCLUSIVE, no level reached" in page
    assert "no user reached another user" not in page
