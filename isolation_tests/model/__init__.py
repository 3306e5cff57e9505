"""Plans, histories and results: the immutable data that the whole suite shares, serialisable as JSON."""

from isolation_tests.model.history import BoundUser, Event, History, Outcome, Row, Sighting, Volatile
from isolation_tests.model.plan import (
    BY_ID,
    DESTRUCTIVE,
    WRITING,
    FactSpec,
    Frozen,
    NameType,
    Operation,
    Plan,
    Step,
    UserSpec,
)
from isolation_tests.model.result import (
    Case,
    CheckResult,
    Finding,
    Judgement,
    Law,
    Level,
    Verdict,
    alias_reason,
)

__all__ = [
    "BY_ID",
    "DESTRUCTIVE",
    "WRITING",
    "BoundUser",
    "Case",
    "CheckResult",
    "Event",
    "FactSpec",
    "Finding",
    "Frozen",
    "History",
    "Judgement",
    "Law",
    "Level",
    "NameType",
    "Operation",
    "Outcome",
    "Plan",
    "Row",
    "Sighting",
    "Step",
    "UserSpec",
    "Verdict",
    "Volatile",
    "alias_reason",
]
