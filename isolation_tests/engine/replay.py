"""Replays a recorded finding on the target that showed it, or on another one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from isolation_tests.core.errors import ExitStatus, TargetProblem, UsageProblem
from isolation_tests.core.intervals import tries_for, unseen_words
from isolation_tests.core.masking import MASK
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.profiles import PROFILES
from isolation_tests.engine.run import blaming, new_key, not_closed, watched
from isolation_tests.engine.safety.limits import limited
from isolation_tests.engine.violations import CheckFailed
from isolation_tests.execution.guard import HALTED
from isolation_tests.execution.meter import RunEnded
from isolation_tests.execution.plan_run import PlanRun
from isolation_tests.model import Case
from isolation_tests.plans.own_test import somebody
from isolation_tests.reporting.evidence.replay_file import Replay, read_replay
from isolation_tests.reporting.narrative.reproduction import story
from isolation_tests.targets.resolve import resolve
from isolation_tests.targets.settings import Settings, gather
from isolation_tests.targets.shipped import is_shipped
from isolation_tests.testdata.display import show

_ALLOWED = "; add --disposable if its whole store may be destroyed"
FEWEST, MOST = 20, 300
"""How often to try: for a steady finding, and at most for a rare one."""
BESIDE = 3
"""How often a plan is performed beside somebody else's fact, before it is performed alone."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """The outcome of a replay in words, with its exit status."""

    text: str
    status: int


def replayed(file: Path, settings: Settings, *, times: int | None = None) -> Replayed:
    """Run the recorded plan until its finding shows, at most `times` times.

    Without `times`, run it until the finding is known to be rarer than when it was recorded, between FEWEST
    and MOST times. The target and its options are those of `settings`; a recorded target counts only if the
    suite ships it. Raises a `Problem` for a file that is not a replay file, and for a target that is unknown,
    not named or can't be opened.
    """
    record = read_replay(file)
    settings = _complete(file, record, settings)
    target = resolve(
        settings.target or "", options=settings.option_map(), known="none", disposable=settings.disposable
    )
    key = new_key(settings.seed_number())
    with (
        limited(target, settings, key.began) as target,
        blaming(target.name),
        watched(target, key, settings) as journal,
    ):
        examiner = Examiner(target, PROFILES["quick"], key, probed={}, journal=journal)
        try:
            return _performed(record, examiner, target.name, times or enough(record))
        except CheckFailed as error:
            return Replayed(
                f"error: {record.finding.key} on {target.name}: {error}", int(ExitStatus.INCONCLUSIVE)
            )
        finally:
            _closed(examiner, target.name)


def enough(record: Replay) -> int:
    """How many tries without a finding show that it is rarer now than when it was recorded."""
    if record.seen >= record.tried:
        return FEWEST
    return min(max(FEWEST, tries_for(record.seen / record.tried)), MOST)


def target_named(file: Path, record: Replay, target: str | None) -> str:
    """The target of the command line, or else the file's, if the suite ships it.

    A replay file may come from anybody. Whatever it says, it starts no code of its own choice and reaches no
    system of its own choice. Raises `UsageProblem` if the command line has to name the target.
    """
    if target is None and not is_shipped(record.target):
        raise UsageProblem(
            f"{file} names the target {show(record.target)}, which does not come with isolation-tests; if "
            "you trust it, name it yourself with --target."
        )
    return target or record.target


def _complete(file: Path, record: Replay, settings: Settings) -> Settings:
    """The settings with the target and all of its options."""
    spec = target_named(file, record, settings.target)
    if spec != record.target:
        return replace(settings, target=spec)
    given = _options(record, settings)
    return replace(settings, target=spec, options=tuple(f"{name}={value}" for name, value in given.items()))


def _options(record: Replay, settings: Settings) -> dict[str, str]:
    """The options given now; raises `UsageProblem` if one of the recorded run is missing.

    The values in the file are not used. Without an option, the finding might not show although it is there.
    """
    around = gather(Settings(), folder=Path.cwd()).option_map() if record.options else {}
    mine = {name: value for name, value in around.items() if name in record.options}
    given = {**mine, **settings.option_map()}
    for name, value in record.options.items():
        if name not in given:
            kept = "does not contain the secret" if MASK in value else "is not trusted with the"
            raise UsageProblem(
                f"The replay file {kept} option {show(name)} of the run; pass it again with -O."
            )
    return given


def _performed(record: Replay, examiner: Examiner, name: str, times: int) -> Replayed:
    key = record.finding.key
    if examiner.loss is not None:
        return Replayed(f"error: {key} can't be replayed on {name}: {HALTED}", int(ExitStatus.INCONCLUSIVE))
    blocked = examiner.blocked(record.plan)
    if blocked:
        return Replayed(
            f"error: {key} can't be replayed on {name}: {blocked}{_ALLOWED}", int(ExitStatus.INCONCLUSIVE)
        )
    with beside_somebody(examiner) as run:
        with contextlib.suppress(RunEnded):
            examiner.runner.go_on(run, range(2))
        beside = _tried(record, examiner, name, range(1, 1 + min(times, BESIDE)))
    return (
        beside
        or _tried(record, examiner, name, range(1 + BESIDE, 1 + times))
        or Replayed(f"not reproduced: {key} on {name}: {unseen_words(times, 'tries')}", int(ExitStatus.HELD))
    )


@contextlib.contextmanager
def beside_somebody(examiner: Examiner) -> Iterator[PlanRun]:
    """Within this, somebody else may have a fact, as in a run, where others stand beside every plan.

    Some findings are nothing but the sight of them. The first two steps of what is given store the fact and
    wait for it, and the third looks again.
    """
    run = examiner.runner.begin(somebody(examiner.material("control")))
    try:
        yield run
    finally:
        examiner.runner.end(run)


def _tried(record: Replay, examiner: Examiner, name: str, attempts: range) -> Replayed | None:
    """What the first try shows that shows the finding, or proves nothing; None if none does."""
    key = record.finding.key
    for attempt in attempts:
        answers = examiner.ask(record.plan)
        for history, judged in answers:
            for finding in (*judged.findings, *judged.hazards):
                if finding.key == key:
                    seen = story(Case(finding=finding, history=history, seen=1, tried=attempt))
                    return Replayed(f"reproduced: {key} on {name}: {seen}", int(ExitStatus.VIOLATED))
        problems = [text for _, judged in answers for text in (*judged.errors, *judged.doubts)]
        if problems:
            return Replayed(f"error: {key} on {name}: {problems[0]}", int(ExitStatus.INCONCLUSIVE))
    return None


def _closed(examiner: Examiner, name: str) -> None:
    try:
        examiner.close()
    except Exception as error:  # noqa: BLE001 - told without the text, which may be a stranger's
        raise TargetProblem(f"{name}: {not_closed(error)}.") from None
