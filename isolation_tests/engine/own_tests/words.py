"""What a test of somebody's own says when it fails: who saw what, in words that need no report."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from isolation_tests.catalogue import CATALOGUE
from isolation_tests.core.inert import plain
from isolation_tests.execution.binding import Binding
from isolation_tests.model import Case, UserName
from isolation_tests.reporting.narrative.reproduction import happened, reproduction
from isolation_tests.testdata.display import show

__all__ = ["Roles", "finding_lines", "inconclusive", "violated"]

_ROLES = ("alice", "bob", "bystander", "newcomer")
_MOST_FINDINGS = 5
_NUMBERED = re.compile(r"\buser ([0-3])\b")


def violated(name: str, findings: Sequence[str] = ()) -> str:
    """The first line of a violation on a target, and what was found."""
    told = list(findings[:_MOST_FINDINGS])
    if more := len(findings) - len(told):
        told.append(f"and {more} more")
    return plain("\n".join([f"users are not kept apart on {name}", *told]))


def inconclusive(name: str, why: str) -> str:
    """That nothing was proved on a target, and why."""
    return plain(f"nothing is proved about {name}: {why}")


@dataclass(frozen=True, slots=True)
class Roles:
    """Who is who in a test of two users: the names of alice, bob, a bystander and a newcomer."""

    names: tuple[UserName, ...]

    def told(self, user: int) -> str:
        """A user's role with the name."""
        return f"{_ROLES[user]} {show(self.names[user])}"

    def named(self, text: str) -> str:
        """A text of a judge, with each user's number replaced."""
        return _NUMBERED.sub(lambda match: self.told(int(match[1])), text)

    def finding(self, case: Case, binding: Binding) -> str:
        """A finding in lines, with the roles of its users, and the text of the fact that was seen."""
        said = happened(case)
        for user, name in enumerate(self.names):
            said = said.replace(show(name), self.told(user))
        seen = _seen(case, binding)
        return finding_lines(case, said + (f": {seen!a}" if seen else ""))


def finding_lines(case: Case, said: str) -> str:
    """A finding in lines: its key and what happened, its law, the calls that show it, and the usual fix."""
    entry = CATALOGUE.get(case.finding.anomaly)
    lines = [f"{case.finding.key}: {said}"]
    lines += [] if entry is None else [f"  law: {entry.law}"]
    # There is no replay file: the test itself holds the rest.
    calls = reproduction(case, rest="")
    lines += ["  calls that show it:", *(f"    {line}" for line in calls.splitlines())]
    lines += [] if entry is None else [f"  usual fix: {entry.fix}"]
    return "\n".join(lines)


def _seen(case: Case, binding: Binding) -> str:
    """The text of a fact of somebody else that the finding's answer gave away; empty if there is none."""
    finding = case.finding
    for event in case.history.events:
        if event.step == finding.step and event.user == finding.viewer:
            for sighting in event.seen():
                if sighting.user is not None and sighting.user == finding.owner != finding.viewer:
                    return binding.text(sighting.fact)
    return ""
