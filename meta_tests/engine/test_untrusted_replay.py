"""A replay file from anybody, performed: it ends in words, and no stranger's row is touched."""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from isolation_tests.core.errors import ExitStatus, Problem
from isolation_tests.engine import run
from isolation_tests.engine.replay import replayed
from isolation_tests.reporting.evidence.replay_file import write_replay
from isolation_tests.targets.settings import Settings
from meta_tests.builders import make_case
from meta_tests.mutations import changed, contained, fuzz, written

ADAPTER = """
from isolation_tests.adapters.reference import ReferenceStore
STORES = []


class Store(ReferenceStore):
    def __init__(self):
        super().__init__()
        for user in ("customer-1", "admin", "1", "root", "iso-", "*"):
            self.add(user, f"a secret of {user}")
        STORES.append(self)
"""
STRANGERS = ("customer-1", "admin", "1", "root", "iso-", "*")
RECORD: dict[str, Any] = make_case().model_dump(mode="json")
PLAN = RECORD["history"]["plan"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that holds the journal and all temporary files, and an adapter beside it."""
    (tmp_path / "shop.py").write_text(ADAPTER, encoding="utf-8")
    inner = tmp_path / "inner"
    inner.mkdir()
    monkeypatch.setenv("XDG_STATE_HOME", str(inner))
    monkeypatch.setattr(tempfile, "tempdir", str(inner))
    # It is no part of what a file can steer, and takes longer than most plans.
    monkeypatch.setattr(run, "Watchdog", lambda *_: SimpleNamespace(end=lambda **_: None))
    monkeypatch.chdir(inner)
    yield inner
    sys.modules.pop("isolation_target_shop", None)


def plan(**changes: Any) -> dict[str, Any]:
    return {**PLAN, **changes}


@fuzz(30)
@given(plan=changed(PLAN))
@example(plan=plan(users=[{"template": "customer-1"}, {"template": "{base}"}]))
@example(plan=plan(users=[{"template": "not JSON", "type": "json"}, {"template": "{base}"}]))
@example(plan=plan(users=[{"template": '"admin"', "type": "json"}, {"template": "{base}"}]))
@example(plan=plan(users=[{"template": "{base.__class__}"}, {"template": "{base:>999999999}"}]))
@example(plan=plan(steps=[{"op": "delete_all", "user": 0, "pause": 1e9}]))
@example(plan=plan(steps=[{"op": "add", "user": 0, "fact": 0, "metadata": {"a": "@" + "9" * 5000}}]))
@example(plan=plan(steps=[{"op": "intrude", "user": 0, "victim": 1, "how": "../../x"}]))
@example(plan=plan(facts=[{"text": "nobody's", "owners": []}, {"text": "x", "owners": [1]}]))
def test_a_plan_of_anybody(folder: Path, plan: Any) -> None:
    path = write_replay(folder, make_case(), target="reference", suite_version="1", versions={})
    record = json.loads(path.read_bytes())
    if isinstance(plan, dict) and isinstance(plan.get("steps"), list) and plan["steps"]:
        record["finding"]["step"] = min(record["finding"]["step"], len(plan["steps"]) - 1)
    path.write_text(written({**record, "plan": plan}), encoding="utf-8")
    shop = folder.parent / "shop.py"
    outcome = int(ExitStatus.USAGE)
    with contained(folder, folder.parent), contextlib.suppress(Problem):
        outcome = replayed(path, Settings(target=f"{shop}:Store"), times=1).status
    assert outcome in (ExitStatus.HELD, ExitStatus.VIOLATED, ExitStatus.INCONCLUSIVE, ExitStatus.USAGE)
    module = sys.modules.get("isolation_target_shop")
    for store in getattr(module, "STORES", ()):
        assert all([row.text for row in store.get_all(user)] == [f"a secret of {user}"] for user in STRANGERS)


@fuzz(6)
@given(data=st.data())
def test_the_sample_reaches_the_target(folder: Path, data: st.DataObject) -> None:
    path = write_replay(folder, make_case(), target="reference", suite_version="1", versions={})
    query = data.draw(st.text(max_size=30))
    record = json.loads(path.read_bytes())
    record["plan"]["steps"][-1]["query"] = query
    path.write_text(json.dumps(record), encoding="utf-8")
    with contained(folder):
        assert replayed(path, Settings(), times=1).status == ExitStatus.HELD
