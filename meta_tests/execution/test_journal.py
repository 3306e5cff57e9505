"""The journal: what was leased and not deleted is known after any end of a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isolation_tests.adapter import Memory, Refused
from isolation_tests.core.errors import UsageProblem
from isolation_tests.execution.binding import Lease
from isolation_tests.execution.journal import Journal, JournalProblem, Leased, RunInfo, RunRecord, records
from isolation_tests.execution.reaper import Reaper
from isolation_tests.execution.runner import Runner
from isolation_tests.execution.session import Session, open_session
from isolation_tests.model import Operation, Plan, Step, UserSpec
from isolation_tests.testdata.canaries import Mint

RUN = "ab12cd"
INFO = RunInfo(run_id=RUN, target="t", name="t")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def journal(state: Path) -> Iterator[Journal]:
    begun = Journal.begin(INFO, durable=True)
    yield begun
    begun.close()


def record() -> RunRecord:
    [found] = records()
    return found


def left() -> list[Any]:
    return [each.name for each in record().left()]


# --- what is written ---------------------------------------------------------------------------------------


def test_what_is_not_done_is_left_and_a_run_without_leftovers_leaves_nothing(
    journal: Journal, state: Path
) -> None:
    journal.lease(["iso-ab12cd-00000001", 1, 1.0, True, "a\ud800b"])
    journal.done([1, "a\ud800b"])
    assert left() == ["iso-ab12cd-00000001", 1.0, True]
    journal.end()
    assert left() == ["iso-ab12cd-00000001", 1.0, True]
    for name in left():
        record().mark(name)
    journal.end()
    assert not list((state / "isolation-tests" / "journal").iterdir())


@given(st.data())
def test_a_line_that_was_cut_hides_no_other(data: st.DataObject) -> None:
    path = next(iter(records())).folder / "000.jsonl" if records() else None
    if path is None:
        begun = Journal.begin(INFO, durable=False)
        begun.lease(["a", "b"])
        begun.done(["a"])
        begun.close()
        path = record().folder / "000.jsonl"
    whole = b'{"lease": ["a", "b"]}\n{"done": ["a"]}\n'
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    lines = whole[:cut].count(b"\n") + (cut in (whole.index(b"\n"), len(whole) - 1))
    assert left() == [[], ["a", "b"], ["b"]][lines]


def test_a_name_is_on_disk_before_the_first_call_with_it(journal: Journal) -> None:
    seen = []

    class Watching:
        def add(self, user: Any, text: str) -> list[Memory]:
            seen.append(user in left())
            return [Memory(id=f"{len(seen)}", text=text)]

        def search(self, user: Any, query: str, *, limit: int) -> list[Memory]:
            return []

        def get_all(self, user: Any) -> list[Memory]:
            return []

        def delete_all(self, user: Any) -> None:
            seen.append(user in left())

    plan = Plan(
        name="p",
        anomaly="S1",
        users=(UserSpec(), UserSpec(template="{base}-b"), UserSpec(template="{n}", type="int")),
        facts=({"text": "x {canary}", "owners": (0,)},),
        steps=tuple(Step(op=Operation.ADD, user=user, fact=0) for user in range(3)),
    )
    session = open_session(Watching, {}, call_limit=5, name="t")
    runner = Runner(
        session,
        Lease(RUN, 0, Mint(bytes(32)), journal),
        consistency=0,
        disposable=False,
        began=0,
        open_more=lambda: session,
    )
    runner.run(plan)
    session.close()
    assert len(seen) == 6
    assert all(seen)
    assert left() == []


def kept(durable: bool, monkeypatch: pytest.MonkeyPatch) -> list[str]:  # noqa: FBT001
    """What a run's journal has made sure of, file or folder, in this order, after its first lease."""
    synced: list[str] = []
    real = os.fsync

    def fsync(number: int) -> None:
        place = Path(f"/proc/self/fd/{number}").resolve()
        synced.append(f"{place.name}: {place.read_text(encoding='utf-8')}" if place.is_file() else place.name)
        real(number)

    monkeypatch.setattr("isolation_tests.execution.journal.os.fsync", fsync)
    begun = Journal.begin(INFO, durable=durable)
    synced.append("begun")
    begun.lease([OURS])
    begun.close()
    return synced


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="/proc is not here")
def test_a_lease_survives_a_loss_of_power_with_the_folders_that_lead_to_it(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    *before, begun, leased = kept(durable=True, monkeypatch=monkeypatch)
    assert begun == "begun"
    assert leased == f'000.jsonl: {{"lease": ["{OURS}"]}}\n'
    record = next(number for number, each in enumerate(before) if each.startswith("run.json: {"))
    assert before[record + 1 :] == [RUN, "journal", "isolation-tests", state.name]


def test_a_store_that_may_be_lost_needs_no_lease_that_survives_a_loss_of_power(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert kept(durable=False, monkeypatch=monkeypatch)[-1] == "begun"


def test_without_a_journal_nothing_is_written_to_the_target(journal: Journal, monkeypatch: Any) -> None:
    def full(_: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal, "_file", SimpleNamespace(write=full, close=lambda: None))
    with pytest.raises(JournalProblem, match=r"\(No space left on device\); without it nothing is written"):
        Lease(RUN, 0, Mint(bytes(32)), journal).record(["iso-ab12cd-00000001"])


def test_a_folder_that_cannot_be_written_is_one_clear_error(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (state / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(state / "file"))
    with pytest.raises(JournalProblem, match="set XDG_STATE_HOME to another folder"):
        Journal.begin(INFO, durable=True)


# --- whose it is -------------------------------------------------------------------------------------------


def test_that_a_delete_did_harm_is_known_to_whoever_cleans_up_later(journal: Journal) -> None:
    lease = Lease(RUN, 0, Mint(bytes(32)), journal)
    assert not record().halted
    lease.halt()
    assert record().halted


def test_the_same_run_id_twice_is_refused(journal: Journal) -> None:
    with pytest.raises(UsageProblem, match="already a run ab12cd"):
        Journal.begin(INFO, durable=True)


def test_a_run_lives_as_long_as_one_of_its_processes(journal: Journal) -> None:
    worker = Journal.join(RUN, 3, durable=True)
    assert record().alive()
    assert record().alive(first=False)
    worker.close()
    assert not record().alive(first=False)
    assert record().alive()
    journal.close()
    assert not record().alive()


def test_a_killed_process_lives_no_more(state: Path) -> None:
    code = (
        "import os, signal\n"
        "from isolation_tests.execution.journal import Journal, RunInfo\n"
        f"journal = Journal.begin(RunInfo(run_id={RUN!r}, target='t', name='t'), durable=True)\n"
        "journal.lease(['iso-ab12cd-00000001'])\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
    assert not record().alive()
    assert left() == ["iso-ab12cd-00000001"]


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"run_id": "ab"}', b'{"run_id": "../..", "x": 1}'])
def test_a_folder_without_a_valid_record_is_no_run(journal: Journal, text: bytes) -> None:
    (journal.folder / "run.json").write_bytes(text)
    assert records() == []


# --- deleting ----------------------------------------------------------------------------------------------


class Store:
    """A store whose calls fail a number of times, or refuse."""

    def __init__(self, failures: int = 0, refused: tuple[Any, ...] = ()) -> None:
        self.rows: dict[Any, list[str]] = {}
        self.failures, self.refused = failures, refused
        self.deleted: list[Any] = []
        self.keeps = False

    def add(self, user: Any, text: str) -> list[Memory]:
        raise NotImplementedError

    def search(self, user: Any, query: str, *, limit: int) -> list[Memory]:
        return []

    def get_all(self, user: Any) -> list[Memory]:
        if user in self.refused or "everybody" in self.refused:
            raise Refused("no")
        return [Memory(id=text, text=text) for text in self.rows.get(user, ())]

    def delete_all(self, user: Any) -> None:
        self.get_all(user)
        self.failures -= 1
        if self.failures >= 0:
            raise ConnectionError("reset")
        self.deleted.append(user)
        if not self.keeps:
            self.rows.pop(user, None)


def reaper(store: Any, *, disposable: bool = False) -> Reaper:
    def opened() -> Session:
        return open_session(lambda: store, {}, call_limit=5, name="t")

    return Reaper(RUN, opened, consistency=0, disposable=disposable)


OURS = "iso-ab12cd-03000001"


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isolation_tests.execution.reaper.FIRST_PAUSE_SECONDS", 0.001)


def test_a_delete_that_fails_is_tried_again_and_then_listed() -> None:
    store = Store(failures=2)
    done: list[Any] = []
    store.rows[OURS] = ["x"]
    assert reaper(store).reap([Leased(3, OURS)], done.append) == []
    assert (done, store.rows) == ([OURS], {})
    assert reaper(Store(failures=9)).reap([Leased(3, OURS)], done.append) == [OURS]
    assert done == [OURS]


@pytest.mark.parametrize("name", ["customer-1", "*", "", None, 1, "iso-ffffff-00000001", "iso-ab12c", True])
def test_no_name_of_anybody_else_is_deleted(name: Any) -> None:
    store = Store()
    store.rows[name] = ["x"]
    assert reaper(store).reap([Leased(3, name)], lambda _: None) == [name]
    assert store.deleted == []
    assert reaper(store, disposable=True).reap([Leased(3, name)], lambda _: None) == []


@pytest.mark.parametrize("run_id", ["", "a", "ab12c", "ab12cdd", "AB12CD", "ab12c*", "......"])
def test_nothing_shorter_than_a_run_id_selects_what_is_deleted(run_id: str) -> None:
    def opened() -> Session:
        raise AssertionError("the target must not be opened")

    with pytest.raises(ValueError, match="is not a whole run id"):
        Reaper(run_id, opened, consistency=0, disposable=True)


def test_a_delete_that_only_says_it_worked_is_not_believed() -> None:
    store = Store()
    store.rows[OURS] = ["x"]
    store.failures = -1
    store.keeps = True
    assert reaper(store).reap([Leased(3, OURS)], lambda _: None) == [OURS]


def test_a_refused_name_holds_nothing_unless_everybody_is_refused() -> None:
    assert reaper(Store(refused=(OURS,))).reap([Leased(3, OURS)], lambda _: None) == []
    assert reaper(Store(refused=("everybody",))).reap([Leased(3, OURS)], lambda _: None) == [OURS]


def test_journals_hold_plain_json(journal: Journal) -> None:
    journal.lease(["a\nb", "\u202e"])
    [line] = (journal.folder / "000.jsonl").read_bytes().splitlines()
    assert line.isascii()
    assert json.loads(line) == {"lease": ["a\nb", "\u202e"]}
