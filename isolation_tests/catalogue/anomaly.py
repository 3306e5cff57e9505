"""The type of a catalogue entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from isolation_tests.model import Level

Severity = Literal["critical", "high", "medium", "low", "info"]


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One named way in which isolation fails.

    law: what always holds if the anomaly is absent. cwe: its weaknesses. controls: those for which its checks
    are evidence, never a claim of compliance. cases: public issues and advisories in which it happened. fix:
    the usual fix. level: the lowest certificate level whose checks look for it. visible: False if no check
    through an adapter can judge it; `note` then says why.
    """

    id: str
    name: str
    law: str
    severity: Severity
    cwe: tuple[str, ...]
    controls: tuple[str, ...]
    cases: tuple[str, ...]
    fix: str
    level: Level
    visible: bool = True
    note: str = ""
