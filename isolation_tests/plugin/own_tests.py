"""The fixtures for people's own tests: what they hand out, and how they open what they test."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from isolation_tests.core.errors import Problem, UsageProblem, sentence
from isolation_tests.core.inert import plain
from isolation_tests.engine.examiner import Examiner
from isolation_tests.engine.own_tests.opening import named, of_memory, opened, reopened
from isolation_tests.engine.own_tests.regression import asked_again
from isolation_tests.engine.own_tests.two_users import TwoUsers
from isolation_tests.execution.guard import GuardedSession
from isolation_tests.plans.own_test import ALICE, BOB
from isolation_tests.plugin import settings_of
from isolation_tests.targets.places import placed
from isolation_tests.targets.settings import Settings
from isolation_tests.testdata.relations import Relation, relation

__all__ = ["Isolation", "Memory", "Opened", "Replay", "User", "isolated"]

MEMORY = "isolation_memory"
_THE_PROJECTS = object()
"""In place of a memory: what the fixture isolation_memory gives."""
_NOTHING = (
    "No memory system is given. Override the fixture isolation_memory in your conftest.py, so that it "
    "returns your adapter, a function that opens it, or a target's name; or give a target with "
    "--isolation-target."
)


@dataclass(frozen=True, slots=True)
class User:
    """One of the two users. name: what to pass wherever your code or the memory takes a user."""

    name: Any
    _number: int
    _users: TwoUsers

    @property
    def facts(self) -> tuple[str, ...]:
        """The texts that this user has stored, each with an unguessable token."""
        return self._users.facts(self._number)

    def new_fact(self) -> str:
        """A text for your own code to store as this user.

        It has to be there when `assert_apart` looks, for this user and for nobody else.
        """
        return self._users.new_fact(self._number)

    def __str__(self) -> str:
        return str(self.name)


class Memory:
    """The memory as it is open: each method of the adapter, with the time limit and the gate of a run.

    Nothing is written or deleted as somebody who is not a user of this run. An async method is waited for.
    """

    def __init__(self, session: Callable[[], GuardedSession]) -> None:
        self._session = session

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if method.startswith("_"):
            raise AttributeError(method)
        return partial(self._session().call, method)


class Isolation:
    """Two users with related names, alice and bob, whose facts are stored in your memory system."""

    def __init__(self, users: TwoUsers, memory: Memory) -> None:
        self._users = users
        self.memory = memory
        self.alice = User(users.name(ALICE), ALICE, users)
        self.bob = User(users.name(BOB), BOB, users)

    def __repr__(self) -> str:
        return f"<isolation of {self._users.roles.told(ALICE)} and {self._users.roles.told(BOB)}>"

    def assert_apart(self, *, deleted: User | Iterable[User] = ()) -> None:
        """Alice, Bob and others see their own facts and nobody else's, on every surface of the memory.

        deleted: users whose memories your test has deleted, all of them; nothing of them may be left then.
        Raises `AssertionError` that names who saw what, or why nothing is proved: also if Alice or Bob does
        not see what is their own.
        """
        __tracebackhide__ = True
        gone = (deleted,) if isinstance(deleted, User) else tuple(deleted)
        _assert_none(_told(partial(self._users.apart, [self._number(user) for user in gone])))

    def assert_unseen(self, answer: object, *, by: User) -> None:
        """An answer of your own code to one of the users holds no fact of the other, in any part of it.

        answer: a text, or anything made of texts: a list, a dictionary, an object with fields.
        """
        __tracebackhide__ = True
        _assert_none(self._users.shown(answer, self._number(by)))

    @staticmethod
    def _number(user: User) -> int:
        if not isinstance(user, User):
            raise TypeError(f"{user!r} is no user of this test; pass isolation.alice or isolation.bob")
        return user._number  # noqa: SLF001 - a user of this very module


def _assert_none(said: str) -> None:
    __tracebackhide__ = True
    if said:
        raise AssertionError(said)


def _told(ask: Callable[[], str]) -> str:
    """The answer, or the sentence of a problem in place of a crash."""
    try:
        return ask()
    except Problem as error:
        return plain(sentence(error))


class Opened:
    """The targets that the tests of a session have named, each opened once."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._stack = contextlib.ExitStack()
        self._open: dict[tuple[object, ...], Examiner] = {}

    def settings(self) -> Settings:
        """The settings of the session, as for a run."""
        return settings_of(self._config)

    def examiner(self, spec: str, options: Mapping[str, str]) -> Examiner:
        """The target with this name; it is opened again after a call that never came back."""
        spec = placed(spec, self._config.rootpath)
        key = (spec, *sorted(options.items()))
        if key not in self._open or self._open[key].runner.lost:
            given = tuple(f"{name}={value}" for name, value in options.items())
            settings = replace(self.settings(), target=spec, options=given)
            target = named(spec, settings, options)
            self._open[key] = self._stack.enter_context(reopened(target, settings))
        return self._open[key]

    def close(self) -> None:
        """Close all of them."""
        with _one_sentence():
            self._stack.close()

    @contextlib.contextmanager
    def of(self, memory: Any, name: str) -> Iterator[Examiner]:
        """The memory that a fixture returned, open: for one test, or if it is a target's name, for all."""
        settings = self.settings()
        if memory is None and settings.target is None:
            raise UsageProblem(_NOTHING)
        if memory is None:
            spec = placed(settings.target or "", Path(self._config.invocation_params.dir))
            yield self.examiner(spec, settings.option_map())
        elif isinstance(memory, str):
            yield self.examiner(memory, settings.option_map())
        else:
            with opened(of_memory(memory, name, settings, self._config.rootpath), settings) as examiner:
                yield examiner


@contextlib.contextmanager
def isolated(all_opened: Opened, memory: Any, related: str) -> Iterator[Isolation]:
    """The two users in a memory, until the test is over; what they have is deleted then.

    related: the name of the relation between their names.
    """
    with _one_sentence(), all_opened.of(memory, MEMORY) as examiner:
        users = TwoUsers(examiner, _relation(related))
        try:
            if said := users.store():
                pytest.fail(said, pytrace=False)
            yield Isolation(users, Memory(lambda: examiner.runner.session))
        finally:
            left = users.end()
        _nothing_left(left)


class Replay:
    """Performs a finding's plan again: `isolation_replay` in a test that a replay file was made into."""

    def __init__(self, all_opened: Opened, memory: Callable[[], Any]) -> None:
        """memory: what the fixture isolation_memory gives, asked only where a test names nothing else."""
        self._opened, self._memory = all_opened, memory

    def __call__(
        self,
        plan: Mapping[str, Any],
        *,
        finding: str,
        tries: int,
        target: str | None = None,
        memory: Any = _THE_PROJECTS,
        options: Mapping[str, str | None] | None = None,
    ) -> None:
        """The plan shows no violation in any of the tries; raises `AssertionError` if it does or can't tell.

        finding: the key of the finding that was made into a test. target: a target's name. memory: an adapter
        or a function that opens one; without either, the fixture isolation_memory says what is tested.
        options: of the target; None for a secret, which `--isolation-option` or ISOLATION_OPTIONS gives.
        """
        __tracebackhide__ = True
        with _one_sentence(), self._where(target, memory, options or {}) as examiner:
            before = len(examiner.leftovers)
            said = asked_again(examiner, plan, finding, tries)
            left = examiner.leftovers[before:]
        _assert_none(said)
        _nothing_left(left)

    @contextlib.contextmanager
    def _where(
        self, target: str | None, memory: Any, options: Mapping[str, str | None]
    ) -> Iterator[Examiner]:
        if target is not None:
            yield self._opened.examiner(target, _filled(options, self._opened.settings().option_map()))
            return
        own = memory is _THE_PROJECTS
        if memory is None:
            raise UsageProblem(
                "The fixture of this test returned None; let it return a memory or a target's name."
            )
        name = MEMORY if own else _name_of(memory)
        with self._opened.of(self._memory() if own else memory, name) as examiner:
            yield examiner


def _filled(options: Mapping[str, str | None], given: Mapping[str, str]) -> dict[str, str]:
    """The options with the secrets that a file does not hold; raises `UsageProblem` if one is missing."""
    lacking = [name for name, value in options.items() if value is None and name not in given]
    if lacking:
        raise UsageProblem(
            f"The option {lacking[0]!r} is a secret, so the test does not hold it; give it with "
            "--isolation-option KEY=VALUE, or in ISOLATION_OPTIONS."
        )
    return {name: given[name] if value is None else value for name, value in options.items()}


def _name_of(memory: Any) -> str:
    """What a memory is called in messages: its function's name, or else its class's."""
    name = getattr(memory, "__name__", None)
    return name if isinstance(name, str) else type(memory).__name__


def _relation(name: str) -> Relation:
    try:
        return relation(name)
    except LookupError as error:
        raise UsageProblem(f"The fixture isolation_relation is wrong: {error.args[0]}") from error


def _nothing_left(left: list[str]) -> None:
    if left:
        pytest.fail(f"the memories of {', '.join(left)} could not be deleted", pytrace=False)


@contextlib.contextmanager
def _one_sentence() -> Iterator[None]:
    """Within this, a problem that people can fix fails the test with its sentence and no traceback."""
    try:
        yield
    except Problem as error:
        raise pytest.fail.Exception(plain(sentence(error)), pytrace=False) from None
