"""A run as an endpoint badge: verdict, level and date, in the verdict's colour.

Publish the file and pass its address to https://img.shields.io/endpoint?url=...
The fields: https://shields.io/badges/endpoint-badge
"""

from __future__ import annotations

from isolation_tests.model import Verdict
from isolation_tests.reporting.evidence.evidence import Evidence
from isolation_tests.reporting.evidence.summary import Summary, exit_status, summary_of
from isolation_tests.reporting.evidence.times import instant
from isolation_tests.reporting.formats.json_common import as_json

__all__ = ["render"]

LABEL = "user isolation"


def render(evidence: Evidence) -> str:
    """The badge as JSON. Green means that a level was reached and nothing is open.

    A run that did not hold is marked as an error, so that no query string can change its colour.
    """
    summary = summary_of(evidence)
    words, colour = _words_and_colour(summary)
    return as_json(
        {
            "schemaVersion": 1,
            "label": LABEL,
            "message": f"{words}, {instant(evidence.footer.ended).date()}",
            "color": colour,
            "isError": summary.verdict is not Verdict.HELD or exit_status(summary) != 0,
        }
    )


def _words_and_colour(summary: Summary) -> tuple[str, str]:
    word = summary.verdict.replace("_", " ").lower()
    level = f"level {summary.level}" if summary.level else "no level"
    if summary.verdict is Verdict.VIOLATED:
        return (f"{word}, known, {level}", "orange") if summary.known_only else (f"{word}, {level}", "red")
    if summary.verdict is not Verdict.HELD:
        return f"{word}, {level}", "yellow"
    if summary.stale_known:
        return f"{word}, {level}, outdated known findings", "yellow"
    return (f"{word}, {level}", "brightgreen") if summary.level else (f"{word}, {level}", "blue")
