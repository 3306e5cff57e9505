"""The read-only probe of a production system, with two users that its operator made for it.

It reads as each of them and looks for the text that only the other has. It proves nothing but what it saw, so
it writes no evidence and yields no level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from isolation_tests.adapter import Memory
from isolation_tests.core.errors import ExitStatus, UsageProblem, sentence
from isolation_tests.execution.contract import BrokenContract, police
from isolation_tests.execution.session import Session, TimeLimit
from isolation_tests.model import Operation
from isolation_tests.targets.config import PRODUCTION
from isolation_tests.targets.resolve import Target
from isolation_tests.testdata.canaries import leaves
from isolation_tests.testdata.display import show

__all__ = ["Probed", "probe"]

_LIMIT = 20


@dataclass(frozen=True, slots=True)
class Probed:
    """What the probe saw, as lines and as an exit status."""

    lines: tuple[str, ...]
    status: int


def probe(target: Target) -> Probed:
    """Read as each of the target's two probe users; raises a `Problem` if the target is not made for it."""
    if target.config.environment != PRODUCTION:
        raise UsageProblem(
            f"{target.name} is not a production system; test it with `isolation-tests run`, or say "
            f'environment = "{PRODUCTION}" in its file.'
        )
    if not target.config.probe:
        raise UsageProblem(
            f"{target.name}: its file has no [probe]; make two users for it, store a text of its own as "
            'each, and name them there, as in user-1 = "the text of user 1".'
        )
    session = target.open_to_read()
    try:
        return _judged(target, session)
    finally:
        session.close()


def _judged(target: Target, session: Session) -> Probed:
    """Each user has to see their own text, and must not see the other's."""
    texts = target.config.probe
    crossed, doubts = [], []
    for user, own in texts.items():
        other = next(name for name in texts if name != user)
        try:
            seen = _read(session, user, own)
        except Exception as error:  # noqa: BLE001 - whatever an adapter raises proves nothing
            doubts.append(f"reading as {show(user)} failed: {_kind(error)}")
            continue
        if any(texts[other] in text for text in seen):
            crossed.append(f"VIOLATED: {show(user)} got the text of {show(other)}.")
        if not any(own in text for text in seen):
            doubts.append(
                f"{show(user)} did not see their own text, so not seeing the other's proves nothing"
            )
    said = (*crossed, *(f"INCONCLUSIVE: {doubt}." for doubt in doubts))
    if said:
        return Probed(said, int(ExitStatus.VIOLATED if crossed else ExitStatus.INCONCLUSIVE))
    calm = f"{target.name}: neither probe user got the other's text. No level: a probe only reads."
    return Probed((calm,), int(ExitStatus.HELD))


def _read(session: Session, user: str, own: str) -> list[str]:
    """Every text that a user gets by listing and by searching; nothing of it is kept.

    Nobody searches for the other's text, because a system may well repeat what it is asked for.
    """
    listed = _call(session, Operation.GET_ALL, user)
    rows = [*listed, *_call(session, Operation.SEARCH, user, own, limit=_LIMIT)]
    return [str(leaf) for row in rows for part in (row.text, row.raw) for leaf, _ in leaves(part, "row")]


def _call(session: Session, op: Operation, user: str, *arguments: Any, **keywords: Any) -> list[Memory]:
    if op not in (Operation.GET_ALL, Operation.SEARCH):
        raise ValueError(f"a probe never calls {op}")
    found: list[Memory] = police(op, session.call(op.value, user, *arguments, **keywords))
    return found


def _kind(error: Exception) -> str:
    """What went wrong, without the text of a system that has other people's data."""
    ours = isinstance(error, BrokenContract | TimeLimit)
    return sentence(error) if ours else type(error).__name__
