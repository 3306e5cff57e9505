"""A service without lists is asked what is possible, and what writes return is searched."""

from __future__ import annotations

from pathlib import Path

import pytest

from isolation_tests.engine.examination import examine
from isolation_tests.model import CheckResult, Verdict
from isolation_tests.reporting.evidence.summary import summarise
from isolation_tests.targets.settings import Settings
from meta_tests.builders import make_header

SERVICE = """
from isolation_tests.adapter import Memory, Refused

class Service:
    def __init__(self): self.rows, self.made = {}, 0
    def add(self, user, text):
        if not isinstance(user, str) or not user.strip(): raise Refused("no user")
        self.made += 1
        memory = Memory(f"m{self.made}", text)
        self.rows[memory.id] = (user, memory)
        return [memory]
    def search(self, user, query, *, limit):
        words = set(query.split())
        mine = [m for u, m in self.rows.values() if MINE]
        return sorted(mine, key=lambda m: -len(words & set(m.text.split())))[:limit]
    def delete(self, user, id):
        if self.rows.get(id, (None,))[0] != user: raise Refused("no such memory")
        del self.rows[id]
        return True
    def update(self, user, id, text):
        if self.rows.get(id, (None,))[0] != user: raise Refused("no such memory")
        self.rows[id] = (user, Memory(id, text))
        return UPDATED
"""
DECLARED = """
    def get_all(self, user): raise NotImplementedError
    def delete_all(self, user): raise NotImplementedError
"""
LISTED = """
    def get_all(self, user): return [m for u, m in self.rows.values() if u == user]
    def delete_all(self, user):
        if not isinstance(user, str) or not user.strip(): raise Refused("no user")
        for m in self.get_all(user): del self.rows[m.id]
"""
OWN = "self.rows[id][1]"


def asked(folder: Path, *, mine: str = "u == user", updated: str = OWN, more: str = "") -> list[CheckResult]:
    """The results of the checks of searches and updates on such a service."""
    path = folder / "service.py"
    path.write_text(SERVICE.replace("MINE", mine).replace("UPDATED", updated) + more, encoding="utf-8")
    wanted = ("S1", "S2", "A1", "O2", "D1")
    return examine(
        Settings(target=f"{path}:Service", profile="quick", seed="2", disposable=True),
        until="O2",
        enough=lambda result: result.anomalies[0] not in wanted,
    )


@pytest.mark.parametrize("more", ["", DECLARED], ids=["absent", "declared"])
def test_a_service_without_lists_is_asked_what_is_possible_and_reaches_no_level(
    tmp_path: Path, more: str
) -> None:
    results = asked(tmp_path, more=more)

    verdicts = {result.check: result.verdict for result in results}
    assert set(verdicts.values()) <= {Verdict.HELD, Verdict.NOT_SUPPORTED}, [r.reason for r in results]
    assert verdicts["smoke[alice-and-bob]"] is Verdict.NOT_SUPPORTED
    summary = summarise(make_header(*results).model_copy(update={"whole": True}), results)
    assert summary.level is None
    assert summary.verdict is not Verdict.HELD


def test_a_leak_of_a_service_without_lists_is_found(tmp_path: Path) -> None:
    results = asked(tmp_path, mine="True")

    assert "S1" in {case.finding.anomaly for result in results for case in result.cases}


@pytest.mark.parametrize("updated", [OWN, f"[{OWN}]", "True", "None"])
def test_an_update_may_return_what_is_natural(tmp_path: Path, updated: str) -> None:
    results = asked(tmp_path, updated=updated, more=LISTED)

    [written] = [result for result in results if result.check == "ids-need-their-owner[O2-update]"]
    assert written.verdict is Verdict.HELD, written.reason


def test_what_an_update_returns_is_searched_for_others_facts(tmp_path: Path) -> None:
    results = asked(tmp_path, updated="[m for _, m in self.rows.values()]", more=LISTED)

    leaks = [case.finding for result in results for case in result.cases]
    assert {(leak.anomaly, leak.operation.value) for leak in leaks} == {("S1", "update")}
