"""What a whole run writes down, when, and what it never writes."""

from __future__ import annotations

import base64
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from isolation_tests.adapter import Memory
from isolation_tests.adapters.reference import ReferenceStore
from isolation_tests.engine.campaign import Campaign
from isolation_tests.engine.check import result_of
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.identity import RunKey, begin_journal
from isolation_tests.engine.laws import all_laws
from isolation_tests.engine.profiles import PROFILES
from isolation_tests.engine.violations import AdapterError
from isolation_tests.model import FactSpec, Finding, Operation, Plan, Step, UserSpec, Verdict
from isolation_tests.plugin.controller import Controller
from isolation_tests.plugin.worker import _worker_examiner
from isolation_tests.reporting.evidence.sightings import read_sightings
from isolation_tests.targets.config import TargetConfig
from isolation_tests.targets.resolve import Target, resolve
from isolation_tests.targets.settings import Settings

LEAKY = "fault:S1-get-all-ignores-user"
STORE = "isolation_tests.adapters.reference:open_memory"
SECRET = bytes(range(100, 132))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    key = RunKey(run_id="c0ffee", secret=SECRET, seed=7, began=0.0)
    monkeypatch.setattr("isolation_tests.engine.campaign.new_key", lambda _: key)
    return tmp_path


def leaking() -> Campaign:
    return Campaign(Settings(target=LEAKY, profile="quick", report="out"), exports=("all.sarif", "all.md"))


def test_the_journal_has_no_secret_option(folder: Path) -> None:
    text = f'name = "t"\nadapter = "{STORE}"\n[options]\nleak = "https://u:hunter2@h/x"\n'
    (folder / "t.toml").write_text(text, encoding="utf-8")
    journal = begin_journal(resolve("t.toml"), RunKey("c0ffee", SECRET, 7, 0.0))
    kept = (journal.folder / "run.json").read_text(encoding="utf-8")
    journal.close()
    assert "hunter2" not in kept
    assert "https://***@h/x" in kept


@pytest.mark.parametrize("disposable", [True, False])
def test_each_process_makes_sure_of_its_leases_unless_the_store_may_be_lost(
    monkeypatch: pytest.MonkeyPatch,
    disposable: bool,  # noqa: FBT001 - a row
) -> None:
    campaign = Campaign(Settings(target=STORE, profile="quick", report="none", disposable=disposable))
    node = SimpleNamespace(workerinput=dict[str, Any]())
    controller = Controller(cast("Any", None), "in-test", campaign, cast("Any", None))
    controller.pytest_configure_node(node)
    config: Any = SimpleNamespace(workerinput={"workerid": "gw0"})
    worker = _worker_examiner(node.workerinput["in-test"], config)
    synced: list[str] = []
    monkeypatch.setattr(
        "isolation_tests.execution.journal.os.fsync",
        lambda number: synced.append(Path(f"/proc/self/fd/{number}").resolve().name),
    )
    for examiner in (campaign.examiner, worker):
        examiner.perform(campaign_plan())
    assert {*synced} == (set() if disposable else {"000.jsonl", "001.jsonl"})
    worker.close()
    worker._journal.close()
    campaign.finish()


def campaign_plan() -> Plan:
    facts = (FactSpec(text="My card is {canary}.", owners=(0,)),)
    steps = (Step(op=Operation.ADD, user=0, fact=0),)
    return Plan(name="in-test", anomaly="S1", users=(UserSpec(),), facts=facts, steps=steps)


class Hanging(ReferenceStore):
    def get_all(self, user: Any, *, filters: Any = None) -> list[Memory]:
        time.sleep(0.3)
        return []


def test_after_three_calls_that_timed_out_nothing_more_is_asked() -> None:
    config = TargetConfig(name="t", adapter="m:f", disposable=True, call_limit_seconds=0.02)
    target = Target(config, partial(Hanging), "a test")
    examiner = Examiner(target, PROFILES["quick"], RunKey("c0ffee", SECRET, 7, 0.0), probed={})
    looking = campaign_plan()
    looking = looking.model_copy(update={"steps": (*looking.steps, Step(op=Operation.GET_ALL, user=0))})
    for _ in range(3):
        assert examiner.perform(looking).events[-1].error_kind == "TimeLimit"
    with pytest.raises(AdapterError, match="skipped: 3 earlier calls timed out"):
        examiner.perform(looking)
    examiner.close()


def ask(campaign: Campaign) -> Any:
    law = all_laws()["scope-is-applied"]
    return result_of(campaign.examiner, law, law.cells[0])


def test_the_secret_behind_the_canaries_is_in_no_file_and_on_no_screen(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    campaign = leaking()
    campaign.take(campaign.smoke())
    campaign.take(ask(campaign))
    written = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert campaign.finish() == 1
    written += [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    written += [part.encode() for part in capfd.readouterr()]
    assert len(written) > 10
    forms = (SECRET, SECRET.hex().encode(), base64.b64encode(SECRET)[:-4], repr(SECRET)[2:-1].encode())
    assert not [content[:80] for content in written for form in forms if form in content]


def test_a_finding_is_on_disk_before_it_is_replayed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = leaking()
    there: list[bool] = []

    def replay(finding: Finding, _: Plan) -> tuple[int, int]:
        seen = read_sightings(folder / "out")
        there.append(any(case.finding.key == finding.key for result in seen for case in result.cases))
        return 0, 0

    monkeypatch.setattr(campaign.examiner, "replay", replay)
    assert campaign.smoke().verdict is Verdict.VIOLATED
    assert there
    assert all(there)
    campaign.finish()
