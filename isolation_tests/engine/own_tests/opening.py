"""Opens a memory system for people's own tests: an adapter, a function that opens it, or a target's name."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from pathlib import Path
from typing import Any

from isolation_tests.core.errors import TargetProblem, UsageProblem
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.identity import RunKey, begin_journal
from isolation_tests.engine.profiles import PROFILES
from isolation_tests.engine.run import blaming, new_key, not_closed, watched
from isolation_tests.engine.safety.cleaning import clean_record, dead_runs, left_behind
from isolation_tests.engine.safety.limits import limited
from isolation_tests.execution.guard import HALTED
from isolation_tests.execution.journal import Journal
from isolation_tests.targets.config import TargetConfig
from isolation_tests.targets.resolve import Target, resolve
from isolation_tests.targets.settings import Settings

__all__ = ["named", "of_memory", "opened", "reopened"]

_NO_MEMORY = (
    "{name} returned {what}; return your adapter, a function that opens it, or a target's name. "
    "isolation_tests/adapter.py says what an adapter is."
)


def of_memory(memory: Any, name: str, settings: Settings, place: Path) -> Target:
    """The target that somebody's own code gives: an adapter, or a function or context that opens one.

    name: of what gave it, for messages. place: the project, which tells its journals from those of others.
    An adapter stays open, because whoever made it closes it. Raises `UsageProblem` for anything else.
    """
    made = not isinstance(memory, type) and callable(getattr(memory, "add", None))
    if made:
        opens: Any = lambda: contextlib.nullcontext(memory)  # noqa: E731 - a factory like the others
    elif isinstance(memory, AbstractContextManager | AbstractAsyncContextManager):
        opens = lambda: memory  # noqa: E731 - as above
    elif callable(memory):
        opens = memory
    else:
        raise UsageProblem(_NO_MEMORY.format(name=name, what=_article(memory)))
    config = TargetConfig(name=name, adapter=name, disposable=settings.disposable, shared=made)
    return Target(config, opens, f"the fixture {name}", code=place)


def named(spec: str, settings: Settings, options: Mapping[str, str]) -> Target:
    """The target with a name, and its known findings; raises `UsageProblem` if there is none."""
    return resolve(spec, options=options, known=settings.known, disposable=settings.disposable)


@contextlib.contextmanager
def opened(target: Target, settings: Settings) -> Iterator[Examiner]:
    """A target of a fixture, open for one test.

    Only the fixture can open it again, so this deletes what an earlier run was killed over.
    """
    for record in dead_runs(target):
        if not record.halted:
            clean_record(record, target)
    key = new_key(settings.seed_number())
    with limited(target, settings, key.began) as metered:
        journal = begin_journal(target, key)
        try:
            yield from _examined(metered, journal, key)
        finally:
            journal.end()


@contextlib.contextmanager
def reopened(target: Target, settings: Settings) -> Iterator[Examiner]:
    """A target that another process can open by its name, and does to clean up if this one is killed.

    settings: they name the target. Warns of what an earlier run has left.
    """
    for told in left_behind(target, settings.target or target.name):
        warnings.warn(told, stacklevel=2)
    key = new_key(settings.seed_number())
    with limited(target, settings, key.began) as metered, watched(metered, key, settings) as journal:
        yield from _examined(metered, journal, key)


def _examined(target: Target, journal: Journal, key: RunKey) -> Iterator[Examiner]:
    with blaming(target.name):
        examiner = Examiner(target, PROFILES["quick"], key, probed={}, journal=journal)
    try:
        if examiner.loss is not None:
            raise TargetProblem(f"{target.name}: {HALTED}.")
        yield examiner
    finally:
        _close(examiner)


def _close(examiner: Examiner) -> None:
    try:
        examiner.close()
    except Exception as error:  # noqa: BLE001 - told without the text, which may be a stranger's
        raise TargetProblem(f"{examiner.target.name}: {not_closed(error)}.") from None


def _article(memory: object) -> str:
    kind = type(memory).__name__
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"
