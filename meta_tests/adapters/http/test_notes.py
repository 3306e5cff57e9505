"""The notes service, as somebody new to the suite would certify it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from isolation_tests.adapter import INTRUSIONS, Refused
from isolation_tests.adapters.http import open_memory
from isolation_tests.adapters.resources import local_server
from isolation_tests.engine.examination import examine
from isolation_tests.model import CheckResult, Verdict
from isolation_tests.targets.openapi.target import write_from_document
from isolation_tests.targets.settings import Settings

HERE = Path(__file__).parents[1]
NOTES = HERE / "notes.toml"
DOCUMENT = HERE / "http" / "notes_openapi.yaml"
SERVICE = HERE.parents[1] / "fixtures" / "staging" / "notes_service.py"


@contextmanager
def notes_service(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Iterator[str]:
    pytest.importorskip("uvicorn", reason="uvicorn is not installed")
    pytest.importorskip("starlette", reason="starlette is not installed")
    monkeypatch.setenv("NOTES_KEY", "of-the-test")
    with local_server(SERVICE, ("--port", "0", *arguments)) as url:
        yield url


def certified(url: str, until: str | None = None) -> list[CheckResult]:
    settings = Settings(target=str(NOTES), profile="quick", seed="1", options=(f"base_url={url}",))
    return examine(settings, until=until)


def test_the_description_is_short() -> None:
    lines = [line for line in NOTES.read_text(encoding="utf-8").splitlines() if line.strip()]

    assert len([line for line in lines if not line.startswith("#")]) < 40


@pytest.mark.system
def test_a_service_that_keeps_users_apart_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    with notes_service(monkeypatch) as url:
        results = certified(url)

    assert {result.verdict for result in results} == {Verdict.HELD, Verdict.NOT_SUPPORTED}
    held = {anomaly for result in results if result.verdict is Verdict.HELD for anomaly in result.anomalies}
    assert held >= {"S1", "S3", "S5", "A1", "O1", "O2", "O3", "O7", "D1", "D3", "X1", "X2"}
    assert sum(result.verdict is Verdict.HELD for result in results) > 100


@pytest.mark.parametrize(
    ("planted", "anomaly"),
    [
        ("prefix-match", "A1"),
        ("body-override", "S5"),
        ("unsigned-session", "S3"),
        ("delete-everything", "D1"),
    ],
)
def test_a_broken_service_is_violated(planted: str, anomaly: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with notes_service(monkeypatch, "--fault", planted) as url:
        results = certified(url, until=anomaly)

    found = {case.finding.anomaly for result in results for case in result.cases}
    assert anomaly in found
    assert Verdict.worst(result.verdict for result in results) is Verdict.VIOLATED


def test_its_document_leads_to_the_file_that_a_person_wrote(tmp_path: Path) -> None:
    pytest.importorskip("yaml", reason="PyYAML is not installed")
    answers = {"base_url": "http://127.0.0.1:8000"}
    written = write_from_document(DOCUMENT, "notes", tmp_path, answers)
    proposed = tomllib.loads(written.path.read_text(encoding="utf-8"))["options"]
    by_hand = tomllib.loads(NOTES.read_text(encoding="utf-8"))["options"]

    assert Path(tmp_path / proposed.pop("openapi")).resolve() == DOCUMENT
    # What `total` is by default, and fields that the document does not have.
    assert by_hand["count"].pop("total") == "total"
    del by_hand["intrude"]
    assert proposed == by_hand
    assert "Nothing is left open." in written.told
    assert written.told[-1] == "Every route of the document is asked."


def test_a_run_reads_the_document_of_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    options = tomllib.loads(NOTES.read_text(encoding="utf-8"))["options"] | {"openapi": DOCUMENT.name}
    del options["count"]
    with (
        notes_service(monkeypatch) as url,
        open_memory(**options | {"base_url": url}, near=str(DOCUMENT.parent)) as memory,
    ):
        assert list(memory.unasked) == ["GET /notes/count"]


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with notes_service(monkeypatch) as url:
        options = tomllib.loads(NOTES.read_text(encoding="utf-8"))["options"]
        with open_memory(**{**options, "base_url": url}) as memory:
            yield memory


def test_the_notes_service_answers_every_call(notes: Any) -> None:
    for number in range(120):
        notes.add("alice", f"fact {number}", metadata={"n": number})
    notes.add("bob", "Bob sails")

    assert {row.text for row in notes.get_all("alice")} == {f"fact {number}" for number in range(120)}
    assert [row.text for row in notes.search("alice", "fact 7", limit=1)] == ["fact 7"]
    first = notes.page("alice", None)
    assert len(first.items) == 50
    assert notes.page("alice", first.cursor).items[0].text == "fact 50"
    assert notes.count("alice") == 120

    one = first.items[0]
    notes.update("alice", one.id, "changed")
    assert notes.get("alice", one.id).text == "changed"
    notes.delete("alice", one.id)
    for call in (notes.get, notes.delete, lambda user, id: notes.update(user, id, "x")):
        with pytest.raises(Refused, match="404"):
            call("alice", one.id)
    with pytest.raises(Refused, match="404"):
        notes.get("bob", first.items[1].id)

    notes.delete_all("alice")
    assert notes.get_all("alice") == []
    assert [row.text for row in notes.get_all("bob")] == ["Bob sails"]


def test_no_intruder_gets_into_the_notes_service(notes: Any) -> None:
    notes.add("alice", "Alice keeps bees")
    for how in INTRUSIONS:
        if how.startswith("victim-in-"):
            assert notes.intrude("bob", "alice", how) == []
        else:
            with pytest.raises(Refused, match="401"):
                notes.intrude("bob", "alice", how)


def test_an_intruder_gets_into_a_broken_notes_service(monkeypatch: pytest.MonkeyPatch) -> None:
    options = tomllib.loads(NOTES.read_text(encoding="utf-8"))["options"]
    for planted, how in (
        ("unsigned-session", "altered-credential"),
        ("endless-session", "expired-credential"),
    ):
        with (
            notes_service(monkeypatch, "--fault", planted) as url,
            open_memory(**{**options, "base_url": url}) as memory,
        ):
            memory.add("alice", "Alice keeps bees")
            found = memory.intrude("bob", "alice", how)
        assert {row.text for row in found} == {"Alice keeps bees"}
        assert {row.id for row in found} == {None}
