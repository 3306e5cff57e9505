"""Evidence and replay files: written, read, cut or wrong, and without any secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from isolation_tests.core.masking import masked_options, masked_text
from isolation_tests.model import (
    Verdict,
)
from isolation_tests.reporting.evidence import errors, evidence, reader, replay_file
from isolation_tests.reporting.evidence.writer import EvidenceWriter
from isolation_tests.reporting.html.page import render_html
from isolation_tests.reporting.narrative.wording import (
    header_lines,
)
from meta_tests.builders import make_case, make_header, make_result, write


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


def test_a_replay_file_has_no_secret_option(tmp_path: Path) -> None:
    options = {"api_key": "hunter2", "url": "https://u:hunter2@h/x", "path": "/srv"}
    path = replay_file.write_replay(
        tmp_path, make_case(), target="t", suite_version="1", versions={}, options=options
    )
    assert "hunter2" not in path.read_text(encoding="utf-8")
    assert replay_file.read_replay(path).options["path"] == "/srv"


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
