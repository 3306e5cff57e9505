"""The part of a run in an xdist worker."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest

from isolation_tests.core.errors import Problem
from isolation_tests.engine.check import call_witnesses
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.identity import RunKey
from isolation_tests.engine.profiles import profile
from isolation_tests.engine.run import not_closed
from isolation_tests.engine.safety.limits import joined
from isolation_tests.engine.search.proven import proven_by
from isolation_tests.execution.journal import Journal
from isolation_tests.model import Budget, CheckResult
from isolation_tests.plugin.items import PropertyItems, stop_in_order, went_through
from isolation_tests.targets.resolve import resolve

_PARENT_SECONDS = 0.5
"""How often a worker looks whether the run's first process still lives."""


def _stop_without(parent: int) -> None:
    """Stop this worker in order once its parent has died, because nobody reads its results any more."""
    while os.getppid() == parent:
        time.sleep(_PARENT_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


class Worker(PropertyItems):
    """An xdist worker: it opens the target itself, with the run's id, secret and seed."""

    def __init__(self, config: pytest.Config, name: str, payload: dict[str, Any]) -> None:
        super().__init__(config, name)
        stop_in_order()
        threading.Thread(target=_stop_without, args=(os.getppid(),), daemon=True).start()
        self._payload = payload
        self._examiner: Examiner | None = None
        self._failed: Problem | None = None
        self._heard: Callable[[], CheckResult | None] = lambda: None

    def profile_is_whole(self) -> bool:
        """Whether the profile runs every cell."""
        return bool(self._payload["whole"])

    def offered(self) -> Collection[str]:
        """What the target claims to offer, as the run's first process found it."""
        return frozenset(self._payload["claimed"])

    def examiner(self) -> Examiner:
        """This worker's open target; it is opened for the first check, and only tried once."""
        if self._failed is not None:
            raise self._failed
        if self._examiner is None:
            try:
                self._examiner = _worker_examiner(self._payload, self.config)
                self._heard = call_witnesses(self._examiner)
            except Problem as error:
                self._failed = error
                raise
        return self._examiner

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Close the target, and report what witnesses saw and what could not be deleted or closed."""
        if self._examiner is None:
            return
        seen = self._heard() if went_through(exitstatus) else None
        output: dict[str, list[str]] = {
            "leftovers": self._examiner.leftovers,
            "notes": [],
            "results": [] if seen is None else [seen.model_dump_json()],
        }
        try:
            self._examiner.close()
        except Exception as error:  # noqa: BLE001 - an adapter's error is reported and never crashes the run
            output["notes"] = [not_closed(error)]
        session.config.workeroutput[self.name] = output  # type: ignore[attr-defined]  # xdist's


def _worker_examiner(payload: dict[str, Any], config: pytest.Config) -> Examiner:
    target = resolve(
        payload["target"],
        options=payload["options"],
        known=payload["known"],
        disposable=payload["disposable"],
    )
    budget, shared = Budget(**payload["budget"]), Path(payload["ledger"])
    target = joined(target, shared, budget, began=payload["began"], workers=payload["workers"])
    key = RunKey(payload["run_id"], bytes.fromhex(payload["secret"]), payload["seed"], payload["began"])
    name: str = config.workerinput["workerid"]  # type: ignore[attr-defined]  # xdist's
    number = int("".join(filter(str.isdigit, name)) or 0) + 1
    proven = proven_by([CheckResult.model_validate_json(result) for result in payload["smoke"]])
    journal = Journal.join(key.run_id, number, durable=not target.disposable)
    return Examiner(
        target,
        profile(payload["profile"]),
        key,
        worker=number,
        probed=payload["probed"],
        proven=proven,
        journal=journal,
        report=None if payload["report"] is None else Path(payload["report"]),
    )
