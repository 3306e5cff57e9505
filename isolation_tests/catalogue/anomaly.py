"""What the catalogue says of one anomaly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from isolation_tests.model import Level

Severity = Literal["critical", "high", "medium", "low", "info"]


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One named way isolation fails.

    law: what always holds where the anomaly is absent. cwe, controls: identifiers the evidence speaks to,
    never a claim of compliance. cases: public issues and advisories in which it happened. fix: how it is
    usually fixed. level: the lowest certificate level whose checks look for it.
    visible: False where nothing can be judged through an adapter; `note` then says why.
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
