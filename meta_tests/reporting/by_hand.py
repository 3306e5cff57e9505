"""Results and runs written by hand."""

from __future__ import annotations

from typing import Any

from isolation_tests.model import (
    CheckResult,
    Level,
    Verdict,
)
from isolation_tests.reporting.evidence.summary import Summary, summarise
from meta_tests.builders import make_case, make_header, make_result


def summary_of(*results: CheckResult, **changes: Any) -> Summary:
    return summarise(make_header(*results, **changes), results)


HARD: dict[str, Any] = {"level": Level.HARDENED}
KNOWN = make_result("k", Verdict.VIOLATED, cases=(make_case(known="upstream"),))
