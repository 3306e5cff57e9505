"""What a run on a store with data to keep does not do: it never reaches what somebody outside it stored."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from isolation_tests.engine.campaign import Campaign
from isolation_tests.engine.check import result_of, smoke
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.laws import all_laws
from isolation_tests.engine.profiles import PROFILES
from isolation_tests.engine.run import new_key
from isolation_tests.execution.guard import HALTED
from isolation_tests.model import (
    NEEDS_DISPOSABLE,
    CheckResult,
    Operation,
    Plan,
    Step,
    UserSpec,
    Verdict,
)
from isolation_tests.reporting.evidence.reader import read
from isolation_tests.targets.resolve import resolve
from isolation_tests.targets.settings import Settings
from isolation_tests.testdata.relations import may_be_real

ADAPTER = '''
import json
from isolation_tests.adapters.reference import ReferenceStore

CALLS = ("add", "search", "get_all", "delete_all", "get", "update", "delete", "count", "export", "page")
STRANGERS = [*map(str, range(20)), "admin", "root", "default", "all", "customer-1", "John Smith", 1, True]


class Store(ReferenceStore):
    """A store with strangers in it that writes down every call."""

    def __init__(self):
        super().__init__()
        for user in STRANGERS:
            super().add(str(user), f"a secret of {user}")

    def log(self, method, user):
        with open("calls.jsonl", "a") as file:
            file.write(json.dumps([method, user]) + "\\n")

    def maintain(self, user):
        self.log("maintain", user)

    def __getattribute__(self, name):
        found = super().__getattribute__(name)
        if name not in CALLS:
            return found

        import functools

        @functools.wraps(found)
        def call(user, *arguments, **keywords):
            self.log(name, user)
            return found(user, *arguments, **keywords)

        return call


class Wiping(Store):
    def delete_all(self, user):
        self._shelves.clear()
'''


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "adapter.py").write_text(ADAPTER, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("isolation_target_adapter", None)


def calls(folder: Path) -> list[tuple[str, Any]]:
    lines = (folder / "calls.jsonl").read_text(encoding="utf-8").splitlines()
    return [(method, user) for method, user in map(json.loads, lines)]


def checked(target: str, laws: tuple[str, ...], **options: Any) -> tuple[str, list[CheckResult]]:
    """The results of whole laws on a target, and the run's id."""
    key = new_key(5)
    examiner = Examiner(resolve(target, known="none", **options), PROFILES["quick"].unrefined(), key)
    try:
        results = [smoke(examiner)]
        results += [
            result_of(examiner, all_laws()[name], cell) for name in laws for cell in all_laws()[name].cells
        ]
        return key.run_id, results
    finally:
        examiner.close()


REAL: tuple[Any, ...] = ("admin", "1", 1, 1.0, True, "John Smith", ["a"], "\u00e9")
NOBODYS: tuple[Any, ...] = (None, "", " ", "*", "..", "' OR '1'='1", {"$ne": None}, [], {})
HOSTILE = ("missing-user-reads-nothing", "maintenance-stays-own", "types-stay-apart", "delete-all-stays-own")


def test_no_call_bears_a_name_that_somebody_may_have(folder: Path) -> None:
    run_id, results = checked("adapter.py:Store", HOSTILE)
    made = calls(folder)
    assert Counter(method for method, _ in made)["get_all"] > 50
    foreign = [(method, user) for method, user in made if f"iso-{run_id}-" not in str(user)]
    # What is left are values that are nobody's name, and numbers that the run made.
    assert not [user for _, user in foreign if may_be_real(user) and len(str(user)) < 15]
    assert "maintain" not in dict(made)
    left_out = [result for result in results if result.reason == NEEDS_DISPOSABLE]
    assert {result.verdict for result in left_out} == {Verdict.NOT_SUPPORTED}
    assert any("maintain" in result.check or "D2" in result.check for result in left_out)
    assert any("word-admin" in result.check for result in left_out)


def test_a_disposable_store_gets_them_all(folder: Path) -> None:
    _, results = checked("adapter.py:Store", HOSTILE, disposable=True)
    assert not [result for result in results if result.reason == NEEDS_DISPOSABLE]
    users = [user for _, user in calls(folder)]
    assert all(user in users for user in ("admin", "root", 1, "1", None))
    assert "maintain" in dict(calls(folder))


def test_the_first_delete_that_takes_too_much_is_the_last(folder: Path) -> None:
    campaign = Campaign(Settings(target="adapter.py:Wiping", profile="quick", report="out"))
    campaign.take(campaign.smoke())
    assert campaign.finish([HALTED]) == 1
    made = Counter(method for method, _ in calls(folder))
    assert (made["delete_all"], made["add"]) == (1, 3)
    evidence = read(folder / "out")
    [case] = [case for result in evidence.results for case in result.cases]
    assert case.finding.anomaly == "D1"
    [note] = [note for note in evidence.footer.notes if "another delete would do more harm" in note]
    assert note.startswith("3 test users left")


@pytest.mark.parametrize("method", ["add", "delete_all", "update", "delete", "maintain"])
def test_after_it_the_gate_is_shut(folder: Path, method: str) -> None:
    examiner = Examiner(resolve("adapter.py:Wiping"), PROFILES["quick"], new_key(5))
    before = len(calls(folder))
    plan = Plan(
        name="p",
        anomaly="D1",
        users=(UserSpec(),),
        facts=({"text": "x {canary}", "owners": (0,)},),
        steps=(Step(op=Operation("add"), user=0, fact=0), Step(op=Operation(method), user=0, fact=0)),
    )
    with pytest.raises(Exception, match="was stopped"):
        examiner.perform(plan)
    assert len(calls(folder)) == before
    assert examiner.loss is not None
    examiner.close()


def test_a_disposable_store_is_asked_all_the_same(folder: Path) -> None:
    _, results = checked("adapter.py:Wiping", ("delete-all-spares-others",), disposable=True)
    assert results[-1].verdict is Verdict.VIOLATED
    assert Counter(method for method, _ in calls(folder))["delete_all"] > 3


@pytest.mark.parametrize(
    ("name", "real"),
    [*((name, True) for name in REAL), *((name, False) for name in NOBODYS)],
)
def test_a_name_may_be_real_if_somebody_could_have_it(name: Any, real: bool) -> None:  # noqa: FBT001
    assert may_be_real(name) is real
