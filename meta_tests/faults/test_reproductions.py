"""The printed lines of a finding, executed against the fault that it was found in, show what they say.

Overlapping calls, comparisons with a run of the user alone, targets that are opened again, and facts that an
earlier check left behind are no script of one thread. Such findings are replayed by their plan.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from isolation_tests.adapter import Refused
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.profiles import PROFILES
from isolation_tests.engine.run import new_key
from isolation_tests.execution.binding import look_alike
from isolation_tests.model import Case, Law, Operation
from isolation_tests.reporting.narrative.reproduction import reproduction
from isolation_tests.targets.resolve import resolve
from meta_tests.asking import asked_of, only
from meta_tests.calibration.relation import read
from meta_tests.calibration.test_kill_matrix import base, own_names

CANARY = re.compile(r"CANARY-\d+")
ROWS = read().faults
TRIES = 5
PROFILE = replace(PROFILES["ci"], replays=1, patience=5.0, shrinks=120)


@dataclass
class Called:
    """An adapter that keeps what each call got: its answer, or the error that it raised; and its scope."""

    adapter: Any
    calls: list[tuple[str, tuple[Any, ...], Any]] = field(default_factory=list)
    scopes: list[Any] = field(default_factory=list)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            try:
                answer = getattr(self.adapter, method)(*arguments, **keywords)
            except Refused as error:
                answer = error
            self.calls.append((method, arguments, answer))
            self.scopes.append(keywords.get("scope"))
            return answer

        return call


def found(fault: str) -> list[Case]:
    """The findings under the fault's own name that its check shows, made as small as they get."""
    target = resolve(f"fault:{fault}@{base(fault)}", known="none")
    results = asked_of(Examiner(target, PROFILE, new_key(4)), only(ROWS[fault].asked))
    return [case for result in results for case in result.cases if case.finding.anomaly in own_names(fault)]


def is_a_script(case: Case) -> bool:
    plan = case.history.plan
    return (
        plan.viewer is None
        and not plan.of_witnesses
        and not case.finding.left_behind
        and all(step.lane is None and step.op is not Operation.REOPEN for step in plan.steps)
    )


def executed(fault: str, text: str) -> Called:
    """What the lines got from the fault, freshly planted."""
    session = resolve(f"fault:{fault}@{base(fault)}", known="none").open()
    try:
        memory = Called(session.adapter)
        exec(compile(text, "reproduction", "exec"), {"memory": memory})  # noqa: S102 - that it runs is the point
    finally:
        session.close()
    return memory


def written(memory: Called, user: object) -> set[str]:
    """The marks of all that a user stored with these lines, in the scope of the last one."""
    return {mark for text in _texts(memory, user) for mark in CANARY.findall(text)}


def _texts(memory: Called, user: object) -> list[str]:
    return [
        repr(a)
        for (method, a, _), scope in zip(memory.calls, memory.scopes, strict=True)
        if method in ("add", "update") and repr(a[0]) == repr(user) and scope == memory.scopes[-1]
    ]


def shows(case: Case, memory: Called) -> bool:
    """Whether the last answer is what the finding's law says of it."""
    finding = case.finding
    method, arguments, answer = memory.calls[-1]
    told = f"{answer!r} {answer}"
    seen, own = {*CANARY.findall(told)}, written(memory, arguments[0])
    if finding.law is Law.FOREIGN_ID_IS_UNKNOWN:
        return _told(answer) != _told(_of_an_absent_id(memory, method, arguments))
    if finding.law is Law.OWN_KEYS:
        return _repeats_an_id(memory)
    if finding.law is Law.SILENT_ERRORS:
        return str(case.history.users[finding.owner or 0].name) in told
    shown: dict[Law, bool] = {
        Law.NO_CROSS_READ: bool(seen - own) or _is_doubled(answer),
        Law.OWNER_STAYS: bool(seen - own),
        Law.KEEPS_OWN_FACTS: bool(own - seen) or isinstance(answer, Refused),
        Law.DELETED_IS_GONE: bool(seen & own),
        Law.REFUSES_MISSING_USER: not isinstance(answer, Refused),
        Law.COUNTS_OWN: answer != len(own),
        # Its last line asks for a word that is in no memory of the caller's own.
        Law.OWN_VIEW: bool(seen & own)
        and not any(str(word) in text for word in arguments[1:2] for text in _texts(memory, arguments[0])),
        Law.SURFACES_AGREE: answer != len(own) and not own <= seen,
    }
    return shown[finding.law]


def _of_an_absent_id(memory: Called, method: str, arguments: tuple[Any, ...]) -> Any:
    user, id_, *more = arguments
    return getattr(memory, method)(user, look_alike(id_, 1), *more)


def _repeats_an_id(memory: Called) -> bool:
    ids = [row.id for method, _, rows in memory.calls if method == "add" for row in rows]
    return len(ids) != len(set(ids))


def _is_doubled(answer: Any) -> bool:
    return isinstance(answer, list) and len(answer) != len({memory.text for memory in answer})


def _told(answer: Any) -> tuple[str, str]:
    return type(answer).__name__, str(answer) if isinstance(answer, Exception) else ""


@pytest.mark.replay
@pytest.mark.parametrize("fault", ROWS)
def test_what_is_printed_shows_what_it_says(fault: str) -> None:
    # Where chance decides whether a fault shows, its check is asked again.
    cases = next(filter(None, (found(fault) for _ in range(TRIES))), [])
    assert cases
    for case in filter(is_a_script, cases):
        text = reproduction(case)
        memory = executed(fault, text)
        assert shows(case, memory), f"{case.finding.key}:\n{text}\n{memory.calls[-1]!r}"
