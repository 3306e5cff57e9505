"""Evidence, strength, history, certificates and replay files from anybody: one sentence, and nothing else."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isolation_tests.model import Verdict
from isolation_tests.reporting.board.history import HISTORY_NAME, past_run, read_past, remember
from isolation_tests.reporting.certificates.rejudge import examine
from isolation_tests.reporting.evidence.errors import EvidenceError, NoFooter, NotEvidence
from isolation_tests.reporting.evidence.evidence import EVIDENCE_NAME
from isolation_tests.reporting.evidence.reader import read
from isolation_tests.reporting.evidence.replay_file import read_replay, write_replay
from isolation_tests.reporting.evidence.sightings import read_sightings
from isolation_tests.reporting.evidence.strength import STRENGTH_NAME, read_strength
from isolation_tests.reporting.evidence.summary import summary_of
from isolation_tests.reporting.formats.comparison import compare, markdown, sentence, tables
from isolation_tests.reporting.formats.registry import FORMATS, encoded
from meta_tests.builders import make_case, make_header, make_result, write_run
from meta_tests.mutations import JSON, changed, damaged, fuzz, problem_of, sealed, written

Lines = list[dict[str, Any]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with code that nobody should load, and the working folder beside it."""
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "bomb.py").write_text("from pathlib import Path\nPath('it-ran').touch()\n", encoding="utf-8")
    monkeypatch.chdir(inner)
    return inner


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Lines:
    """The records of a small run: one check that held, one with a finding, one that proved nothing."""
    results = (
        make_result("no-cross-read[a]"),
        make_result(
            "no-cross-read[b]", Verdict.VIOLATED, cases=(make_case(),), histories=(make_case().history,)
        ),
        make_result("no-cross-read[c]", Verdict.INCONCLUSIVE, reason="the owner did not see their own fact"),
    )
    header = make_header(*results, suite_version="0.1.0")
    path = write_run(tmp_path_factory.mktemp("run"), header, *results) / EVIDENCE_NAME
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def use(folder: Path) -> None:
    """All that the suite does with the evidence in a folder."""
    evidence = read(folder)
    for kind in FORMATS.values():
        encoded(kind.render(evidence, folder))
    comparison = compare(evidence, evidence, across=True)
    assert [*tables(comparison)], sentence(comparison)
    markdown(comparison)
    past_run(evidence, summary_of(evidence))
    examine(evidence)


def test_the_sample_is_read(folder: Path, lines: Lines) -> None:
    (folder / EVIDENCE_NAME).write_bytes(sealed(lines))
    assert problem_of(folder, lambda: read(folder)) is None
    assert [kind for kind in FORMATS if FORMATS[kind].render(read(folder), folder)] == [*FORMATS]


@fuzz(25)
@given(data=st.data(), packed=st.booleans())
def test_evidence_with_damaged_bytes(folder: Path, lines: Lines, data: st.DataObject, packed: bool) -> None:  # noqa: FBT001
    content = sealed(lines)
    if packed:
        content = gzip.compress(content, mtime=0)
    name = f"{EVIDENCE_NAME}.gz" if packed else EVIDENCE_NAME
    (folder / name).write_bytes(data.draw(damaged(content)))
    problem_of(folder, lambda: use(folder / name))


@fuzz(60)
@given(data=st.data())
def test_evidence_with_changed_records(folder: Path, lines: Lines, data: st.DataObject) -> None:
    (folder / EVIDENCE_NAME).write_bytes(sealed(data.draw(changed(lines))))
    problem_of(folder, lambda: use(folder))


@fuzz(20)
@given(records=st.lists(JSON, max_size=3), sighted=st.lists(JSON, max_size=2))
def test_evidence_of_anything(folder: Path, records: list[Any], sighted: list[Any]) -> None:
    partial = folder / f"{EVIDENCE_NAME}.partial"
    (folder / "evidence.sighted").mkdir(exist_ok=True)
    lines_of = "\n".join(map(written, sighted)).encode()
    (folder / "evidence.sighted" / "000.jsonl").write_bytes(lines_of)
    for path in (partial, folder / EVIDENCE_NAME):
        partial.unlink(missing_ok=True)
        path.write_bytes("\n".join(map(written, records)).encode())
        assert problem_of(folder, lambda: use(folder)) is not None
    assert problem_of(folder, lambda: read_sightings(folder)) is None


@fuzz(60)
@given(data=st.data())
def test_a_replay_file_that_was_changed(folder: Path, data: st.DataObject) -> None:
    record = json.loads(
        write_replay(folder, make_case(), target="reference", suite_version="1", versions={}).read_bytes()
    )
    content = written(record).encode()
    parts = changed(record).map(lambda value: written(value).encode()) | damaged(content)
    path = folder / "findings" / "x.json"
    path.write_bytes(data.draw(parts | JSON.map(lambda value: written(value).encode())))
    problem_of(folder, lambda: read_replay(path))


STRENGTH = {
    "target": "x",
    "suite_version": "1",
    "date": "2026-01-01",
    "profile": "ci",
    "seeds": [1],
    "calls": 1,
    "versions": {},
    "fitting": 1,
    "caught": 0,
    "masked": [],
    "not_fitting": [],
    "whole": True,
    "blind_spots": [{"fault": "A1-prefix", "anomaly": "A1", "cause": "nobody knows"}],
}


@fuzz(12)
@given(data=st.data())
def test_strength_and_history_that_were_changed(folder: Path, lines: Lines, data: st.DataObject) -> None:
    (folder / EVIDENCE_NAME).write_bytes(sealed(lines))
    evidence = read(folder)
    (folder / HISTORY_NAME).unlink(missing_ok=True)
    remember(folder, past_run(evidence, summary_of(evidence)))
    past = json.loads((folder / HISTORY_NAME).read_bytes())
    (folder / HISTORY_NAME).write_text(written(data.draw(changed(past) | JSON)), encoding="utf-8")
    (folder / STRENGTH_NAME).write_text(written(data.draw(changed(STRENGTH) | JSON)), encoding="utf-8")
    problem_of(folder, lambda: read_past(folder))
    problem_of(folder, lambda: read_strength(folder))
    problem_of(folder, lambda: use(folder))


@pytest.mark.parametrize("name", [f"{EVIDENCE_NAME}.partial", "evidence.sighted/000.jsonl"])
def test_a_pipe_in_place_of_what_a_killed_run_left_makes_nobody_wait(folder: Path, name: str) -> None:
    (folder / "evidence.sighted").mkdir()
    (folder / EVIDENCE_NAME).write_bytes(b"")
    (folder / f"{EVIDENCE_NAME}.partial").write_bytes(b"")
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    assert isinstance(problem_of(folder, lambda: read(folder)), NoFooter)


@pytest.mark.parametrize("name", [EVIDENCE_NAME, f"{EVIDENCE_NAME}.gz", STRENGTH_NAME, HISTORY_NAME])
def test_a_pipe_is_no_file(folder: Path, name: str) -> None:
    os.mkfifo(folder / name)
    reads: dict[str, Callable[[Path], object]] = {STRENGTH_NAME: read_strength, HISTORY_NAME: read_past}
    problem = problem_of(folder, lambda: reads.get(name, read)(folder))
    assert isinstance(problem, EvidenceError)
    assert isinstance(problem, NotEvidence) or "not a regular file" in str(problem)


@pytest.mark.parametrize("name", [EVIDENCE_NAME, "x.json", STRENGTH_NAME, HISTORY_NAME])
@pytest.mark.parametrize(
    ("content", "why"), [('{"a": 1, "a": 2}\n', "twice"), ("[" * 101, "within each other")]
)
def test_what_two_readers_read_differently_and_what_is_deep_is_refused(
    folder: Path, name: str, content: str, why: str
) -> None:
    reads: dict[str, Callable[[Path], object]] = {
        STRENGTH_NAME: read_strength,
        HISTORY_NAME: read_past,
        "x.json": lambda _: read_replay(folder / "x.json"),
    }
    (folder / name).write_text(content, encoding="utf-8")
    problem = problem_of(folder, lambda: reads.get(name, read)(folder))
    assert isinstance(problem, EvidenceError)
    assert name == EVIDENCE_NAME or why in str(problem)


@pytest.mark.parametrize("name", ["x.json", STRENGTH_NAME, HISTORY_NAME])
def test_a_large_file_is_not_read_whoever_reads_it(folder: Path, name: str) -> None:
    reads: dict[str, Callable[[Path], object]] = {
        STRENGTH_NAME: read_strength,
        HISTORY_NAME: read_past,
        "x.json": lambda _: read_replay(folder / "x.json"),
    }
    with (folder / name).open("wb") as file:
        file.truncate(1 << 40)
    assert "larger than" in str(problem_of(folder, lambda: reads[name](folder)))
